import type { Journal } from '../events/journal.ts';
import type { Clock, Timer } from '../world/ports/clock.ts';
import { PROXY_LOOK_MS, PROXY_LOOK_MS_MAX, PROXY_REFUSAL_MS, PROXY_REST_MS, PROXY_SILENCE_MS } from './limits.ts';
import type { DialRequest, ProxyTerms, Way } from './port.ts';
import type { ProxyFault, ProxyTrouble } from './proxy-fault.ts';
import type { ThroughProxy } from './through-proxy.ts';

/** A proxy, as one worker sees it; times by the monotonic clock. */
export interface ProxyState {
  readonly name: string;
  readonly state: 'well' | 'resting';
  readonly sinceMs: number;
  readonly fault?: ProxyFault;
  /** When somebody looks after it again. */
  readonly nextLookMs?: number;
}

/** What the health of proxies is made of. */
export interface ProxyHealthRooms {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly journal: Journal;
  /** Asks a proxy that failed for the same connection once more; without it only mail finds out that it works again. */
  readonly look?: (proxy: ProxyTerms, request: DialRequest) => Promise<ThroughProxy>;
  /** Hears of every change. */
  readonly changed?: (state: ProxyState) => void;
}

interface Health {
  fault: ProxyFault | undefined;
  /** What it failed to do. */
  wanted: { readonly proxy: ProxyTerms; readonly request: DialRequest } | undefined;
  /** The trouble of this time that was told last, and when something was told last. */
  told: ProxyTrouble | undefined;
  toldMs: number;
  restingUntilMs: number;
  sinceMs: number;
  /** When mail met the trouble last. */
  metMs: number;
  /** Somebody is finding out whether it works again. */
  busy: boolean;
  looks: number;
  lookMs: number;
  timer: Timer | undefined;
}

/**
 * Which proxies fail. Events tell of changes only. One that fails is asked last; it is looked after with back-off, and meanwhile
 * mail finds it resting instead of waiting for it.
 */
export class ProxyHealth {
  readonly #rooms: ProxyHealthRooms;
  /** By name; as many as the configuration has. */
  readonly #proxies = new Map<string, Health>();
  #settings: Readonly<Record<string, unknown>> = {};

  constructor(rooms: ProxyHealthRooms) {
    this.#rooms = rooms;
  }

  /** Works by these settings from now on: what is known of a proxy holds while its settings stay. */
  use(settings: Readonly<Record<string, unknown>>): void {
    const before = this.#settings;
    this.#settings = settings;
    for (const [name, health] of this.#proxies) {
      if (JSON.stringify(before[name]) === JSON.stringify(settings[name])) continue;
      this.#proxies.delete(name);
      health.timer?.cancel();
      if (health.fault !== undefined) this.#rooms.changed?.({ name, state: 'well', sinceMs: this.#rooms.clock.now() });
    }
  }

  /** The ways in the order to try them now. */
  order(ways: readonly Way[]): readonly Way[] {
    if (ways.length < 2) return ways;
    const rests = (way: Way): boolean =>
      way !== 'direct' && (this.#proxies.get(way.name)?.restingUntilMs ?? 0) > this.#rooms.clock.now();
    return [...ways.filter((way) => !rests(way)), ...ways.filter(rests)];
  }

  /** Why a proxy is not to be asked now; undefined lets one ask, and who asks tells how it came out. */
  pauses(proxy: string): ProxyFault | undefined {
    const health = this.#proxies.get(proxy);
    if (health?.fault === undefined || ofOneHost(health.fault) || this.#rooms.look === undefined) return undefined;
    if (health.busy) return health.fault;
    health.busy = true;
    return undefined;
  }

  /** The proxy made a connection, or said in good order why the host cannot be reached. */
  works(proxy: string, request?: DialRequest): void {
    const health = this.#proxies.get(proxy);
    if (health === undefined) return;
    health.busy = false;
    if (this.#refusesOther(health, request)) return;
    const { fault, told } = health;
    health.timer?.cancel();
    health.timer = undefined;
    health.fault = undefined;
    health.wanted = undefined;
    health.told = undefined;
    health.restingUntilMs = 0;
    health.looks = 0;
    if (fault === undefined) return;
    health.sinceMs = this.#rooms.clock.now();
    if (told !== undefined) this.#rooms.journal.emit('transport.proxy-works-again', { proxy });
    this.#rooms.changed?.(stateOf(proxy, health));
  }

  /** It failed, and somebody else tells of it. */
  rests(proxy: string): void {
    this.#healthOf(proxy).restingUntilMs = this.#rooms.clock.now() + PROXY_REST_MS;
  }

  /** A proxy did not do what it was asked for. */
  fails(proxy: ProxyTerms, fault: ProxyFault, request: DialRequest): void {
    this.#healthOf(proxy.name).metMs = this.#rooms.clock.now();
    this.#note(proxy, fault, request);
  }

  states(): readonly ProxyState[] {
    return [...this.#proxies].map(([name, health]) => stateOf(name, health));
  }

  /** Looks after nothing any more. */
  close(): void {
    for (const { timer } of this.#proxies.values()) timer?.cancel();
    this.#proxies.clear();
  }

  #note(proxy: ProxyTerms, fault: ProxyFault, request: DialRequest): void {
    const { clock, journal, look, changed } = this.#rooms;
    const now = clock.now();
    const { name } = proxy;
    const health = this.#healthOf(name);
    if (health.fault === undefined) health.sinceMs = now;
    health.busy = false;
    health.fault = fault;
    health.wanted = { proxy, request };
    health.restingUntilMs = look === undefined || ofOneHost(fault) ? now + PROXY_REST_MS : Number.POSITIVE_INFINITY;
    if (health.told !== fault.event && now - health.toldMs >= PROXY_SILENCE_MS) {
      health.told = fault.event;
      health.toldMs = now;
      journal.emit(fault.event, fault.data);
    }
    if (look !== undefined && health.timer === undefined) this.#lookLater(name, health);
    changed?.(stateOf(name, health));
  }

  #lookLater(name: string, health: Health): void {
    const { clock } = this.#rooms;
    const ms = Math.min(PROXY_LOOK_MS * 2 ** Math.min(health.looks, 16), PROXY_LOOK_MS_MAX);
    health.lookMs = clock.now() + ms;
    health.timer = clock.after(ms, () => {
      health.timer = undefined;
      health.looks += 1;
      // Mail that is on its way through it will tell.
      if (health.busy) this.#lookLater(name, health);
      else void this.#lookAfter(name, health);
    });
  }

  async #lookAfter(name: string, health: Health): Promise<void> {
    const { wanted } = health;
    const { look } = this.#rooms;
    if (wanted === undefined || look === undefined) return;
    health.busy = true;
    const seen = await look(wanted.proxy, wanted.request);
    if (this.#proxies.get(name) !== health || health.fault === undefined) return;
    if (seen.kind === 'proxy-failed') this.#note(wanted.proxy, seen.fault, wanted.request);
    else this.works(name, wanted.request);
  }

  /** A host that a proxy refuses is not taken for allowed because others are, for a while after mail for it. */
  #refusesOther({ fault, wanted, metMs }: Health, request: DialRequest | undefined): boolean {
    if (fault === undefined || wanted === undefined || request === undefined || this.#rooms.look === undefined)
      return false;
    if (!ofOneHost(fault) || this.#rooms.clock.now() - metMs > PROXY_REFUSAL_MS) return false;
    return wanted.request.address !== request.address || wanted.request.port !== request.port;
  }

  #healthOf(proxy: string): Health {
    const health = this.#proxies.get(proxy) ?? {
      fault: undefined,
      wanted: undefined,
      told: undefined,
      toldMs: Number.NEGATIVE_INFINITY,
      restingUntilMs: 0,
      sinceMs: this.#rooms.clock.now(),
      metMs: 0,
      busy: false,
      looks: 0,
      lookMs: 0,
      timer: undefined,
    };
    this.#proxies.set(proxy, health);
    return health;
  }
}

/** A refusal may hold for one host and not for the next. */
function ofOneHost({ event }: ProxyFault): boolean {
  return event === 'transport.proxy-refused';
}

function stateOf(name: string, { fault, sinceMs, timer, lookMs }: Health): ProxyState {
  if (fault === undefined) return { name, state: 'well', sinceMs };
  return { name, state: 'resting', sinceMs, fault, ...(timer === undefined ? {} : { nextLookMs: lookMs }) };
}
