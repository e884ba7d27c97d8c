/** Lets at most so many in at once; others wait in line, and beyond the line's length they are turned away. */
export class Turnstile {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(insideMax: number, waitingMax: number) {
    this.#insideMax = insideMax;
    this.#waitingMax = waitingMax;
  }

  /** Resolves true once inside, false where the line is full. Whoever entered leaves. */
  enter(): Promise<boolean> {
    if (this.#inside < this.#insideMax) {
      this.#inside += 1;
      return Promise.resolve(true);
    }
    if (this.#waiting.size >= this.#waitingMax) return Promise.resolve(false);
    return new Promise((resolve) => this.#waiting.add(() => resolve(true)));
  }

  /** Gives the place to the first in line. */
  leave(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#inside -= 1;
  }
}
