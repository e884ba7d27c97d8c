import { assert } from '../../../base/assert.ts';
import type { QueueId } from '../../../mail/queue-id.ts';
import type { Draft, NewMessage } from '../port.ts';

/** A draft that lies in memory. */
export class MemoryDraft implements Draft {
  readonly #chunks: Buffer[] = [];
  readonly #commit: (message: NewMessage, content: Buffer) => QueueId;
  #open = true;
  sizeBytes = 0;

  constructor(commit: (message: NewMessage, content: Buffer) => QueueId) {
    this.#commit = commit;
  }

  write(chunk: Buffer): boolean {
    assert(this.#open, 'a draft is written before its end');
    this.#chunks.push(Buffer.from(chunk));
    this.sizeBytes += chunk.length;
    return true;
  }

  drained(fn: (error?: Error) => void): void {
    fn();
  }

  get inMemory(): readonly Buffer[] {
    return this.#chunks;
  }

  async commit(message: NewMessage): Promise<QueueId> {
    assert(this.#open, 'a draft ends once');
    this.#open = false;
    return this.#commit(message, Buffer.concat(this.#chunks));
  }

  discard(): void {
    this.#open = false;
  }
}
