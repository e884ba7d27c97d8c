import type { EnvelopeRecipient } from '../../../mail/envelope.ts';
import type { MessageHead } from './head.ts';

/** A message that was accepted a moment ago: what an attempt needs of it, without reading. */
export interface FreshMessage {
  readonly head: MessageHead;
  readonly recipients: readonly (readonly EnvelopeRecipient[])[];
  readonly body: Buffer;
}

const OVERHEAD = 1024;

/** Content and heads of fresh messages by message row, bounded in octets; the oldest goes first. */
export class FreshCache {
  readonly #maxBytes: number;
  readonly #messages = new Map<number, FreshMessage>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(row: number): FreshMessage | undefined {
    return this.#messages.get(row);
  }

  put(row: number, message: FreshMessage): void {
    const bytes = message.body.length + OVERHEAD;
    if (bytes > this.#maxBytes) return;
    this.#messages.set(row, message);
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#messages.keys().next();
      if (oldest.done === true) return;
      this.drop(oldest.value);
    }
  }

  drop(row: number): void {
    const message = this.#messages.get(row);
    if (message === undefined) return;
    this.#messages.delete(row);
    this.#bytes -= message.body.length + OVERHEAD;
  }
}
