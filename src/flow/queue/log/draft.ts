import type { QueueId } from '../../../mail/queue-id.ts';
import { assert } from '../../../base/assert.ts';
import { queueLimits } from '../limits.ts';
import type { Draft, NewMessage } from '../port.ts';
import type { BigFile, BigFiles } from './big-files.ts';
import type { BodyMemory } from './body-memory.ts';

/** What a finished draft hands to the engine. */
export interface DraftBody {
  readonly sizeBytes: number;
  /** The octets, where there is no big file. */
  readonly chunks: readonly Buffer[];
  readonly big: BigFile | undefined;
}

/** What a draft needs. */
export interface DraftOptions {
  readonly memory: BodyMemory;
  readonly big: BigFiles;
  readonly inlineBytes: number;
  readonly nextId: () => number;
  readonly commit: (message: NewMessage, body: DraftBody) => Promise<QueueId>;
}

/**
 * A message that arrives: in memory up to the inline size, as long as all drafts together have memory for it; else in its big file
 * from the first octet on, with a bounded number of octets under way.
 */
export class LogDraft implements Draft {
  readonly #options: DraftOptions;
  #chunks: Buffer[] = [];
  #tail: Buffer | undefined;
  #tailUsed = 0;
  #heldBytes = 0;
  #big: BigFile | undefined;
  #resume: ((error?: Error) => void) | undefined;
  #ended = false;
  sizeBytes = 0;

  constructor(options: DraftOptions) {
    this.#options = options;
  }

  write(chunk: Buffer): boolean {
    assert(!this.#ended, 'a draft is written before its end');
    if (chunk.length === 0) return true;
    this.sizeBytes += chunk.length;
    if (this.#big === undefined && (this.sizeBytes > this.#options.inlineBytes || !this.#hold(chunk.length)))
      this.#spill();
    const big = this.#big;
    if (big === undefined) {
      this.#keep(chunk);
      return true;
    }
    big.write(ownMemory(chunk));
    return !big.full;
  }

  drained(fn: (error?: Error) => void): void {
    const big = this.#big;
    if (big === undefined || big.error !== undefined || !big.full) fn(big?.error);
    else this.#resume = fn;
  }

  get inMemory(): readonly Buffer[] | undefined {
    if (this.#big !== undefined) return undefined;
    this.#closeTail();
    return this.#chunks;
  }

  async commit(message: NewMessage): Promise<QueueId> {
    assert(!this.#ended, 'a draft ends once');
    this.#ended = true;
    this.#closeTail();
    try {
      return await this.#options.commit(message, { sizeBytes: this.sizeBytes, chunks: this.#chunks, big: this.#big });
    } finally {
      this.#release();
    }
  }

  discard(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#big?.abandon();
    this.#release();
  }

  #hold(bytes: number): boolean {
    if (!this.#options.memory.take(bytes)) return false;
    this.#heldBytes += bytes;
    return true;
  }

  #release(): void {
    this.#chunks = [];
    this.#resume = undefined;
    this.#options.memory.give(this.#heldBytes);
    this.#heldBytes = 0;
  }

  /** Small chunks are copied together: each would pin memory far beyond its size. */
  #keep(chunk: Buffer): void {
    if (chunk.length >= queueLimits.smallChunkBytes) {
      this.#closeTail();
      this.#chunks.push(ownMemory(chunk));
      return;
    }
    let tail = this.#tail;
    if (tail === undefined || tail.length - this.#tailUsed < chunk.length) {
      this.#closeTail();
      tail = Buffer.allocUnsafe(
        Math.max(chunk.length, this.#chunks.length === 0 ? 512 : queueLimits.smallChunkBytes * 2),
      );
      this.#tail = tail;
    }
    chunk.copy(tail, this.#tailUsed);
    this.#tailUsed += chunk.length;
  }

  #closeTail(): void {
    if (this.#tail === undefined) return;
    this.#chunks.push(this.#tail.subarray(0, this.#tailUsed));
    this.#tail = undefined;
    this.#tailUsed = 0;
  }

  #spill(): void {
    this.#closeTail();
    const big = this.#options.big.begin(this.#options.nextId(), () => this.#progress());
    for (const chunk of this.#chunks) big.write(chunk);
    this.#chunks = [];
    this.#big = big;
    this.#options.memory.give(this.#heldBytes);
    this.#heldBytes = 0;
  }

  #progress(): void {
    const resume = this.#resume;
    if (resume === undefined || (this.#big?.full === true && this.#big.error === undefined)) return;
    this.#resume = undefined;
    resume(this.#big?.error);
  }
}

/** The chunk itself, or a copy where it is a small view of something much larger. */
function ownMemory(chunk: Buffer): Buffer {
  return chunk.length * 2 < chunk.buffer.byteLength ? Buffer.from(chunk) : chunk;
}
