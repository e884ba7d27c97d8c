import { decodeResponse, encodeQuestion, framed, type Question, type Response } from '../../../protocol/dns/message.ts';
import { encodeIdentityQuestion, readIdentity } from '../../../protocol/dns/server-identity.ts';
import { encodeSignatureQuestion, readSignatures, type SignatureSpan } from '../../../protocol/dns/signatures.ts';
import { printNameServer, type NameServer } from '../../../transport/resolver/name-servers.ts';
import type { ByteStream, DatagramSocket } from '../../../world/ports/network.ts';
import type { RecordType } from '../../../world/ports/resolver.ts';
import type { World } from '../../../world/world.ts';
import { errnoOf } from '../../../events/fault.ts';
import type { Timer } from '../../../world/ports/clock.ts';
import { nameServerAgainMs, nameServerWaitMs } from '../limits.ts';

/** What one question to one server brought, and in what time. */
export type NameServerReply =
  | { readonly kind: 'response'; readonly response: Response; readonly tookMs: number }
  | { readonly kind: 'silent'; readonly why: string };

type AskWorld = Pick<World, 'network' | 'clock' | 'random'>;

/** What asking takes. */
export type AskParts = {
  [K in keyof AskWorld]: K extends 'network' ? Pick<AskWorld['network'], 'dial' | 'datagram'> : AskWorld[K];
};

const RCODES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
};

/** The name of a response code. */
export const rcodeName = (rcode: number): string => RCODES[rcode] ?? `RCODE ${rcode}`;

const silence = (why: string): NameServerReply => ({ kind: 'silent', why });

/** How to ask. */
export interface Asking {
  /** With EDNS, as the service does first; default true. */
  readonly edns?: boolean;
  readonly waitMs?: number;
}

/**
 * Asks by UDP; while no answer comes the question is sent again, so that lost packets alarm nobody. Each time it has an id of its own:
 * the time that is told is that of the question which was answered.
 */
export async function askByUdp(
  world: AskParts,
  server: NameServer,
  name: string,
  type: RecordType,
  { edns = true, waitMs = nameServerWaitMs }: Asking = {},
): Promise<NameServerReply> {
  const sent: { readonly question: Question; readonly atMs: number }[] = [];
  const timers: Timer[] = [];
  let socket: DatagramSocket | undefined;
  try {
    return await new Promise<NameServerReply>((resolve, reject) => {
      const receive = (bytes: Buffer, from: { readonly address: string; readonly port: number }): void => {
        if (from.address !== server.address || from.port !== server.port) return;
        for (const { question, atMs } of sent) {
          const reading = decodeResponse(bytes, question);
          if (reading.kind === 'response')
            resolve({ kind: 'response', response: reading.response, tookMs: Math.round(world.clock.now() - atMs) });
        }
      };
      const send = (): void => {
        const question: Question = { id: world.random.bytes(2).readUInt16BE(0), name, type };
        sent.push({ question, atMs: world.clock.now() });
        socket?.send(encodeQuestion(question, edns), server.port, server.address);
      };
      world.network.datagram(server.address.includes(':') ? 6 : 4, receive).then((opened) => {
        socket = opened;
        send();
        // Ever more patient: a server that is slow must not drown in questions.
        for (let ms = nameServerAgainMs; ms < waitMs; ms = ms * 2 + nameServerAgainMs)
          timers.push(world.clock.after(ms, send));
        timers.push(world.clock.after(waitMs, () => resolve(silence(`no answer within ${waitMs / 1000} s`))));
      }, reject);
    });
  } catch (error) {
    return silence(`no socket: ${errnoOf(error)}`);
  } finally {
    for (const timer of timers) timer.cancel();
    socket?.close();
  }
}

/** Sends a question of its own kind, twice, until an answer can be read; undefined where nothing comes back. */
async function askOwnWay<T>(
  world: AskParts,
  server: NameServer,
  waitMs: number,
  { question, read }: { readonly question: Buffer; readonly read: (bytes: Buffer) => T | undefined },
): Promise<T | undefined> {
  const timers: Timer[] = [];
  let socket: DatagramSocket | undefined;
  try {
    return await new Promise<T | undefined>((resolve, reject) => {
      const receive = (bytes: Buffer, from: { readonly address: string; readonly port: number }): void => {
        const ours = from.address === server.address && from.port === server.port;
        const told = ours ? read(bytes) : undefined;
        if (told !== undefined) resolve(told);
      };
      const send = (): void => socket?.send(question, server.port, server.address);
      world.network.datagram(server.address.includes(':') ? 6 : 4, receive).then((opened) => {
        socket = opened;
        send();
        timers.push(world.clock.after(waitMs / 2, send));
        timers.push(world.clock.after(waitMs, () => resolve(undefined)));
      }, reject);
    });
  } catch {
    // Without a socket nothing is heard; the question before this one has said so.
    return undefined;
  } finally {
    for (const timer of timers) timer.cancel();
    socket?.close();
  }
}

const chanceId = ({ random }: AskParts): number => random.bytes(2).readUInt16BE(0);

/** Asks a server what it is; undefined where nothing comes back, '' where it does not tell. */
export function askIdentity(world: AskParts, server: NameServer, waitMs: number): Promise<string | undefined> {
  const id = chanceId(world);
  const question = encodeIdentityQuestion(id);
  return askOwnWay(world, server, waitMs, { question, read: (bytes) => readIdentity(bytes, id) });
}

/** Asks a server for the signatures of a zone; undefined where nothing comes back. */
export function askSignatures(
  world: AskParts,
  server: NameServer,
  zone: string,
  waitMs: number,
): Promise<readonly SignatureSpan[] | undefined> {
  const id = chanceId(world);
  const question = encodeSignatureQuestion(id, zone);
  return askOwnWay(world, server, waitMs, { question, read: (bytes) => readSignatures(bytes, id) });
}

/** Asks by TCP (RFC 7766), which answers that are too long for a datagram need. A second connection is made where the first is slow. */
export function askByTcp(
  world: AskParts,
  server: NameServer,
  name: string,
  type: RecordType,
  waitMs = nameServerWaitMs,
): Promise<NameServerReply> {
  return new Promise((resolve) => {
    let open = 2;
    const done = (reply: NameServerReply): void => {
      open -= 1;
      if (reply.kind === 'silent' && open > 0) return;
      second.cancel();
      resolve(reply);
    };
    const second = world.clock.after(nameServerAgainMs, () => {
      void askTcpOnce(world, server, name, type, waitMs - nameServerAgainMs).then(done);
    });
    void askTcpOnce(world, server, name, type, waitMs).then(done);
  });
}

async function askTcpOnce(
  world: AskParts,
  server: NameServer,
  name: string,
  type: RecordType,
  waitMs: number,
): Promise<NameServerReply> {
  const question: Question = { id: world.random.bytes(2).readUInt16BE(0), name, type };
  const began = world.clock.now();
  let stream: ByteStream;
  try {
    stream = await world.network.dial({ address: server.address, port: server.port, timeoutMs: waitMs });
  } catch (error) {
    return silence(`${printNameServer(server)} cannot be reached by TCP: ${errnoOf(error)}`);
  }
  return new Promise((resolve) => {
    let held = Buffer.alloc(0);
    const finish = (reply: NameServerReply): void => {
      timer.cancel();
      stream.destroy();
      resolve(reply);
    };
    const timer = world.clock.after(waitMs, () => finish(silence(`no answer by TCP within ${waitMs / 1000} s`)));
    const ended = (): void => finish(silence('the TCP connection ended without an answer'));
    stream.start({
      data(chunk) {
        held = Buffer.concat([held, chunk]);
        if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return;
        const reading = decodeResponse(held.subarray(2, 2 + held.readUInt16BE(0)), question);
        if (reading.kind !== 'response') return finish(silence('the answer by TCP cannot be read'));
        finish({ kind: 'response', response: reading.response, tookMs: Math.round(world.clock.now() - began) });
      },
      end: ended,
      drain() {},
      closed: ended,
    });
    stream.write(framed(encodeQuestion(question, true)));
  });
}
