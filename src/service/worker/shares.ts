import type { Clock } from '../../world/ports/clock.ts';
import { equalShare } from '../supervisor/leases.ts';

/** A refused request for more is not repeated sooner. */
const ASK_AGAIN_MS = 250;

/** How a worker asks the supervisor for a larger share. */
export type AskForMore = (key: string, limit: number, wanted: number) => Promise<number>;

/** The shares of one worker in the limits that all workers have together. */
export class Shares {
  readonly #workers: number;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #ask: AskForMore;
  /** Where the share is not the equal one. */
  readonly #shares: Map<string, number>;
  readonly #quietUntil = new Map<string, number>();

  constructor(workers: number, clock: Pick<Clock, 'now'>, ask: AskForMore, atStart: ReadonlyMap<string, number> = new Map()) {
    this.#workers = workers;
    this.#clock = clock;
    this.#ask = ask;
    this.#shares = new Map(atStart);
  }

  /** What this worker may use of a limit now. */
  of(key: string, limit: number): number {
    return this.#shares.get(key) ?? equalShare(limit, this.#workers);
  }

  /** Asks for more of a limit that is used up here; calls back when some was granted. */
  want(key: string, limit: number, wanted: number, granted: () => void): void {
    const now = this.#clock.now();
    if (this.#workers === 1 || this.of(key, limit) >= limit || (this.#quietUntil.get(key) ?? 0) > now) return;
    this.#quietUntil.set(key, Number.POSITIVE_INFINITY);
    this.#ask(key, limit, wanted).then(
      (amount) => {
        if (amount > 0) {
          this.#quietUntil.delete(key);
          this.#shares.set(key, this.of(key, limit) + amount);
          granted();
        } else this.#quietUntil.set(key, this.#clock.now() + ASK_AGAIN_MS);
      },
      () => this.#quietUntil.set(key, this.#clock.now() + ASK_AGAIN_MS),
    );
  }

  /** Gives up what is not used, at most `wanted`; answers how much that is. */
  giveUp(key: string, limit: number, used: number, wanted: number): number {
    const share = this.of(key, limit);
    const given = Math.max(0, Math.min(wanted, share - used));
    this.#shares.set(key, share - given);
    return given;
  }
}
