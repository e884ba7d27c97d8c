import { IdMap } from './id-map.ts';
import { FlaggedTable, widened } from './table.ts';

/** What a message row says beyond its numbers. */
export const messageFlag = {
  /** The content lies in a file of its own. */
  big: 1,
  eightBit: 2,
  /** Known only from a state record so far; its message record has not been read yet. */
  awaited: 4,
  /** Its end is written or about to be. Never copied, never brought back. */
  ended: 8,
} as const;

/** One row per message: where its record lies, and what a list shows of it. */
export class Messages extends FlaggedTable {
  id = new Float64Array(1024);
  segment = new Uint32Array(1024);
  offset = new Uint32Array(1024);
  /** Octets of the whole record. */
  length = new Uint32Array(1024);
  /** Octets of the content as stored. */
  bodyBytes = new Uint32Array(1024);
  /** Octets of the content with its edits. */
  sizeBytes = new Uint32Array(1024);
  arrivedS = new Uint32Array(1024);
  expiresS = new Uint32Array(1024);
  firstDelivery = new Uint32Array(1024);
  /** Deliveries whose end has not been queued. */
  open = new Uint16Array(1024);
  readonly byId = new IdMap((row) => this.id[row] ?? 0);

  constructor() {
    super(1024);
  }

  /** A row for a message that is not there yet. */
  add(id: number): number {
    const row = this.take();
    this.id[row] = id;
    this.segment[row] = 0;
    this.offset[row] = 0;
    this.length[row] = 0;
    this.firstDelivery[row] = 0;
    this.open[row] = 0;
    this.flags[row] = 0;
    this.byId.add(row, id);
    return row;
  }

  remove(row: number): void {
    this.byId.remove(this.id[row] ?? 0);
    this.id[row] = 0;
    this.give(row);
  }

  protected override widen(capacity: number): void {
    this.id = widened(this.id, Float64Array, capacity);
    this.segment = widened(this.segment, Uint32Array, capacity);
    this.offset = widened(this.offset, Uint32Array, capacity);
    this.length = widened(this.length, Uint32Array, capacity);
    this.bodyBytes = widened(this.bodyBytes, Uint32Array, capacity);
    this.sizeBytes = widened(this.sizeBytes, Uint32Array, capacity);
    this.arrivedS = widened(this.arrivedS, Uint32Array, capacity);
    this.expiresS = widened(this.expiresS, Uint32Array, capacity);
    this.firstDelivery = widened(this.firstDelivery, Uint32Array, capacity);
    this.open = widened(this.open, Uint16Array, capacity);
    this.widenFlags(capacity);
  }
}
