import type { ByteSink, ByteStream, DialOptions, Endpoint, Network, TlsFacts } from '../../src/world/ports/network.ts';

/** How a pair of streams behaves. */
export interface PairOptions {
  readonly client?: Endpoint;
  readonly server?: Endpoint;
  /** Cuts what the server writes before the client reads it; default: as written. */
  readonly cut?: (bytes: Buffer) => readonly Buffer[];
  /** Octets that may wait to be read until `write` answers false. */
  readonly highWater?: number;
  /** What a TLS handshake of the client finds; an error makes it fail. */
  readonly tls?: TlsFacts | Error;
}

const ANYWHERE: Endpoint = { address: '192.0.2.1', port: 25 };

/** One end of a connection in memory. Octets arrive in a later microtask, in order. */
export class MemoryStream implements ByteStream {
  readonly local: Endpoint;
  readonly peer: Endpoint;
  readonly client: Endpoint;
  tls: TlsFacts | undefined;
  destroyed = false;
  #options: PairOptions;
  #cut: (bytes: Buffer) => readonly Buffer[];
  #other: MemoryStream | undefined;
  #sink: ByteSink | undefined;
  #inbox: (Buffer | 'end' | 'closed')[] = [];
  #waiting = 0;
  #paused = false;
  #scheduled = false;
  #gone = false;
  #blocked = false;

  constructor(local: Endpoint, peer: Endpoint, options: PairOptions, cut: (bytes: Buffer) => readonly Buffer[]) {
    this.local = local;
    this.peer = peer;
    this.client = peer;
    this.#options = options;
    this.#cut = cut;
  }

  /** Joins two ends. */
  join(other: MemoryStream): void {
    this.#other = other;
  }

  get pendingBytes(): number {
    return this.#other?.waitingBytes ?? 0;
  }

  /** Octets that have arrived and are not read. */
  get waitingBytes(): number {
    return this.#waiting;
  }

  start(sink: ByteSink): void {
    this.#sink = sink;
    this.#schedule();
  }

  write(bytes: Buffer | string): boolean {
    const other = this.#other;
    if (this.destroyed || other === undefined) return true;
    for (const part of this.#cut(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)) other.put(part);
    this.#blocked = other.waitingBytes > (this.#options.highWater ?? 1 << 20);
    return !this.#blocked;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  unread(chunk: Buffer): void {
    if (this.destroyed || this.#gone || chunk.length === 0) return;
    this.#inbox.unshift(chunk);
    this.#waiting += chunk.length;
  }

  end(bytes?: Buffer | string): void {
    if (bytes !== undefined) this.write(bytes);
    this.#other?.put('end');
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#inbox = ['closed'];
    this.#schedule();
    this.#other?.put('closed');
  }

  async startTlsClient(): Promise<TlsFacts> {
    const facts = this.#options.tls ?? { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', verified: true };
    await Promise.resolve();
    if (facts instanceof Error) {
      this.destroy();
      throw facts;
    }
    this.tls = facts;
    return facts;
  }

  startTlsServer(): Promise<TlsFacts> {
    return this.startTlsClient();
  }

  /** Takes what the other end sent. */
  put(item: Buffer | 'end' | 'closed'): void {
    if (this.destroyed || this.#gone) return;
    this.#inbox.push(item);
    if (item instanceof Buffer) this.#waiting += item.length;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#sink === undefined) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    while (!this.#paused && this.#sink !== undefined && !this.#gone) {
      const item = this.#inbox.shift();
      if (item === undefined) return;
      if (item instanceof Buffer) {
        this.#waiting -= item.length;
        this.#sink.data(item);
        this.#other?.unblock(this.#waiting);
      } else if (item === 'end') {
        this.#sink.end();
      } else {
        this.#gone = true;
        this.#sink.closed();
      }
    }
  }

  /** The other end has read what was sent. */
  unblock(waiting: number): void {
    if (!this.#blocked || waiting > 0) return;
    this.#blocked = false;
    this.#sink?.drain();
  }
}

/** Two joined ends: the client's and the server's. */
export function streamPair(options: PairOptions = {}): { client: MemoryStream; server: MemoryStream } {
  const here = options.client ?? { address: '192.0.2.99', port: 50_000 };
  const there = options.server ?? ANYWHERE;
  const whole = (bytes: Buffer): readonly Buffer[] => [bytes];
  const client = new MemoryStream(here, there, options, whole);
  const server = new MemoryStream(there, here, options, options.cut ?? whole);
  client.join(server);
  server.join(client);
  return { client, server };
}

/** A network whose servers are functions of the address dialled; a server that returns an error cannot be reached. */
export function memoryNetwork(
  accept: (server: MemoryStream, dialled: DialOptions) => Error | undefined,
  options: PairOptions = {},
): Network {
  const absent = (): never => {
    throw new Error('this network only dials');
  };
  return {
    async dial(dialled) {
      const pair = streamPair({ ...options, server: { address: dialled.address, port: dialled.port } });
      const error = accept(pair.server, dialled);
      if (error !== undefined) throw error;
      return pair.client;
    },
    listen: absent,
    datagram: absent,
    tlsContext: absent,
  };
}
