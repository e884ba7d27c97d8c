import type { Edit } from '../../mail/edits.ts';
import { applyEdits, editedSize, stretches } from '../../mail/edits.ts';
import type { BodyType } from '../../mail/envelope.ts';
import { queueLimits } from './limits.ts';
import type { Content } from './port.ts';

/** Where the octets as stored come from. */
export interface StoredOctets {
  readonly sizeBytes: number;
  /** All of them, where they are in memory. */
  readonly whole: Buffer | undefined;
  /** A range of them, in chunks. */
  range(start: number, end: number): AsyncIterable<Buffer>;
}

/** Octets in memory. */
export class HeldOctets implements StoredOctets {
  readonly whole: Buffer;

  constructor(whole: Buffer) {
    this.whole = whole;
  }

  get sizeBytes(): number {
    return this.whole.length;
  }

  async *range(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; at += queueLimits.chunkBytes)
      yield this.whole.subarray(at, Math.min(end, at + queueLimits.chunkBytes));
  }
}

/** Content as the door promises it: stored octets with the edits applied when they are read. */
export class EditedContent implements Content {
  readonly sizeBytes: number;
  readonly body: BodyType;
  readonly eightBit: boolean;
  readonly #stored: StoredOctets;
  readonly #edits: readonly Edit[];
  #whole: Buffer | undefined;

  constructor(stored: StoredOctets, edits: readonly Edit[], body: BodyType, eightBit: boolean) {
    this.#stored = stored;
    this.#edits = edits;
    this.body = body;
    this.eightBit = eightBit;
    this.sizeBytes = editedSize(stored.sizeBytes, edits);
  }

  get whole(): Buffer | undefined {
    const { whole } = this.#stored;
    if (whole === undefined || this.sizeBytes > queueLimits.wholeBytes) return undefined;
    this.#whole ??= applyEdits(whole, this.#edits);
    return this.#whole;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    for (const stretch of stretches(this.#stored.sizeBytes, this.#edits)) {
      if ('insert' in stretch) {
        for (let at = 0; at < stretch.insert.length; at += queueLimits.chunkBytes) {
          yield stretch.insert.subarray(at, at + queueLimits.chunkBytes);
        }
      } else {
        yield* this.#stored.range(stretch.start, stretch.end);
      }
    }
  }
}
