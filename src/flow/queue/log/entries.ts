/** The records on their way: what each changes once it is stable. */
import { deliveryFlag } from '../index/deliveries.ts';
import type { NewMessage } from '../port.ts';
import type { LogEntry } from './committer.ts';
import { recordFlag } from './format.ts';
import type { IndexEntry } from './index-part.ts';
import type { BuiltMessage } from './records.ts';
import type { Segment } from './segments.ts';
import type { LogStore } from './store.ts';

/** A message: exists from here on. */
export class MessageEntry implements LogEntry {
  readonly record: Buffer;
  readonly #store: LogStore;
  readonly #id: number;
  readonly #message: NewMessage;
  readonly #built: BuiltMessage;
  readonly #done: (error?: unknown) => void;

  constructor(store: LogStore, id: number, message: NewMessage, built: BuiltMessage, done: (error?: unknown) => void) {
    this.record = built.record;
    this.#store = store;
    this.#id = id;
    this.#message = message;
    this.#built = built;
    this.#done = done;
  }

  stable(segment: Segment, offset: number): void {
    this.#store.insert(this.#message, this.#id, this.#built, segment, offset);
    this.#done();
  }

  /** A message that nobody was promised is refused; one that outcomes owe is tried again with them. */
  failed(error: unknown, final: boolean): boolean {
    if (!final && ((this.record[9] ?? 0) & recordFlag.chained) !== 0) return true;
    this.#done(error);
    return false;
  }
}

/** The state of a delivery: its index values change with it. */
export class StateEntry implements LogEntry {
  readonly record: Buffer;
  readonly #store: LogStore;
  readonly #row: number;
  readonly #id: number;
  readonly #entry: IndexEntry;
  readonly #done: (error?: unknown) => void;

  constructor(
    store: LogStore,
    row: number,
    id: number,
    entry: IndexEntry,
    record: Buffer,
    done: (error?: unknown) => void,
  ) {
    this.record = record;
    this.#store = store;
    this.#row = row;
    this.#id = id;
    this.#entry = entry;
    this.#done = done;
  }

  stable(segment: Segment, offset: number): void {
    const { index } = this.#store;
    this.#store.written(this.#id);
    const row = this.#row;
    if (index.messages.id[index.deliveries.message[row] ?? 0] === this.#id) {
      const entry = this.#entry;
      this.#store.placeState(row, segment, offset, this.record.length);
      const now = this.#store.wallMs;
      index.deliveries.attempts[row] = entry.attempts;
      index.deliveries.due[row] = entry.dueMs;
      if ((entry.flags & deliveryFlag.delayReported) !== 0) index.deliveries.set(row, deliveryFlag.delayReported);
      if ((entry.flags & deliveryFlag.ended) !== 0) index.end(row, now);
      else index.direct(row, entry.nextHop, now);
    }
    this.#done();
  }

  failed(error: unknown, final: boolean): boolean {
    if (final) {
      this.#store.written(this.#id);
      this.#done(error);
    }
    return !final;
  }
}

/** The end of a message. */
export class DoneEntry implements LogEntry {
  readonly record: Buffer;
  readonly #store: LogStore;
  readonly #message: number;
  readonly #id: number;
  readonly #done: (error?: unknown) => void;

  constructor(store: LogStore, message: number, id: number, record: Buffer, done: (error?: unknown) => void) {
    this.record = record;
    this.#store = store;
    this.#message = message;
    this.#id = id;
    this.#done = done;
  }

  stable(): void {
    if (this.#store.index.messages.id[this.#message] === this.#id) this.#store.forget(this.#message);
    this.#done();
  }

  failed(error: unknown, final: boolean): boolean {
    if (final) this.#done(error);
    return !final;
  }
}
