/** Buffers from this size on are counted: those of streams of content, not of commands and small messages. */
const LARGE_BYTES = 32 * 1024;

/** How much may be read between two collections. */
const BETWEEN_BYTES = 4 * 1024 ** 2;

/** There in processes that were started with --expose-gc. */
const collect = globalThis.gc as ((options: { readonly type: 'minor' }) => void) | undefined;

let sinceCollection = 0;

/**
 * Counts a buffer that was just filled. The engine hardly notices memory outside of its own heap: it would let tens of megabytes of read buffers
 * lie before it looks. A look at the young ones takes a fraction of a millisecond, and a large message passes in a few megabytes.
 */
export function countLargeBuffer(bytes: number): void {
  if (bytes < LARGE_BYTES || collect === undefined) return;
  sinceCollection += bytes;
  if (sinceCollection < BETWEEN_BYTES) return;
  sinceCollection = 0;
  collect({ type: 'minor' });
}
