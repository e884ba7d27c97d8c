import type { Journal } from '../events/journal.ts';
import type { Clock } from '../world/ports/clock.ts';
import { PROXY_REST_MS, PROXY_SILENCE_MS } from './limits.ts';
import type { Way } from './port.ts';
import type { ProxyFault, ProxyTrouble } from './proxy-fault.ts';

interface Health {
  trouble: ProxyTrouble | undefined;
  /** Whether the trouble was told, and when something was told last. */
  told: boolean;
  toldMs: number;
  restingUntilMs: number;
}

/** Which proxies fail. Events tell of changes only; a proxy that fails is asked last for a while, and so tried again by itself. */
export class ProxyHealth {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #journal: Journal;
  /** By name; as many as the configuration has. */
  readonly #proxies = new Map<string, Health>();

  constructor(clock: Pick<Clock, 'now'>, journal: Journal) {
    this.#clock = clock;
    this.#journal = journal;
  }

  /** The ways in the order to try them now. */
  order(ways: readonly Way[]): readonly Way[] {
    if (ways.length < 2) return ways;
    const rests = (way: Way): boolean =>
      way !== 'direct' && (this.#proxies.get(way.name)?.restingUntilMs ?? 0) > this.#clock.now();
    return [...ways.filter((way) => !rests(way)), ...ways.filter(rests)];
  }

  /** The proxy made a connection, or said in good order why the host cannot be reached. */
  works(proxy: string): void {
    const health = this.#proxies.get(proxy);
    if (health === undefined) return;
    if (health.trouble !== undefined && health.told) this.#journal.emit('transport.proxy-works-again', { proxy });
    health.trouble = undefined;
    health.told = false;
    health.restingUntilMs = 0;
  }

  /** It failed, and somebody else tells of it. */
  rests(proxy: string): void {
    const health = this.#healthOf(proxy);
    health.restingUntilMs = this.#clock.now() + PROXY_REST_MS;
  }

  fails(proxy: string, { event, data }: ProxyFault): void {
    const now = this.#clock.now();
    const health = this.#healthOf(proxy);
    health.restingUntilMs = now + PROXY_REST_MS;
    if (health.trouble === event && health.told) return;
    health.trouble = event;
    health.told = now - health.toldMs >= PROXY_SILENCE_MS;
    if (!health.told) return;
    health.toldMs = now;
    this.#journal.emit(event, data);
  }

  #healthOf(proxy: string): Health {
    const health = this.#proxies.get(proxy) ?? {
      trouble: undefined,
      told: false,
      toldMs: Number.NEGATIVE_INFINITY,
      restingUntilMs: 0,
    };
    this.#proxies.set(proxy, health);
    return health;
  }
}
