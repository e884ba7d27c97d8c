import { canonicalIp, isLoopback, parseIp } from '../../base/ip.ts';
import type { Journal } from '../../events/journal.ts';
import type { GatewaySettings } from '../../settings/gateways.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { ByteStream, Endpoint } from '../../world/ports/network.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { SecureShell, ShellConnection, ShellOpenFailure, ShellSession } from '../../world/ports/secure-shell.ts';
import type { DialRequest } from '../port.ts';
import { GATEWAY_WORDS_MAX, IDLE_MS, REFUSED_RETRY_MS, RETRY_FIRST_MS } from './limits.ts';
import { logIn } from './log-in.ts';
import type { GatewayDial, GatewayPortState, GatewayState } from './port.ts';
import { GatewayPorts } from './ports.ts';
import { mayHave, type Refused } from './refusal.ts';
import { Told } from './told.ts';
import { type GatewayFault, type GatewayTrouble, gatewayFault } from './trouble.ts';

/** What gateways are made of. */
export interface GatewayParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly shell: SecureShell;
  readonly resolver: Resolver;
  /** How our own banner begins. */
  readonly ownBanner: string;
  /** Takes a connection that came in by a gateway. */
  readonly accept: (stream: ByteStream, listener: string, gateway: string) => void;
  /** Hears every change of a gateway, and when one is no more. */
  readonly changed?: (state: GatewayState) => void;
  readonly gone?: (name: string) => void;
}

/** What our banner there begins with. */
function bannerStart({ heloName }: GatewaySettings, usual: string): string {
  return heloName === undefined ? usual : `220 ${heloName} `;
}

/** One gateway: its session, which comes back by itself, the ports bound there, and connections from there. */
export class Gateway {
  readonly name: string;
  readonly settings: GatewaySettings;
  readonly #parts: GatewayParts;
  readonly #ports: GatewayPorts;
  readonly #told: Told;
  #session: ShellSession | undefined;
  #connecting: Promise<ShellSession | GatewayFault> | undefined;
  #fault: GatewayFault | undefined;
  #failures = 0;
  #retry: Timer | undefined;
  #restingUntilMs = 0;
  /** Outgoing mail waits for it. */
  #wanted = false;
  #idle: Timer | undefined;
  /** What the session was refused, and when it is looked at again. */
  #refused: Refused | undefined;
  #look: Timer | undefined;
  #closed = false;
  #sinceMs: number;

  /** `listens`: whether this worker has its ports bound. */
  constructor(name: string, settings: GatewaySettings, parts: GatewayParts, listens: boolean) {
    this.name = name;
    this.settings = settings;
    this.#parts = parts;
    this.#sinceMs = parts.clock.now();
    this.#told = new Told(name, this.#host, parts);
    const changed = (): void => this.#changed();
    this.#ports = new GatewayPorts(
      name,
      this.#host,
      settings,
      {
        ...parts,
        ownBanner: bannerStart(settings, parts.ownBanner),
        changed,
        refused: (address, port) => this.#wasRefused({ kind: 'port', address, port }),
      },
      listens ? settings.listen : [],
      this.#told,
    );
    if (this.#stays) void this.#connected();
  }

  get #host(): string {
    return `${this.settings.host}:${this.settings.port}`;
  }

  /** Whether the session is kept even when nothing goes out. */
  get #stays(): boolean {
    return this.#ports.wanted;
  }

  state(): GatewayState {
    const up = this.#session;
    const fault = this.#fault;
    return {
      name: this.name,
      host: this.#host,
      state:
        up !== undefined
          ? 'up'
          : this.#connecting !== undefined
            ? 'connecting'
            : fault !== undefined
              ? 'waiting'
              : 'idle',
      sinceMs: this.#sinceMs,
      ...(up === undefined ? {} : { software: up.software }),
      ...(fault === undefined ? {} : { trouble: { event: fault.event, why: fault.data.why } }),
      ports: this.#ports.states(),
      connections: up?.channels ?? 0,
    };
  }

  async dial({ name, address, port, timeoutMs }: DialRequest): Promise<GatewayDial> {
    const { clock } = this.#parts;
    const resting = this.#fault !== undefined && this.#restingUntilMs > clock.now() && this.#session === undefined;
    const session = resting ? this.#fault : await this.#connected(timeoutMs);
    if (session === undefined || session instanceof Error) {
      this.#wait();
      const fault = session ?? this.#faultOf('transport.gateway-unreachable', 'no session in time');
      return { kind: 'gateway-failed', fault };
    }
    this.#stayAWhile();
    const host = this.settings.resolve === 'gateway' && canonicalIp(name) === undefined ? name : address;
    try {
      return { kind: 'open', stream: await session.open(host, port, timeoutMs) };
    } catch (error) {
      return this.#notOpened(session, { host, port }, error as ShellOpenFailure);
    }
  }

  async #notOpened(
    session: ShellSession,
    { host, port }: { readonly host: string; readonly port: number },
    { refusal, code, message }: ShellOpenFailure,
  ): Promise<GatewayDial> {
    const words = message.slice(0, GATEWAY_WORDS_MAX);
    if (refusal === 'lost') {
      this.#wait();
      return { kind: 'gateway-failed', fault: this.#faultOf('transport.gateway-lost', words) };
    }
    const itself = { kind: 'connection', host: session.address, port: this.settings.port, shortage: true } as const;
    const isShort =
      refusal === 'exhausted' || (refusal === 'unexplained' && !(await mayHave(session, itself, this.#parts.clock)));
    if (!isShort && refusal !== 'prohibited') {
      const text = `${code}; the gateway ${this.name} says: ${words}`;
      return { kind: 'target-unreachable', error: Object.assign(new Error(text), { code }) };
    }
    const why = isShort
      ? `it cannot even connect to itself (open files or memory are used up): ${words}`
      : `it may not connect to port ${port}: ${words}`;
    const fault = this.#faultOf('transport.gateway-forwarding-refused', why);
    this.#told.trouble(fault);
    if (this.#session === session) this.#fault = fault;
    this.#changed();
    this.#wasRefused(isShort ? itself : { kind: 'connection', host, port, shortage: false });
    return { kind: 'gateway-failed', fault };
  }

  async stopListening(): Promise<void> {
    await this.#ports.giveUp();
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#idle?.cancel();
    this.#look?.cancel();
    this.#ports.close();
    this.#session?.close();
  }

  #changed(): void {
    if (!this.#closed) this.#parts.changed?.(this.state());
  }

  #faultOf(event: GatewayTrouble, why: string): GatewayFault {
    return gatewayFault(event, this.name, this.#host, why);
  }

  /** The session, made where there is none; undefined where that takes too long. */
  #connected(timeoutMs?: number): Promise<ShellSession | GatewayFault | undefined> {
    if (this.#session !== undefined) return Promise.resolve(this.#session);
    if (this.#connecting === undefined) {
      this.#retry?.cancel();
      this.#connecting = this.#attempt().finally(() => {
        this.#connecting = undefined;
      });
    }
    const attempt = this.#connecting;
    if (timeoutMs === undefined) return attempt;
    return new Promise((resolve) => {
      const limit = this.#parts.clock.after(timeoutMs, () => resolve(undefined));
      void attempt.then((outcome) => {
        limit.cancel();
        resolve(outcome);
      });
    });
  }

  async #attempt(): Promise<ShellSession | GatewayFault> {
    const outcome = await logIn(this.settings, this.#parts);
    return 'event' in outcome ? this.#fails(outcome.event, outcome.why) : this.#begin(outcome);
  }

  #begin(session: ShellSession): ShellSession | GatewayFault {
    if (this.#closed) {
      session.close();
      return this.#faultOf('transport.gateway-lost', 'the service stops');
    }
    this.#session = session;
    this.#wanted = false;
    this.#fault = undefined;
    this.#looked();
    this.#failures = 0;
    this.#sinceMs = this.#parts.clock.now();
    this.#changed();
    session.onConnection((connection) => this.#incoming(session, connection));
    session.onEnd((why, cut) => this.#lost(session, why, cut));
    if (this.#stays) this.#ports.bind(session);
    else {
      this.#told.works('outgoing mail');
      this.#stayAWhile();
    }
    return session;
  }

  #lost(session: ShellSession, why: string, cut: number): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#sinceMs = this.#parts.clock.now();
    this.#ports.lost();
    if (this.#closed || (!this.#stays && this.#idle === undefined)) return;
    this.#idle?.cancel();
    this.#fault = this.#faultOf('transport.gateway-lost', why);
    this.#changed();
    this.#told.trouble(this.#fault);
    if (this.#stays) this.#retryAfter(RETRY_FIRST_MS);
    // Mail was under way: it goes on when the gateway is back.
    else if (cut > 0) this.#wait();
  }

  #wasRefused(refused: Refused): void {
    this.#refused ??= refused;
    if (this.#look !== undefined || this.#closed) return;
    this.#look = this.#parts.clock.after(REFUSED_RETRY_MS, () => void this.#lookAgain());
  }

  #looked(): void {
    this.#refused = undefined;
    this.#look?.cancel();
    this.#look = undefined;
  }

  /** A server reads its rules when a session begins: one of today tells whether they have changed, and then takes the place of this one. */
  async #lookAgain(): Promise<void> {
    const [session, refused] = [this.#session, this.#refused];
    if (session === undefined || refused === undefined || this.#has(refused)) return this.#looked();
    const shortage = refused.kind === 'connection' && refused.shortage;
    const today = shortage ? session : await logIn(this.settings, this.#parts);
    const may = 'event' in today ? false : await mayHave(today, refused, this.#parts.clock);
    if (!shortage && !('event' in today)) today.close();
    if (this.#session !== session || this.#closed) return;
    this.#looked();
    if (!may) this.#wasRefused(refused);
    else if (shortage) {
      this.#fault = undefined;
      this.#told.works('outgoing mail');
      this.#changed();
    } else this.#renew(session);
  }

  #has(refused: Refused): boolean {
    const isThat = (one: GatewayPortState): boolean =>
      refused.kind === 'port' && one.address === refused.address && one.port === refused.port;
    return this.#ports.states().some((one) => isThat(one) && one.state === 'bound');
  }

  #renew(session: ShellSession): void {
    this.#session = undefined;
    this.#ports.lost();
    session.close();
    this.#fault = this.#faultOf('transport.gateway-lost', 'it allows more than before: a new session begins');
    this.#changed();
    void this.#connected();
  }

  #fails(event: GatewayTrouble, why: string): GatewayFault {
    const fault = this.#faultOf(event, why);
    this.#fault = fault;
    this.#sinceMs = this.#parts.clock.now();
    this.#told.trouble(fault);
    this.#changed();
    const soon = Math.min(RETRY_FIRST_MS * 2 ** Math.min(this.#failures, 12), this.settings.retryMax);
    this.#failures += 1;
    const waitMs = event === 'transport.gateway-unreachable' ? soon : REFUSED_RETRY_MS;
    this.#restingUntilMs = this.#parts.clock.now() + waitMs;
    if (this.#stays || this.#wanted) this.#retryAfter(waitMs);
    return fault;
  }

  /** Where mail waits for a gateway that nothing else keeps up, it is tried again all the same, to let the mail go on. */
  #wait(): void {
    if (this.#wanted || this.#stays) return;
    this.#wanted = true;
    if (this.#session === undefined && this.#connecting === undefined) this.#retryAfter(RETRY_FIRST_MS);
  }

  #retryAfter(ms: number): void {
    this.#retry?.cancel();
    if (this.#closed) return;
    this.#retry = this.#parts.clock.after(ms, () => void this.#connected());
  }

  /** A session for outgoing mail alone ends when it is not used. */
  #stayAWhile(): void {
    if (this.#stays) return;
    this.#idle?.cancel();
    this.#idle = this.#parts.clock.after(IDLE_MS, () => {
      this.#idle = undefined;
      if (this.#session === undefined) return;
      if (this.#session.channels > 0) this.#stayAWhile();
      else this.#session.close();
    });
  }

  #incoming(session: ShellSession, connection: ShellConnection): void {
    const { boundAddress, boundPort, origin } = connection;
    const ownAddress = this.settings.publicAddress ?? session.address;
    const ip = parseIp(origin.address);
    const fromGateway = ip === undefined || isLoopback(ip);
    if ((fromGateway || origin.address === ownAddress) && this.#ports.isProbe(boundPort)) {
      const nobody = { address: ownAddress, port: 0 };
      connection.accept({ local: nobody, peer: nobody, client: nobody }).destroy();
      return;
    }
    const listener = this.#ports.listenerOf(boundAddress, boundPort);
    if (listener === undefined || session.channels >= this.settings.connectionsMax) return connection.refuse();
    const bound = parseIp(boundAddress);
    const any = bound === undefined || boundAddress === '0.0.0.0' || boundAddress === '::';
    const local: Endpoint = { address: any ? ownAddress : boundAddress, port: boundPort };
    const peer: Endpoint = { address: session.address, port: this.settings.port };
    // A program on the gateway is not a program of this host: its loopback address must not count as ours.
    const client = fromGateway ? { address: ownAddress, port: origin.port } : origin;
    this.#parts.accept(connection.accept({ local, peer, client }), listener, this.name);
  }
}
