import { errnoOf } from '../../../events/fault.ts';
import { wayInWords } from '../../../events/way-words.ts';
import type { DeliverySettings } from '../../../settings/delivery.ts';
import { SmtpClient } from '../../../protocol/smtp/client/client.ts';
import type { PeerExtensions } from '../../../protocol/smtp/client/extensions.ts';
import type {
  ClientEffect,
  ClientOptions,
  ClientPhase,
  MailTransaction,
  SessionFailure,
  TransactionEnd,
} from '../../../protocol/smtp/client/port.ts';
import { gatewayFaultInWords, isGatewayFault } from '../../../transport/gateway/trouble.ts';
import type { Dialer, DialRequest, Way } from '../../../transport/port.ts';
import { isOfOneHost, isProxyFault, proxyFaultInWords } from '../../../transport/proxy-fault.ts';
import type { Clock, Timer } from '../../../world/ports/clock.ts';
import type { ByteSink, ByteStream, TlsFacts } from '../../../world/ports/network.ts';
import type { World } from '../../../world/world.ts';
import type { Content } from '../../queue/port.ts';
import { EARLY_CHUNKS_MAX, QUIT_WAIT_MS } from '../limits.ts';
import { handshakeInWords } from './tls-words.ts';

/** One address of one host. */
export interface Target {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The proxies and gateways that lead to it, in words: they may be what cuts a session. */
  readonly by?: string;
}

/** Why a host could not be spoken to. */
export type HostFailure =
  | SessionFailure
  | { readonly kind: 'unreachable'; readonly why: string }
  /** No proxy made a connection; `once` where it said so of this host alone. */
  | { readonly kind: 'proxy-failed'; readonly why: string; readonly once: boolean }
  | { readonly kind: 'tls-failed'; readonly why: string }
  | { readonly kind: 'tls-unverified'; readonly why: string };

/** How to open a connection. */
export interface ConnectionOptions {
  readonly world: Pick<World, 'clock'>;
  readonly dialer: Dialer;
  readonly timeouts: DeliverySettings['timeouts'];
  readonly target: Target;
  readonly client: ClientOptions;
  /** Which way to go, from which address. */
  readonly way: Pick<DialRequest, 'ways' | 'source4' | 'source6' | 'proxyHeader'>;
  /** Whether the certificate must be valid for the host's name. */
  readonly verify: boolean;
  /** Called when the connection takes no more transactions; maybe more than once. */
  readonly gone: (connection: RelayConnection) => void;
  /** Hears how a TLS handshake ended. */
  readonly encrypted?: ((done: boolean) => void) | undefined;
}

/** Dials and opens the session up to the first transaction. */
export async function openConnection(options: ConnectionOptions): Promise<RelayConnection | HostFailure> {
  const { target, timeouts, way, dialer } = options;
  let stream: ByteStream;
  let by: Way | undefined;
  const request: DialRequest = {
    ...target,
    ...way,
    timeoutMs: timeouts.connect,
    taken(one) {
      by = one;
    },
  };
  try {
    stream = await dialer.dial(request);
  } catch (error) {
    if (isGatewayFault(error)) {
      const once = error.event === 'transport.gateway-forwarding-refused';
      return { kind: 'proxy-failed', why: gatewayFaultInWords(error), once };
    }
    if (isProxyFault(error)) {
      return { kind: 'proxy-failed', why: proxyFaultInWords(error), once: isOfOneHost(error) };
    }
    const errno = errnoOf(error);
    const words = error instanceof Error ? error.message : String(error);
    // A proxy's words say more than the code that they begin with.
    return { kind: 'unreachable', why: errno === '' || words.startsWith(`${errno};`) ? words : wayInWords(errno) };
  }
  const heard = by === undefined || by === 'direct' ? undefined : dialer.heard?.bind(dialer, by, request);
  const connection = new RelayConnection(stream, greetingBy(by, options), heard);
  return (await connection.open()) ?? connection;
}

/** The name that fits the address which the host sees: that of the way taken, where it has one. */
function greetingBy(way: Way | undefined, options: ConnectionOptions): ConnectionOptions {
  if (way === undefined || way === 'direct' || way.greetingName === undefined) return options;
  return { ...options, client: { ...options.client, greetingName: way.greetingName } };
}

/** A session with one host: joins the client machine to a stream, keeps its time-outs, and streams content with back-pressure. */
export class RelayConnection implements ByteSink {
  /** Transactions begun. */
  transactions = 0;
  readonly #stream: ByteStream;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #client: SmtpClient;
  /** Tells the way that was taken whether it passes on what the host says. */
  readonly #heard: ((silentMs?: number) => void) | undefined;
  #opened: ((failure: HostFailure | undefined) => void) | undefined;
  #ended: ((end: TransactionEnd) => void) | undefined;
  #drained: (() => void) | undefined;
  #content: Content | undefined;
  #handshake = false;
  #early: Buffer[] = [];
  #cutShort = false;
  #over = false;
  #deadline = 0;
  #timer: Timer | undefined;
  #timerAt = 0;
  /** What was thrown on our side, reading the content above all, where that ended a transaction. */
  contentError: unknown;

  constructor(stream: ByteStream, options: ConnectionOptions, heard: ((silentMs?: number) => void) | undefined) {
    this.#stream = stream;
    this.#heard = heard;
    this.#options = options;
    this.#clock = options.world.clock;
    this.#client = new SmtpClient(options.client);
  }

  get peer(): PeerExtensions {
    return this.#client.peer;
  }

  /** Whether it can take a transaction. */
  get ready(): boolean {
    return !this.#over && this.#client.phase === 'ready' && this.#ended === undefined;
  }

  /** Resolves when the session is ready, or with why it is not. */
  open(): Promise<HostFailure | undefined> {
    return new Promise((resolve) => {
      this.#opened = resolve;
      this.#stream.start(this);
      if (this.#options.client.tls === 'established') void this.#startTls(() => undefined);
      else this.#touch();
    });
  }

  /** Sends one message to up to as many recipients as the machine takes. Never rejects. */
  transact(mail: MailTransaction, content: Content): Promise<TransactionEnd> {
    this.transactions += 1;
    return new Promise((resolve) => {
      this.#ended = resolve;
      this.#content = content;
      this.#run(this.#client.transact(mail));
    });
  }

  /** Ends the session politely where that is possible. */
  quit(): void {
    this.#options.gone(this);
    this.#run(this.#client.quit());
  }

  data(chunk: Buffer): void {
    // The stream discards what came before TLS; what comes now may overtake the promise of the handshake.
    if (!this.#handshake) this.#guard(() => this.#receive(chunk));
    else if (this.#early.length < EARLY_CHUNKS_MAX) this.#early.push(chunk);
    else this.#stream.destroy();
  }

  end(): void {
    this.closed();
  }

  drain(): void {
    this.#touch();
    this.#wake();
  }

  closed(): void {
    if (this.#over) return;
    if (this.#handshake) {
      this.#cutShort = true; // the promise of the handshake tells the reason, if it is not already fulfilled
      return;
    }
    this.#run(this.#client.closed());
    this.#shut();
  }

  /** A mistake of our own in a callback of the stream or the clock ends this session and no other. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.contentError = error;
      this.#run(this.#client.abandon());
      this.#shut();
    }
  }

  /** A server that drips octets without ever completing a reply gets no more time than a silent one. */
  #receive(chunk: Buffer): void {
    const { replies } = this.#client;
    if (replies === 0) this.#heard?.();
    const effects = this.#client.receive(chunk);
    if (effects.length > 0 || this.#client.replies !== replies) this.#run(effects);
  }

  #run(effects: readonly ClientEffect[]): void {
    for (const effect of effects) this.#carryOut(effect);
    if (!this.#over) this.#touch();
  }

  #carryOut(effect: ClientEffect): void {
    switch (effect.do) {
      case 'send':
        this.#stream.write(effect.bytes);
        return;
      case 'start-tls':
        void this.#startTls(() => this.#run(this.#client.tlsStarted()));
        return;
      case 'ready':
        this.#settleOpen(undefined);
        return;
      case 'content':
        void this.#pump();
        return;
      case 'done':
        if (!effect.end.usable) this.#shut();
        this.#settleTransaction(effect.end);
        return;
      case 'failed':
        this.#shut();
        this.#settleOpen(effect.failure);
        return;
      case 'close':
        this.#shut();
        return;
    }
  }

  async #startTls(then: () => void): Promise<void> {
    this.#handshake = true;
    let facts: TlsFacts;
    try {
      facts = await this.#stream.startTlsClient({
        serverName: this.#options.target.name,
        timeoutMs: this.#options.timeouts.connect,
      });
      this.#options.encrypted?.(true);
    } catch (error) {
      this.#options.encrypted?.(false);
      this.#shut();
      const said = error instanceof Error ? error.message : String(error);
      this.#settleOpen({ kind: 'tls-failed', why: handshakeInWords(said) });
      return;
    } finally {
      this.#handshake = false;
    }
    if (this.#options.verify && facts.verified !== true) {
      this.#shut();
      this.#settleOpen({ kind: 'tls-unverified', why: facts.failure ?? 'it cannot be verified' });
      return;
    }
    then();
    for (const chunk of this.#early.splice(0)) this.#receive(chunk);
    if (this.#cutShort) this.closed();
    else this.#touch();
  }

  async #pump(): Promise<void> {
    const content = this.#content;
    try {
      for await (const chunk of content?.chunks() ?? []) {
        if (!this.#client.sendingContent) return;
        const flowing = this.#stream.write(this.#client.frame(chunk));
        this.#touch();
        if (!flowing) await new Promise<void>((resolve) => (this.#drained = resolve));
      }
      if (this.#client.sendingContent) this.#run(this.#client.contentEnd());
    } catch (error) {
      this.contentError = error;
      this.#run(this.#client.abandon());
    }
  }

  #wake(): void {
    const wake = this.#drained;
    this.#drained = undefined;
    wake?.();
  }

  #settleOpen(failure: HostFailure | undefined): void {
    const settle = this.#opened;
    this.#opened = undefined;
    settle?.(failure);
  }

  #settleTransaction(end: TransactionEnd): void {
    const settle = this.#ended;
    this.#ended = undefined;
    this.#content = undefined;
    settle?.(end);
  }

  /** Ends the connection itself; what waited for it goes on. */
  #shut(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#stream.destroy();
    this.#wake();
    this.#options.gone(this);
  }

  /** Sets the deadline of the present phase. The timer only moves when the deadline comes before it. */
  #touch(): void {
    if (this.#over || this.#handshake) return;
    const now = this.#clock.now();
    this.#deadline = now + this.#timeoutOf(this.#client.phase);
    if (this.#timer !== undefined && this.#timerAt <= this.#deadline) return;
    this.#timer?.cancel();
    this.#arm(this.#deadline - now);
  }

  #arm(ms: number): void {
    this.#timerAt = this.#deadline;
    this.#timer = this.#clock.after(ms, () => this.#guard(() => this.#expire()));
  }

  #expire(): void {
    this.#timer = undefined;
    if (this.#over || this.#handshake) return;
    const left = this.#deadline - this.#clock.now();
    if (left > 0) this.#arm(left);
    else if (this.#client.phase === 'ready') this.quit();
    else {
      const { phase } = this.#client;
      if (phase !== 'quit') this.#heard?.(this.#timeoutOf(phase));
      this.#run(this.#client.timedOut());
    }
  }

  #timeoutOf(phase: ClientPhase): number {
    const { timeouts } = this.#options;
    switch (phase) {
      case 'greeting':
        return timeouts.greeting;
      case 'recipient':
        return timeouts.recipient;
      case 'data-start':
        return timeouts.dataStart;
      case 'content':
        return timeouts.dataBlock;
      case 'data-end':
        return timeouts.dataEnd;
      case 'ready':
        return timeouts.idle;
      case 'quit':
        return QUIT_WAIT_MS;
      default:
        return timeouts.mail;
    }
  }
}
