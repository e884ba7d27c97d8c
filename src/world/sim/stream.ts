import type { ByteSink, ByteStream, Endpoint } from '../ports/network.ts';
import type { SimProcess } from './process.ts';
import type { SimTime } from './time.ts';

/** Octets under way in one direction above which a writer is asked to wait. */
const HIGH_WATER = 64 * 1024;

/** What carries the octets of one connection: when they arrive, and whether. */
export interface Wire {
  /** Calls `fn` when what is sent now by this end arrives at the other; in order. Never, where the way is cut for good. */
  carry(fromDialler: boolean, fn: () => void): void;
  /** Called at each arrival; true breaks the connection instead. */
  breaks(): boolean;
  /** A chunk as the network cuts it. */
  cut(bytes: Buffer): readonly Buffer[];
}

/** One end of a simulated TCP connection. Both ends are made by `connectStreams`. */
export class SimStream implements ByteStream {
  readonly local: Endpoint;
  readonly peer: Endpoint;
  readonly tls = undefined;
  /** Who holds this end; undefined for an end outside of the machines that are simulated. */
  readonly process: SimProcess | undefined;
  readonly #time: SimTime;
  readonly #wire: Wire;
  readonly #dialler: boolean;
  #other: SimStream | undefined;
  #sink: ByteSink | undefined;
  #inbox: Buffer[] = [];
  #unreadBytes = 0;
  #paused = false;
  #pumping = false;
  #reading = false;
  #peerEnded = false;
  #endTold = false;
  #ended = false;
  #closed = false;
  #closedTold = false;
  #error: Error | undefined;
  #pending = 0;
  #wantsDrain = false;
  #forgetProcess: () => void = () => undefined;

  constructor(
    time: SimTime,
    wire: Wire,
    dialler: boolean,
    process: SimProcess | undefined,
    local: Endpoint,
    peer: Endpoint,
  ) {
    this.#time = time;
    this.#wire = wire;
    this.#dialler = dialler;
    this.process = process;
    this.local = local;
    this.peer = peer;
  }

  get client(): Endpoint {
    return this.peer;
  }

  get pendingBytes(): number {
    return this.#pending;
  }

  /** Whether somebody at this end still uses the connection, as far as this end knows. */
  get open(): boolean {
    return !this.#closed;
  }

  /** The end at the other side: what only the simulation can see. */
  get far(): SimStream | undefined {
    return this.#other;
  }

  join(other: SimStream): void {
    this.#other = other;
    if (this.process !== undefined) this.#forgetProcess = this.process.onEnd((how) => this.#holderEnded(how));
  }

  start(sink: ByteSink): void {
    this.#sink = sink;
    this.#reading = true;
    this.#pumpSoon();
  }

  write(bytes: Buffer | string): boolean {
    if (this.#closed || this.#ended || this.#gone) return true;
    const whole = typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes);
    if (whole.length === 0) return true;
    this.#pending += whole.length;
    for (const chunk of this.#wire.cut(whole)) this.#wire.carry(this.#dialler, () => this.#other?.arrive(chunk));
    if (this.#pending < HIGH_WATER) return true;
    this.#wantsDrain = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pumpSoon();
  }

  unread(chunk: Buffer): void {
    if (this.#closed || chunk.length === 0) return;
    this.#inbox.unshift(chunk);
    this.#unreadBytes += chunk.length;
  }

  end(bytes?: Buffer | string): void {
    if (this.#closed || this.#ended || this.#gone) return;
    if (bytes !== undefined) this.write(bytes);
    this.#ended = true;
    this.#wire.carry(this.#dialler, () => this.#other?.arriveEnd());
    this.#closeIfBothEnded();
  }

  destroy(): void {
    if (this.#closed || this.#gone) return;
    const unread = this.#inbox.length > 0;
    const ended = this.#ended;
    this.#close(undefined);
    if (unread) this.#wire.carry(this.#dialler, () => this.#other?.break(reset()));
    else if (!ended) this.#wire.carry(this.#dialler, () => this.#other?.arriveEnd());
  }

  startTlsServer(): Promise<never> {
    return Promise.reject(new Error('no TLS in the simulation'));
  }

  startTlsClient(): Promise<never> {
    return Promise.reject(new Error('no TLS in the simulation'));
  }

  /** Octets arrive from the other end. */
  arrive(chunk: Buffer): void {
    if (this.process?.alive === false || this.#closed) return this.#refuse();
    if (this.#wire.breaks()) {
      this.break(reset());
      this.#other?.break(reset());
      return;
    }
    this.#inbox.push(chunk);
    this.#pump();
  }

  /** The other end has sent all it will. */
  arriveEnd(): void {
    if (this.#closed || this.process?.alive === false) return;
    this.#peerEnded = true;
    this.#pump();
    this.#closeIfBothEnded();
  }

  /** The connection is gone without agreement. */
  break(error: Error): void {
    if (this.#closed || this.#gone) return;
    this.#close(error);
  }

  get #gone(): boolean {
    return this.process?.alive === false;
  }

  /** Octets for a connection that this side does not know (any more): the sender hears of it, unless there is no host to say so. */
  #refuse(): void {
    if (this.process?.powered === false) return;
    this.#wire.carry(this.#dialler, () => this.#other?.break(reset()));
  }

  #holderEnded(how: 'ended' | 'lost-power'): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closedTold = true;
    this.#sink = undefined;
    // Nobody is left to say good-bye: the other end hears of it when it sends something after the machine is back.
    if (how === 'lost-power') return;
    if (this.#inbox.length > 0) this.#wire.carry(this.#dialler, () => this.#other?.break(reset()));
    else if (!this.#ended) this.#wire.carry(this.#dialler, () => this.#other?.arriveEnd());
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#time.in(0, () => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#reading && !this.#paused && !this.#closed && !this.#gone) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) break;
      // What was given back has been taken from the sender already.
      if (this.#unreadBytes > 0) this.#unreadBytes -= chunk.length;
      else this.#other?.taken(chunk.length);
      this.#sink?.data(chunk);
    }
    if (this.#gone || this.#sink === undefined || this.#closed) {
      this.#tellClosed();
      return;
    }
    if (this.#peerEnded && !this.#endTold && this.#inbox.length === 0 && !this.#paused) {
      this.#endTold = true;
      this.#sink.end();
      this.#closeIfBothEnded();
    }
  }

  /** The other end has read octets of ours. */
  taken(length: number): void {
    this.#pending -= length;
    if (this.#pending > 0 || !this.#wantsDrain) return;
    this.#wantsDrain = false;
    this.#time.in(0, () => {
      if (!this.#closed && !this.#gone) this.#sink?.drain();
    });
  }

  #closeIfBothEnded(): void {
    if (this.#ended && this.#endTold && !this.#closed) this.#close(undefined);
  }

  #close(error: Error | undefined): void {
    this.#closed = true;
    this.#error = error;
    this.#inbox = [];
    this.#forgetProcess();
    this.#time.in(0, () => this.#tellClosed());
  }

  #tellClosed(): void {
    if (!this.#closed || this.#closedTold || this.#sink === undefined || this.#gone) return;
    this.#closedTold = true;
    this.#sink.closed(this.#error);
  }
}

/** The error of a connection that was reset. */
export function reset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}
