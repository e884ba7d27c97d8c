import type { Messages } from './messages.ts';
import { PairingHeaps } from './pairing-heap.ts';
import { FlaggedTable, widened } from './table.ts';

/** What a delivery row says beyond its numbers. The lower ones are written to disk as they are. */
export const deliveryFlag = {
  held: 1,
  quarantined: 2,
  ended: 4,
  delayReported: 8,
  claimed: 16,
  /** In the heap of its next hop. */
  waiting: 32,
  /** Was in work when the process crashed: waits for its turn alone. */
  suspect: 64,
} as const;

/** The flags that a state record keeps. */
export const durableFlags =
  deliveryFlag.held | deliveryFlag.quarantined | deliveryFlag.ended | deliveryFlag.delayReported;

/** One row per delivery: when, whither, and where its latest state lies. */
export class Deliveries extends FlaggedTable {
  message = new Uint32Array(1024);
  /** The next delivery of the same message. */
  sibling = new Uint32Array(1024);
  ordinal = new Uint16Array(1024);
  attempts = new Uint16Array(1024);
  class = new Uint8Array(1024);
  nextHop = new Uint32Array(1024);
  due = new Float64Array(1024);
  /** Where the latest state record lies; segment 0 means that there is none. */
  stateSegment = new Uint32Array(1024);
  stateOffset = new Uint32Array(1024);
  stateLength = new Uint32Array(1024);
  readonly heaps: PairingHeaps;

  constructor(messages: Messages) {
    super(1024);
    this.heaps = new PairingHeaps(1024, (a, b) => {
      const dueA = this.due[a] ?? 0;
      const dueB = this.due[b] ?? 0;
      if (dueA !== dueB) return dueA < dueB;
      const idA = messages.id[this.message[a] ?? 0] ?? 0;
      const idB = messages.id[this.message[b] ?? 0] ?? 0;
      return idA !== idB ? idA < idB : (this.ordinal[a] ?? 0) < (this.ordinal[b] ?? 0);
    });
  }

  /** A row without a next hop. */
  add(message: number, ordinal: number): number {
    const row = this.take();
    this.message[row] = message;
    this.sibling[row] = 0;
    this.ordinal[row] = ordinal;
    this.attempts[row] = 0;
    this.class[row] = 0;
    this.flags[row] = 0;
    this.nextHop[row] = 0;
    this.due[row] = 0;
    this.stateSegment[row] = 0;
    this.stateOffset[row] = 0;
    this.stateLength[row] = 0;
    return row;
  }

  remove(row: number): void {
    this.message[row] = 0;
    this.flags[row] = 0;
    this.give(row);
  }

  protected override widen(capacity: number): void {
    this.message = widened(this.message, Uint32Array, capacity);
    this.sibling = widened(this.sibling, Uint32Array, capacity);
    this.ordinal = widened(this.ordinal, Uint16Array, capacity);
    this.attempts = widened(this.attempts, Uint16Array, capacity);
    this.class = widened(this.class, Uint8Array, capacity);
    this.widenFlags(capacity);
    this.nextHop = widened(this.nextHop, Uint32Array, capacity);
    this.due = widened(this.due, Float64Array, capacity);
    this.stateSegment = widened(this.stateSegment, Uint32Array, capacity);
    this.stateOffset = widened(this.stateOffset, Uint32Array, capacity);
    this.stateLength = widened(this.stateLength, Uint32Array, capacity);
    this.heaps.grow(capacity);
  }
}
