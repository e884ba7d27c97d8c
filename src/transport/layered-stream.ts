import type {
  ByteSink,
  ByteStream,
  Endpoint,
  TlsClientOptions,
  TlsFacts,
  TlsServerOptions,
} from '../world/ports/network.ts';

/** What is told of a connection by whoever passes it on. */
export interface ToldEnds {
  readonly client?: Endpoint;
  /** The address of ours that the client spoke to. */
  readonly local?: Endpoint | undefined;
  readonly tlsToProxy?: TlsFacts | undefined;
}

/**
 * A connection upon another one: what is not said here is as below. While it is held nothing that comes is lost: octets wait below,
 * the end of the connection waits here.
 */
export class StreamUpon implements ByteStream {
  readonly client: Endpoint;
  readonly tlsToProxy: TlsFacts | undefined;
  protected readonly below: ByteStream;
  readonly #told: Endpoint | undefined;
  #facts: TlsFacts | undefined;
  #waiting: WaitingSink | undefined;

  constructor(below: ByteStream, told: ToldEnds = {}) {
    this.below = below;
    this.client = told.client ?? below.client;
    this.tlsToProxy = told.tlsToProxy ?? below.tlsToProxy;
    this.#told = told.local;
  }

  get local(): Endpoint {
    return this.#told ?? this.below.local;
  }

  get peer(): Endpoint {
    return this.below.peer;
  }

  /** Of this connection's own handshake: TLS to a proxy protects nothing beyond the proxy. */
  get tls(): TlsFacts | undefined {
    return this.#facts;
  }

  get pendingBytes(): number {
    return this.below.pendingBytes;
  }

  start(sink: ByteSink): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting?.over !== undefined) {
      const { error } = waiting.over;
      queueMicrotask(() => sink.closed(error));
      return;
    }
    this.below.start(sink);
    if (waiting === undefined) return;
    this.below.resume();
    if (waiting.ended) queueMicrotask(() => sink.end());
  }

  /** Whoever has read the first octets gives back what is not theirs, until the connection gets its own reader. */
  protected hold(rest: Buffer): void {
    this.#waiting = new WaitingSink(this.below);
    this.below.start(this.#waiting);
    this.below.pause();
    this.below.unread(rest);
  }

  write(bytes: Buffer | string): boolean {
    return this.below.write(bytes);
  }

  pause(): void {
    this.below.pause();
  }

  resume(): void {
    this.below.resume();
  }

  unread(chunk: Buffer): void {
    this.below.unread(chunk);
  }

  end(bytes?: Buffer | string): void {
    if (bytes === undefined) this.below.end();
    else this.below.end(bytes);
  }

  destroy(): void {
    this.below.destroy();
  }

  async startTlsServer(options: TlsServerOptions, reply?: Buffer | string): Promise<TlsFacts> {
    this.#facts = await (reply === undefined
      ? this.below.startTlsServer(options)
      : this.below.startTlsServer(options, reply));
    return this.#facts;
  }

  async startTlsClient(options: TlsClientOptions): Promise<TlsFacts> {
    this.#facts = await this.below.startTlsClient(options);
    return this.#facts;
  }
}

/** A connection whose first octets have been read by somebody else. */
export class LayeredStream extends StreamUpon {
  /** `rest` are octets already read that belong to this connection. */
  constructor(below: ByteStream, rest: Buffer, told?: ToldEnds) {
    super(below, told);
    this.hold(rest);
  }
}

/** The reader of a connection that has none yet. */
class WaitingSink implements ByteSink {
  ended = false;
  over: { readonly error: Error | undefined } | undefined;
  readonly #below: ByteStream;

  constructor(below: ByteStream) {
    this.#below = below;
  }

  data(chunk: Buffer): void {
    this.#below.pause();
    this.#below.unread(chunk);
  }

  end(): void {
    this.ended = true;
  }

  drain(): void {}

  closed(error?: Error): void {
    this.over = { error };
  }
}
