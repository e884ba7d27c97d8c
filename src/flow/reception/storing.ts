/** Causes that are told apart at once. */
const CAUSES_MAX = 20;

/** What keeps messages from being stored, so that it is told once while it lasts: a limit may stop the large ones alone. */
export class Storing {
  /** By cause, the octets of the smallest message that failed. */
  readonly #failed = new Map<string, number>();

  /** A message could not be stored. Answers whether that is new. */
  failed(cause: string, sizeBytes: number): boolean {
    const before = this.#failed.get(cause);
    if (before !== undefined || this.#failed.size < CAUSES_MAX)
      this.#failed.set(cause, Math.min(before ?? sizeBytes, sizeBytes));
    return before === undefined;
  }

  /** A message was stored: what stopped one that was no larger is over. */
  stored(sizeBytes: number): void {
    if (this.#failed.size === 0) return;
    for (const [cause, bytes] of this.#failed) if (sizeBytes >= bytes) this.#failed.delete(cause);
  }
}
