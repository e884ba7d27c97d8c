import { errnoOf } from '../../events/fault.ts';
import { wayInWords } from '../../events/way-words.ts';
import { decodeResponse, encodeQuestion, framed } from '../../protocol/dns/message.ts';
import type { Question, Response } from '../../protocol/dns/message.ts';
import type { ByteStream, DatagramSocket } from '../../world/ports/network.ts';
import type { World } from '../../world/world.ts';
import { foreignMax, tcpAnswerMax } from './limits.ts';
import { printNameServer } from './name-servers.ts';
import type { NameServer } from './name-servers.ts';

/** What one question to one server brought. */
export type Exchange =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'failed'; readonly reason: string };

/** Everything one exchange needs. */
export interface ExchangeOptions {
  readonly world: Pick<World, 'network' | 'clock' | 'random'>;
  readonly server: NameServer;
  readonly name: string;
  readonly type: Question['type'];
  readonly edns: boolean;
  /** 'unchecked' asks for the answer even where its signatures are wrong. */
  readonly dnssec?: 'checked' | 'unchecked';
  readonly timeoutMs: number;
}

/** Asks one server by UDP from a port and with an id that cannot be guessed (RFC 5452 §9), and by TCP when the answer was cut (RFC 7766 §5). */
export async function ask(options: ExchangeOptions): Promise<Exchange> {
  const question: Question = {
    id: options.world.random.bytes(2).readUInt16BE(0),
    name: options.name,
    type: options.type,
  };
  const octets = encodeQuestion(question, options.edns, options.dnssec);
  const first = await askUdp(options, question, octets);
  return first.kind === 'response' && first.response.truncated ? askTcp(options, question, octets) : first;
}

function askUdp(options: ExchangeOptions, question: Question, octets: Buffer): Promise<Exchange> {
  const { world, server } = options;
  return new Promise((resolve) => {
    let socket: DatagramSocket | undefined;
    let ended = false;
    let foreign = 0;
    let stranger: string | undefined;
    const finish = (result: Exchange): void => {
      if (ended) return;
      ended = true;
      timer.cancel();
      socket?.close();
      resolve(result);
    };
    const timer = world.clock.after(options.timeoutMs, () => finish(silence(options, stranger)));
    const receive = (bytes: Buffer, from: { readonly address: string; readonly port: number }): void => {
      const ours = from.address === server.address && from.port === server.port;
      const reading = decodeResponse(bytes, question);
      if (ours && reading.kind === 'response') return finish(reading);
      // A server of several addresses that answers from another one is not believed (RFC 5452 §9.1), but told.
      if (reading.kind === 'response') stranger ??= printNameServer(from);
      if (++foreign > foreignMax)
        finish({
          kind: 'failed',
          reason: `over ${foreignMax} forged answers in the name of ${printNameServer(server)}`,
        });
    };
    world.network.datagram(server.address.includes(':') ? 6 : 4, receive).then(
      (opened) => {
        socket = opened;
        if (ended) opened.close();
        else opened.send(octets, server.port, server.address);
      },
      (error: unknown) =>
        finish({
          kind: 'failed',
          reason: `cannot ask ${printNameServer(server)}: ${wayInWords(errnoOf(error)) || 'no socket'}`,
        }),
    );
  });
}

async function askTcp(options: ExchangeOptions, question: Question, octets: Buffer): Promise<Exchange> {
  const { world, server } = options;
  let stream: ByteStream;
  try {
    stream = await world.network.dial({ address: server.address, port: server.port, timeoutMs: options.timeoutMs });
  } catch (error) {
    return {
      kind: 'failed',
      reason: `the answer of ${printNameServer(server)} was cut, and by TCP it cannot be reached: ${wayInWords(errnoOf(error)) || 'no connection'}`,
    };
  }
  return new Promise((resolve) => {
    let held: Buffer = Buffer.alloc(0);
    let ended = false;
    const finish = (result: Exchange): void => {
      if (ended) return;
      ended = true;
      timer.cancel();
      stream.destroy();
      resolve(result);
    };
    const broken = (): void =>
      finish({ kind: 'failed', reason: `${printNameServer(server)} closed the TCP connection without an answer` });
    const timer = world.clock.after(options.timeoutMs, () => finish(silence(options)));
    stream.start({
      data(chunk) {
        if (ended) return;
        held =
          held.length === 0 ? chunk : Buffer.concat([held, chunk], Math.min(held.length + chunk.length, tcpAnswerMax));
        if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return;
        const reading = decodeResponse(held.subarray(2, 2 + held.readUInt16BE(0)), question);
        // An answer that is cut even here is not the whole one.
        const whole = reading.kind === 'response' && !reading.response.truncated;
        finish(
          whole
            ? reading
            : { kind: 'failed', reason: `the answer of ${printNameServer(server)} by TCP cannot be read` },
        );
      },
      end: broken,
      drain() {},
      closed: broken,
    });
    stream.write(framed(octets));
  });
}

function silence({ server, timeoutMs }: ExchangeOptions, stranger?: string): Exchange {
  const instead = stranger === undefined ? '' : `; one came from ${stranger}, which was not asked`;
  return { kind: 'failed', reason: `no answer from ${printNameServer(server)} in ${timeoutMs / 1000} s${instead}` };
}
