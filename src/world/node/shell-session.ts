import type * as net from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import type { ByteStream, Endpoint } from '../ports/network.ts';
import type { ShellConnection, ShellOpenFailure, ShellSession } from '../ports/secure-shell.ts';
import { canonicalAddress, NodeStream } from './stream.ts';

/** Octets of a command's output that are kept. */
const OUTPUT_BYTES_MAX = 16_384;

/** How long a session that is being closed may take to say so. */
const CLOSING_MS = 500;

/** What POSIX calls the reasons that a server gives in words for not connecting. */
const ERRNOS: ReadonlyArray<readonly [RegExp, string]> = [
  [/refused/i, 'ECONNREFUSED'],
  [/timed out|timeout/i, 'ETIMEDOUT'],
  [/no route|host (?:is )?unreachable/i, 'EHOSTUNREACH'],
  [/network (?:is )?unreachable/i, 'ENETUNREACH'],
  [/reset/i, 'ECONNRESET'],
];

/** RFC 4254 §5.1: by rule, and for want of something on the server; everything else speaks of the far host. */
const PROHIBITED = 1;
const SHORTAGE = 4;

/** OpenSSH says of its own want of something that the connection failed. */
const EXHAUSTED = /too many open files|no buffer space|cannot (?:allocate|assign)|out of memory/i;

function refusalOf(reason: number, words: string): ShellOpenFailure['refusal'] {
  if (reason === PROHIBITED) return 'prohibited';
  if (reason === 0) return 'lost';
  if (reason === SHORTAGE || EXHAUSTED.test(words)) return 'exhausted';
  return words === 'open failed' ? 'unexplained' : 'not-connected';
}

function openFailure(error: Error & { reason?: unknown }): ShellOpenFailure {
  const words = error.message.replace('(SSH) Channel open failure: ', '');
  const reason = Number(error.reason ?? 0);
  const code = ERRNOS.find(([pattern]) => pattern.test(words))?.[1] ?? 'EHOSTUNREACH';
  const refusal = refusalOf(reason, words);
  return Object.assign(new Error(words), { refusal, code } as const);
}

/** A session of the package `ssh2`. */
export class SshSession implements ShellSession {
  readonly address: string;
  readonly software: string;
  readonly #client: Client;
  readonly #socket: net.Socket;
  readonly #streams = new Set<NodeStream>();
  readonly #waiting = new Set<() => void>();
  #ended: ((why: string, cut: number) => void) | undefined;
  #cut = 0;
  #over: string | undefined;
  #why = '';

  constructor(client: Client, socket: net.Socket, address: string) {
    this.#client = client;
    this.#socket = socket;
    this.address = address;
    const { _remoteVer: version } = client as unknown as { _remoteVer?: unknown }; // not in its types
    this.software = typeof version === 'string' ? version : '';
    client.on('error', (error: Error) => {
      this.#why ||= error.message;
    });
    client.on('close', () => this.#isOver(this.#why || 'the server closed the connection'));
    socket.on('drain', () => {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const drained of waiting) drained();
    });
  }

  get channels(): number {
    return this.#streams.size;
  }

  bind(address: string, port: number): Promise<number> {
    return this.#asking((done) => {
      this.#client.forwardIn(address, port, done);
    }).then((bound) => bound ?? port);
  }

  async unbind(address: string, port: number): Promise<void> {
    await this.#asking((done) => {
      this.#client.unforwardIn(address, port, done);
    });
  }

  open(host: string, port: number, timeoutMs: number): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      let late = false;
      const limit = setTimeout(() => {
        late = true;
        reject(Object.assign(new Error('no answer in time'), { refusal: 'not-connected', code: 'ETIMEDOUT' }));
      }, timeoutMs);
      const opened = (error: Error | undefined, channel: ClientChannel): void => {
        clearTimeout(limit);
        if (error === undefined && late) channel.destroy();
        else if (error === undefined) {
          const local = { address: this.address, port: 0 };
          const peer = { address: host, port };
          resolve(this.#stream(channel, { local, peer, client: peer }));
        } else reject(openFailure(error));
      };
      try {
        this.#client.forwardOut('127.0.0.1', 0, host, port, opened);
      } catch (error) {
        clearTimeout(limit);
        reject(openFailure(error instanceof Error ? error : new Error(String(error))));
      }
    });
  }

  run(command: string, timeoutMs: number): Promise<{ readonly code: number | undefined; readonly output: string }> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error('the command did not end in time')), timeoutMs);
      const fail = (error: unknown): void => {
        clearTimeout(limit);
        reject(error instanceof Error ? error : new Error(String(error)));
      };
      try {
        this.#client.exec(command, (error, channel) => {
          if (error !== undefined) return fail(error);
          let output = '';
          let code: number | undefined;
          const more = (chunk: Buffer): void => {
            if (output.length < OUTPUT_BYTES_MAX) output += chunk.toString('utf8');
          };
          channel.on('data', more);
          channel.stderr.on('data', more);
          channel.on('exit', (status: unknown) => {
            code = typeof status === 'number' ? status : undefined;
          });
          channel.on('close', () => {
            clearTimeout(limit);
            resolve({ code, output: output.slice(0, OUTPUT_BYTES_MAX) });
          });
        });
      } catch (error) {
        fail(error);
      }
    });
  }

  onConnection(take: (connection: ShellConnection) => void): void {
    this.#client.on('tcp connection', (details, accept, reject) => {
      take({
        boundAddress: details.destIP,
        boundPort: details.destPort,
        origin: { address: canonicalAddress(details.srcIP), port: details.srcPort },
        accept: (ends) => this.#stream(accept(), ends),
        refuse: reject,
      });
    });
  }

  onEnd(ended: (why: string, cut: number) => void): void {
    this.#ended = ended;
    if (this.#over !== undefined) ended(this.#over, this.#cut);
  }

  close(): void {
    this.#why ||= 'we closed it';
    this.#client.end();
    setTimeout(() => this.#socket.destroy(), CLOSING_MS);
  }

  #asking(ask: (done: (error?: Error | null, result?: number) => void) => void): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      try {
        ask((error, result) => (error == null ? resolve(result) : reject(error)));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #stream(channel: ClientChannel, ends: { local: Endpoint; peer: Endpoint; client: Endpoint }): NodeStream {
    const full = (drained: () => void): boolean => {
      if (!this.#socket.writableNeedDrain) return false;
      this.#waiting.add(drained);
      return true;
    };
    const over = (): void => {
      this.#streams.delete(stream);
      // What is still unread would keep the channel from ending.
      channel.resume();
    };
    // A channel has all of a socket that a stream uses.
    const stream: NodeStream = new NodeStream(channel as unknown as net.Socket, '', { ...ends, full, over });
    this.#streams.add(stream);
    return stream;
  }

  #isOver(why: string): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    this.#waiting.clear();
    this.#cut = this.#streams.size;
    const error = Object.assign(new Error(`the SSH session ended: ${why}`), { code: 'ECONNRESET' });
    for (const stream of this.#streams) stream.cut(error);
    this.#streams.clear();
    this.#ended?.(why, this.#cut);
  }
}
