import type { Journal } from '../../events/journal.ts';
import type { Clock } from '../../world/ports/clock.ts';
import { answersLatelyMs, restFirstMs, restLongestMs } from './limits.ts';
import { printNameServer } from './name-servers.ts';
import type { NameServer } from './name-servers.ts';

interface Health {
  readonly server: NameServer;
  failures: number;
  /** Whether its failure was told. */
  told: boolean;
  answeredAtMs: number;
  restingUntilMs: number;
  /** The server refuses EDNS: it is asked without (RFC 6891 §7). */
  plain: boolean;
}

/** Which server to ask first. One that failed is asked last for a while; events tell of changes only. */
export class ServerHealth {
  readonly #all: readonly Health[];
  readonly #clock: Pick<Clock, 'now'>;
  readonly #journal: Journal | undefined;
  readonly #ofZone: boolean;
  #silent = false;

  constructor(
    servers: readonly NameServer[],
    clock: Pick<Clock, 'now'>,
    journal: Journal | undefined,
    whose: 'of all' | 'of a zone' = 'of all',
  ) {
    this.#ofZone = whose === 'of a zone';
    this.#all = servers.map((server) => ({
      server,
      failures: 0,
      told: false,
      answeredAtMs: Number.NEGATIVE_INFINITY,
      restingUntilMs: 0,
      plain: false,
    }));
    this.#clock = clock;
    this.#journal = journal;
  }

  /** The servers in the order to ask them: as configured, then those that rest, the soonest rested first. */
  order(): readonly NameServer[] {
    const now = this.#clock.now();
    const ready = this.#all.filter((health) => health.restingUntilMs <= now);
    if (ready.length === this.#all.length) return this.#all.map((health) => health.server);
    const resting = this.#all
      .filter((health) => health.restingUntilMs > now)
      .sort((a, b) => a.restingUntilMs - b.restingUntilMs);
    return [...ready, ...resting].map((health) => health.server);
  }

  /** Whether to ask the server with EDNS. */
  edns(server: NameServer): boolean {
    return this.#of(server)?.plain !== true;
  }

  refusedEdns(server: NameServer): void {
    const health = this.#of(server);
    if (health !== undefined) health.plain = true;
  }

  answered(server: NameServer): void {
    const health = this.#of(server);
    if (health === undefined) return;
    health.answeredAtMs = this.#clock.now();
    health.failures = 0;
    health.restingUntilMs = 0;
    if (!health.told) return;
    health.told = false;
    this.#journal?.emit('names.server-answered', { server: printNameServer(server) });
    if (this.#silent) this.#journal?.emit('names.available', { server: printNameServer(server) });
    this.#silent = false;
  }

  /** These servers are asked no more, or anew: what was told of them is over. */
  replaced(): void {
    for (const { server, told } of this.#all)
      if (told) this.#journal?.emit('names.server-dropped', { server: printNameServer(server) });
  }

  /** It refuses to answer. Where it has answered others of late, that is about the name. */
  refused(server: NameServer, reason: string): void {
    const health = this.#of(server);
    if (health !== undefined && this.#clock.now() - health.answeredAtMs > answersLatelyMs) this.failed(server, reason);
  }

  /** It is of no use now. A single silence of the only server is not told: packets are lost, and names would not be unavailable. */
  failed(server: NameServer, reason: string, how: 'said' | 'silent' = 'said'): void {
    const health = this.#of(server);
    if (health === undefined) return;
    health.failures += 1;
    health.restingUntilMs = this.#clock.now() + Math.min(restFirstMs * 2 ** (health.failures - 1), restLongestMs);
    if (health.told || (how === 'silent' && health.failures === 1 && this.#all.length === 1)) return;
    health.told = true;
    this.#journal?.emit('names.server-failed', { server: printNameServer(server), reason });
    // Where those of a zone are silent, other names are still looked up.
    if (!this.#silent && !this.#ofZone && this.#all.every((each) => each.told)) {
      this.#silent = true;
      this.#journal?.emit('names.unavailable', { servers: this.#all.length, reason });
    }
  }

  #of(server: NameServer): Health | undefined {
    return this.#all.find((health) => health.server === server);
  }
}
