/**
 * The limits that all workers have together. Each worker holds an equal share without asking; what is left over, and what
 * others do not use, is lent on request. The sum of all shares never exceeds the limit.
 */

/** Limits that differ from the equal shares at once; beyond that requests are not granted. */
const KEYS_MAX = 10_000;

/** The share of a limit that every worker holds from its start. */
export function equalShare(limit: number, workers: number): number {
  return Math.floor(limit / workers);
}

/** Asks a worker to give up what it does not use of a limit, at most `wanted`; resolves with what it gave up. */
export type Reclaim = (worker: number, key: string, wanted: number) => Promise<number>;

/** Who holds how much of each limit, where it is not the equal share. */
export class LeaseTable {
  readonly #workers: number;
  readonly #reclaim: Reclaim;
  readonly #shares = new Map<string, number[]>();
  readonly #asking = new Map<string, Promise<unknown>>();

  constructor(workers: number, reclaim: Reclaim) {
    this.#workers = workers;
    this.#reclaim = reclaim;
  }

  /** Lends a worker up to `wanted` more of a limit; resolves with what it gets, 0 where others use it all. */
  more(worker: number, key: string, limit: number, wanted: number): Promise<number> {
    // One request for a key at a time, so that nothing is lent twice.
    const turn = (this.#asking.get(key) ?? Promise.resolve()).then(() => this.#lend(worker, key, limit, wanted));
    const settled = turn
      .catch(() => 0)
      .finally(() => {
        if (this.#asking.get(key) === settled) this.#asking.delete(key);
      });
    this.#asking.set(key, settled);
    return turn;
  }

  /** The shares that a worker which starts anew holds other than equal ones: what it had beyond is free again, what it gave up stays given. */
  sharesAtStart(worker: number): ReadonlyMap<string, number> {
    const out = new Map<string, number>();
    for (const [key, shares] of this.#shares) out.set(key, shares[worker] ?? 0);
    return out;
  }

  async #lend(worker: number, key: string, limit: number, wanted: number): Promise<number> {
    const shares =
      this.#shares.get(key) ?? Array.from({ length: this.#workers }, () => equalShare(limit, this.#workers));
    if (!this.#shares.has(key) && this.#shares.size >= KEYS_MAX) return 0;
    this.#shares.set(key, shares);
    const free = (): number => limit - shares.reduce((sum, share) => sum + share, 0);
    for (let other = 0; other < this.#workers && free() < wanted; other += 1) {
      if (other === worker || (shares[other] ?? 0) === 0) continue;
      const given = await this.#reclaim(other, key, wanted - Math.max(0, free())).catch(() => 0);
      shares[other] = Math.max(0, (shares[other] ?? 0) - given);
    }
    const granted = Math.max(0, Math.min(wanted, free()));
    shares[worker] = (shares[worker] ?? 0) + granted;
    return granted;
  }
}
