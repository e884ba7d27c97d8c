import { Fault } from '../events/fault.ts';
import type { Journal } from '../events/journal.ts';
import type { Clock, Timer } from '../world/ports/clock.ts';
import { PROXY_LOOK_MS, PROXY_LOOK_MS_MAX, PROXY_REFUSAL_MS, PROXY_REST_MS, PROXY_SILENCE_MS } from './limits.ts';
import type { DialRequest, ProxyTerms, Way } from './port.ts';
import { isOfOneHost, type ProxyFault, type ProxyTrouble } from './proxy-fault.ts';
import type { Looked } from './proxy-look.ts';

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
  readonly look?: (proxy: ProxyTerms, request: DialRequest) => Promise<Looked>;
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
  /** When each let something through last. */
  readonly #passed = new Map<string, number>();
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
      this.#passed.delete(name);
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
  pauses(proxy: string, request?: DialRequest): ProxyFault | undefined {
    const health = this.#proxies.get(proxy);
    // Mail would wait long for a proxy that hangs: only looks find out.
    if (hangs(health?.fault)) return sameHost(health?.wanted?.request, request) ? health?.fault : undefined;
    if (health?.fault === undefined || isOfOneHost(health.fault) || this.#rooms.look === undefined) return undefined;
    if (health.busy) return health.fault;
    health.busy = true;
    return undefined;
  }

  /** The proxy made a connection, or said in good order why the host cannot be reached. */
  works(proxy: string, request?: DialRequest): void {
    const health = this.#proxies.get(proxy);
    // That it makes connections does not say that it passes anything on.
    if (health === undefined || hangs(health.fault)) return;
    health.busy = false;
    if (!this.#refusesOther(health, request)) this.#well(proxy, health);
  }

  /** Something came from a host through it. */
  passes(proxy: string): void {
    this.#passed.set(proxy, this.#rooms.clock.now());
    const health = this.#proxies.get(proxy);
    if (health !== undefined && hangs(health.fault)) this.#well(proxy, health);
  }

  /**
   * Nothing came through it from a host for a while. Where it let nothing else through meanwhile, a look tells whether it is the proxy
   * that hangs; mail for this host waits for that.
   */
  hangs(proxy: ProxyTerms, request: DialRequest, silentMs: number): void {
    const { clock, look } = this.#rooms;
    const { name, host, port } = proxy;
    const health = this.#healthOf(name);
    if (look === undefined || health.fault !== undefined) return;
    if (clock.now() - (this.#passed.get(name) ?? Number.NEGATIVE_INFINITY) < silentMs) return;
    const seconds = Math.round(silentMs / 1000);
    const why = `nothing came from ${request.name} for ${seconds} s, and a new connection to it is not greeted: the proxy hangs, or that host does`;
    health.fault = new Fault('transport.proxy-hangs', { proxy: name, host: `${host}:${port}`, why });
    health.wanted = { proxy, request };
    health.sinceMs = clock.now();
    void this.#lookAfter(name, health);
  }

  #well(proxy: string, health: Health): void {
    const { fault, told } = health;
    health.busy = false;
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
    this.#passed.clear();
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
    health.restingUntilMs = look === undefined || isOfOneHost(fault) ? now + PROXY_REST_MS : Number.POSITIVE_INFINITY;
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
    if (seen.kind === 'proxy-failed') return this.#note(wanted.proxy, seen.fault, wanted.request);
    if (!hangs(health.fault)) return this.works(name, wanted.request);
    const passes = seen.kind !== 'open' || (await seen.greeted) === true;
    if (this.#proxies.get(name) !== health || !hangs(health.fault)) return;
    if (passes) this.#well(name, health);
    else this.#note(wanted.proxy, health.fault, wanted.request);
  }

  /** A host that a proxy refuses is not taken for allowed because others are, for a while after mail for it. */
  #refusesOther({ fault, wanted, metMs }: Health, request: DialRequest | undefined): boolean {
    if (fault === undefined || wanted === undefined || request === undefined || this.#rooms.look === undefined)
      return false;
    if (!isOfOneHost(fault) || this.#rooms.clock.now() - metMs > PROXY_REFUSAL_MS) return false;
    return !sameHost(wanted.request, request);
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

function hangs(fault: ProxyFault | undefined): fault is ProxyFault {
  return fault?.event === 'transport.proxy-hangs';
}

function sameHost(one: DialRequest | undefined, other: DialRequest | undefined): boolean {
  return one?.address === other?.address && one?.port === other?.port;
}

function stateOf(name: string, { fault, sinceMs, timer, lookMs }: Health): ProxyState {
  if (fault === undefined) return { name, state: 'well', sinceMs };
  return { name, state: 'resting', sinceMs, fault, ...(timer === undefined ? {} : { nextLookMs: lookMs }) };
}
