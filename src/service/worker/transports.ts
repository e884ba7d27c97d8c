import { rowOf } from '../../events/render.ts';
import type { AttemptResult } from '../../flow/delivery/port.ts';
import type { NextHop } from '../../mail/next-hop.ts';
import { printReply } from '../../mail/reply.ts';
import type { TransportState } from '../../operate/actions/transports.ts';
import type { Settings } from '../../settings/index.ts';
import type { GatewayState } from '../../transport/gateway/port.ts';
import type { ProxyState } from '../../transport/proxy-health.ts';
import type { Clock } from '../../world/ports/clock.ts';

/** Connections that fail one after the other, to several hosts, before direct ones count as failing: one host alone says little. */
const DIRECT_FAILURES = 3;
/** Longest words that are kept. */
const WORDS_MAX = 500;

interface Known {
  state: TransportState['state'];
  sinceMs: number;
  says: string | undefined;
  failedMs: number | undefined;
  failures: number;
  /** Hosts that could not be reached since the last that could; a few. */
  readonly hosts: Set<string>;
}

/** What a worker knows of direct connections and smart hosts, and of the last words of proxies and gateways. */
export class TransportMemory {
  readonly #clock: Pick<Clock, 'now' | 'wall'>;
  /** By kind and name; as many as the configuration has. */
  readonly #known = new Map<string, Known>();

  constructor(clock: Pick<Clock, 'now' | 'wall'>) {
    this.#clock = clock;
  }

  /** A direct connection came about, or not. */
  direct(host: string, why?: string): void {
    const known = this.#of('direct ');
    if (why === undefined) return this.#well(known);
    this.#says(known, why);
    known.failures += 1;
    if (known.hosts.size < DIRECT_FAILURES) known.hosts.add(host);
    if (known.failures >= DIRECT_FAILURES && known.hosts.size > 1) this.#become(known, 'paused');
  }

  /** An attempt by a group of smart hosts came to an end. */
  smartHost(nextHop: NextHop, { nextHop: how, outcomes }: AttemptResult): void {
    const known = this.#of(`smart-host ${nextHop.slice(nextHop.indexOf(':') + 1)}`);
    if (how === 'answered') return this.#well(known);
    const words = outcomes.find(({ outcome }) => outcome.kind !== 'delivered')?.outcome.reply;
    if (words !== undefined) this.#says(known, printReply(words));
    this.#become(known, 'paused');
  }

  /** A proxy or gateway failed, in words. */
  failed(kind: 'proxy' | 'gateway', name: string, why: string): void {
    this.#says(this.#of(`${kind} ${name}`), why);
  }

  /** How every way of the configuration is now. */
  states(
    settings: Settings,
    proxies: readonly ProxyState[],
    gateways: readonly GatewayState[],
  ): readonly TransportState[] {
    const { routing } = settings;
    return [
      this.#stateOf('direct', ''),
      ...Object.keys(routing.proxies).map((name) =>
        this.#proxy(
          name,
          proxies.find((one) => one.name === name),
        ),
      ),
      ...gateways.map((gateway) => this.#gateway(gateway)),
      ...Object.keys(routing.smartHosts).map((name) => this.#stateOf('smart-host', name)),
    ];
  }

  #stateOf(kind: TransportState['kind'], name: string): TransportState {
    const known = this.#known.get(`${kind} ${name}`);
    const { state = 'unused', sinceMs = 0, says, failedMs } = known ?? {};
    return {
      kind,
      name,
      state,
      sinceMs,
      ...(says === undefined ? {} : { says }),
      ...(failedMs === undefined ? {} : { failedMs }),
    };
  }

  #proxy(name: string, now: ProxyState | undefined): TransportState {
    const said = this.#stateOf('proxy', name);
    if (now === undefined) return said;
    const base = { ...said, state: 'well' as const, sinceMs: this.#wall(now.sinceMs) };
    if (now.fault === undefined) return base;
    const next = now.nextLookMs === undefined ? {} : { nextLookMs: this.#wall(now.nextLookMs) };
    return { ...base, state: 'paused', event: rowOf(now.fault.event).number, ...next };
  }

  #gateway({ name, state, sinceMs, trouble, ports, connections }: GatewayState): TransportState {
    const said = this.#stateOf('gateway', name);
    const is = state === 'up' ? 'well' : state === 'idle' ? 'unused' : trouble === undefined ? 'connecting' : 'paused';
    const event = trouble === undefined || is !== 'paused' ? {} : { event: rowOf(trouble.event).number };
    return { ...said, state: is, sinceMs: this.#wall(sinceMs), connections, ports, ...event };
  }

  #of(key: string): Known {
    const known = this.#known.get(key) ?? {
      state: 'unused' as const,
      sinceMs: 0,
      says: undefined,
      failedMs: undefined,
      failures: 0,
      hosts: new Set<string>(),
    };
    this.#known.set(key, known);
    return known;
  }

  #says(known: Known, why: string): void {
    known.says = why.slice(0, WORDS_MAX);
    known.failedMs = this.#clock.wall();
  }

  #well(known: Known): void {
    known.failures = 0;
    known.hosts.clear();
    this.#become(known, 'well');
  }

  #become(known: Known, state: TransportState['state']): void {
    if (known.state !== state) known.sinceMs = this.#clock.wall();
    known.state = state;
  }

  /** A time of the monotonic clock by the wall clock. */
  #wall(ms: number): number {
    return Math.round(this.#clock.wall() + ms - this.#clock.now());
  }
}
