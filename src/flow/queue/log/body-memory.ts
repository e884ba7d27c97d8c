/** The memory for content that is not stable yet, of all drafts of a shard together. */
export class BodyMemory {
  readonly #maxBytes: number;
  usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes memory; false where there is not enough. */
  take(bytes: number): boolean {
    if (this.usedBytes + bytes > this.#maxBytes) return false;
    this.usedBytes += bytes;
    return true;
  }

  /** Gives memory back. */
  give(bytes: number): void {
    this.usedBytes -= bytes;
  }
}
