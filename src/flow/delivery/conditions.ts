import { CONDITIONS_MAX } from './limits.ts';

/** Lasting conditions by key, so that an event is emitted when one begins and not for each message that meets it. */
export class Conditions {
  readonly #present = new Set<string>();

  /** Notes that the condition holds; true where it did not before. Past the bound the oldest is forgotten, and may be reported again. */
  begins(key: string): boolean {
    if (this.#present.has(key)) return false;
    if (this.#present.size >= CONDITIONS_MAX) {
      for (const oldest of this.#present) {
        this.#present.delete(oldest);
        break;
      }
    }
    this.#present.add(key);
    return true;
  }

  /** Notes that the condition is over. */
  ends(key: string): void {
    if (this.#present.size > 0) this.#present.delete(key);
  }
}
