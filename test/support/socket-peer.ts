import { connect, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { loginFailureDelayMs } from '../../src/flow/reception/limits.ts';
import { ProxyHeaders } from '../../src/flow/reception/proxy-headers.ts';
import { Storing } from '../../src/flow/reception/storing.ts';
import type { Room } from '../../src/flow/reception/room.ts';
import { SessionClient } from '../../src/flow/reception/client.ts';
import { Session } from '../../src/flow/reception/session.ts';
import { TimerWheel } from '../../src/flow/reception/timer-wheel.ts';
import { createPreparation } from '../../src/flow/preparation/preparation.ts';
import type { Reply } from '../../src/mail/reply.ts';
import { replyKind } from '../../src/mail/reply.ts';
import type { Answer, Question } from '../../src/protocol/smtp/server/port.ts';
import { createServerMachine } from '../../src/protocol/smtp/server/machine.ts';
import type { Listening, TlsContext } from '../../src/world/ports/network.ts';
import { nodeNetwork } from '../../src/world/node/network.ts';
import { standardReception, StillClock } from './reception.ts';
import { ScriptedAnswers } from './scripted-answers.ts';
import type { Transcript, TranscriptPeer } from './transcript.ts';

const LINE_MS = 5_000;

/** A session of the real reception behind a real socket as a transcript's peer; the rooms that it asks answer as the transcript says. */
export class SocketPeer implements TranscriptPeer {
  readonly #transcript: Transcript;
  readonly #pieceSize: number;
  readonly #clock = new StillClock();
  #listening: Listening | undefined;
  #session: Session | undefined;
  #socket: Socket | undefined;
  #said = '';
  #ended = false;
  #wake: (() => void) | undefined;
  #content = Buffer.alloc(0);

  private constructor(transcript: Transcript, pieceSize: number) {
    this.#transcript = transcript;
    this.#pieceSize = pieceSize;
  }

  /** Listens, and connects a client that writes so many octets at once. */
  static async open(transcript: Transcript, context: TlsContext, pieceSize = Infinity): Promise<SocketPeer> {
    const peer = new SocketPeer(transcript, pieceSize);
    const room = peer.#room(context);
    peer.#listening = await nodeNetwork.listen({ address: '127.0.0.1', port: 0 }, (stream) => {
      const { profile } = transcript.offer;
      const machine = createServerMachine(transcript.offer);
      const begin = transcript.tls ? 'tls' : 'banner';
      peer.#session = new Session({
        id: 't-1',
        room,
        stream,
        machine,
        profile,
        client: new SessionClient(stream, { stranger: false, intermediary: false }, () => undefined),
        listener: 'test',
        begin,
        ended: () => undefined,
      });
      peer.#session.open();
    });
    const { port } = peer.#listening.local;
    if (transcript.tls)
      await peer.#hear(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }), 'secureConnect');
    else await peer.#hear(connect({ port, host: '127.0.0.1', noDelay: true }), 'connect');
    return peer;
  }

  async send(octets: Buffer): Promise<void> {
    for (let at = 0; at < octets.length; at += this.#pieceSize) {
      if (this.#socket?.writable !== true) return;
      this.#socket.write(octets.subarray(at, Math.min(octets.length, at + this.#pieceSize)));
      // One turn, so that pieces are written, and mostly arrive, one by one.
      if (this.#pieceSize !== Infinity) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async line(): Promise<string | undefined> {
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      this.#wake?.();
    }, LINE_MS);
    while (!this.#said.includes('\r\n') && !this.#ended && !late)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(limit);
    const end = this.#said.indexOf('\r\n');
    if (end < 0) return undefined;
    const line = this.#said.slice(0, end);
    this.#said = this.#said.slice(end + 2);
    return line;
  }

  async startTls(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.removeAllListeners();
    await this.#hear(tls.connect({ socket, rejectUnauthorized: false }), 'secureConnect');
  }

  closed(): boolean {
    return this.#ended;
  }

  content(): Buffer {
    return this.#content;
  }

  async happen(what: 'timeout' | 'shutdown'): Promise<void> {
    // What was sent before must have been heard first.
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (what === 'shutdown') this.#session?.shutDown();
    else this.#clock.advance(standardReception.timeouts.command + 2_000);
  }

  /** Ends the client and the server; what the server still said. */
  async close(): Promise<string> {
    this.#socket?.end();
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#socket?.destroy();
    this.#session?.destroy('the transcript is over');
    await this.#listening?.close();
    return this.#said;
  }

  #hear(socket: Socket, ready: 'connect' | 'secureConnect'): Promise<void> {
    this.#socket = socket;
    const ended = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString('latin1');
      this.#wake?.();
    });
    socket.on('end', ended).on('close', ended);
    return new Promise((resolve, reject) => {
      socket.once('close', () => reject(new Error('closed before it was ready')));
      socket.on('error', reject); // later ones are ends, which a promise that is settled does not mind
      socket.once(ready, () => resolve());
    });
  }

  #room(context: TlsContext): Room {
    const { offer, answers } = this.#transcript;
    const script = new ScriptedAnswers(answers, false);
    const ask = (question: Question): Reply => single(script.to(question));
    const refused = (question: Question): Reply | undefined => unlessPositive(ask(question));
    const settings = { ...standardReception, messageSizeMax: offer.messageSizeMax };
    const clock = this.#clock;
    const preparation = createPreparation({
      serverName: offer.hostName,
      reception: settings,
      expiryMs: { urgent: 1, normal: 1, bulk: 1 },
      router: { nextHop: () => 'local' },
      clock,
    });
    let chunks: Buffer[] = [];
    let inTransaction = false;
    let messages = 0;
    return {
      clock,
      wheel: new TimerWheel(clock),
      proxyHeaders: new ProxyHeaders({ emit: () => undefined }),
      storing: new Storing(),
      settings,
      serverName: offer.hostName,
      journal: { emit: () => undefined },
      timeline: { add: () => undefined },
      tls: () => ({ context, timeoutMs: LINE_MS }),
      policy: {
        trusts: () => false,
        connection: () => refused({ about: 'connection' }),
        greeting: (_, name) => refused({ about: 'greeting', verb: 'EHLO', name }),
        login: async (_, user, password) => {
          const reply = ask({ about: 'login', mechanism: '', user, password });
          // A refusal is told late.
          setImmediate(() => clock.advance(loginFailureDelayMs));
          return { reply, account: replyKind(reply) === 'positive' ? user : undefined };
        },
        sender: (_, envelope) => {
          inTransaction = true;
          return ask({ about: 'sender', envelope, declaredSize: undefined });
        },
        examine: () => undefined,
        recipient: (_, __, recipient) => ({
          reply: ask({ about: 'recipient', recipient }),
          targets: [recipient.mailbox],
        }),
        etrn: (_, argument) => ask({ about: 'etrn', argument }),
      },
      preparation: {
        scanner: (origin) => preparation.scanner(origin),
        body: (origin, header) => preparation.body(origin, header),
        prepare: (arrived) => {
          this.#content = Buffer.concat(chunks);
          inTransaction = false;
          const reply = refused({ about: 'message', sizeBytes: arrived.sizeBytes, eightBit: arrived.eightBit });
          return reply === undefined ? preparation.prepare(arrived) : { kind: 'refused', why: 'loop', reply };
        },
      },
      queue: {
        // Asked at MAIL, where nothing is said against it, and before mail data.
        condition: () => {
          const reply = inTransaction
            ? refused({ about: 'data', envelope: { reversePath: null, body: '7bit', smtpUtf8: false }, recipients: [] })
            : undefined;
          return reply === undefined ? { accepting: true } : { accepting: false, reply };
        },
        begin: () => {
          chunks = [];
          const mine = chunks;
          return {
            sizeBytes: 0,
            inMemory: undefined,
            write: (chunk) => {
              mine.push(chunk);
              return true;
            },
            drained: () => undefined,
            commit: async () => {
              messages += 1;
              return String(messages);
            },
            discard: () => undefined,
          };
        },
      },
    };
  }
}

const single = (answer: Answer): Reply =>
  'reply' in answer ? answer.reply : (answer.replies[0] ?? { code: 250, text: [''] });
const unlessPositive = (reply: Reply): Reply | undefined => (replyKind(reply) === 'positive' ? undefined : reply);
