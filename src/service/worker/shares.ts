import type { Clock } from '../../world/ports/clock.ts';
import { equalShare } from '../supervisor/leases.ts';

/** A refused request for more is not repeated sooner. */
const ASK_AGAIN_MS = 250;

/** How long room is left empty for another worker; it asks again sooner. */
const YIELD_MS = 4 * ASK_AGAIN_MS;

/** How a worker asks the supervisor for a larger share. */
export type AskForMore = (key: string, limit: number, wanted: number) => Promise<number>;

/** The shares of one worker in the limits that all workers have together. */
export class Shares {
  readonly #workers: number;
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #ask: AskForMore;
  /** Where the share is not the equal one. */
  readonly #shares: Map<string, number>;
  readonly #quietUntil = new Map<string, number>();
  /** What is not used again until another worker has asked for it once more. */
  readonly #yielded = new Map<string, { readonly amount: number; readonly untilMs: number }>();
  /** Limits of which this worker has nothing, and will look again. */
  readonly #starving = new Set<string>();

  constructor(
    workers: number,
    clock: Pick<Clock, 'now' | 'after'>,
    ask: AskForMore,
    atStart: ReadonlyMap<string, number> = new Map(),
  ) {
    this.#workers = workers;
    this.#clock = clock;
    this.#ask = ask;
    this.#shares = new Map(atStart);
  }

  /** What this worker may use of a limit now. */
  of(key: string, limit: number): number {
    const held = this.#held(key, limit);
    const yielded = this.#yielded.get(key);
    if (yielded === undefined) return held;
    if (yielded.untilMs > this.#clock.now()) return Math.max(0, held - yielded.amount);
    this.#yielded.delete(key);
    return held;
  }

  #held(key: string, limit: number): number {
    return this.#shares.get(key) ?? equalShare(limit, this.#workers);
  }

  /**
   * Asks for more of a limit that is used up here; calls back when some was granted. Whoever has nothing of it is called back in any
   * case, to ask again: with nothing in use here, nothing that ends would make it look.
   */
  want(key: string, limit: number, wanted: number, granted: () => void): void {
    if (this.#workers === 1) return;
    const held = this.#held(key, limit);
    const quietUntil = this.#quietUntil.get(key) ?? 0;
    if (held >= limit || this.of(key, limit) < held || quietUntil > this.#clock.now()) {
      // An answer that is on its way looks by itself.
      if (quietUntil !== Number.POSITIVE_INFINITY) this.#lookAgain(key, limit, granted);
      return;
    }
    const refused = (): void => {
      this.#quietUntil.set(key, this.#clock.now() + ASK_AGAIN_MS);
      this.#lookAgain(key, limit, granted);
    };
    this.#quietUntil.set(key, Number.POSITIVE_INFINITY);
    this.#ask(key, limit, wanted).then((amount) => {
      if (amount > 0) {
        this.#quietUntil.delete(key);
        this.#shares.set(key, this.#held(key, limit) + amount);
        granted();
      } else refused();
    }, refused);
  }

  #lookAgain(key: string, limit: number, look: () => void): void {
    if (this.of(key, limit) > 0 || this.#starving.has(key)) return;
    this.#starving.add(key);
    this.#clock.after(ASK_AGAIN_MS, () => {
      this.#starving.delete(key);
      look();
    });
  }

  /**
   * Gives up what is not used, at most `wanted`; answers how much that is. Where that is not enough, what is beyond the equal share is
   * not used again for a while: whoever asks finds it free the next time.
   */
  giveUp(key: string, limit: number, used: number, wanted: number): number {
    const held = this.#held(key, limit);
    const given = Math.max(0, Math.min(wanted, held - used));
    this.#shares.set(key, held - given);
    const beyond = Math.min(wanted - given, held - given - equalShare(limit, this.#workers));
    if (beyond > 0) this.#yielded.set(key, { amount: beyond, untilMs: this.#clock.now() + YIELD_MS });
    else this.#yielded.delete(key);
    return given;
  }
}
