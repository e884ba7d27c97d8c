import { assert } from '../../../base/assert.ts';

/** Columns of rows with stable numbers; row 0 is nobody. Free rows are used again, the last freed first. */
export abstract class Table {
  #capacity: number;
  #top = 1;
  #count = 0;
  #free: number[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** One above the highest row ever used: the end of a walk over all rows. */
  get end(): number {
    return this.#top;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** How many rows are taken. */
  get count(): number {
    return this.#count;
  }

  protected take(): number {
    this.#count += 1;
    const row = this.#free.pop();
    if (row !== undefined) return row;
    if (this.#top === this.#capacity) {
      this.#capacity = Math.ceil(this.#capacity * 1.5);
      this.widen(this.#capacity);
    }
    this.#top += 1;
    return this.#top - 1;
  }

  protected give(row: number): void {
    assert(row > 0 && row < this.#top, 'a freed row exists');
    this.#count -= 1;
    this.#free.push(row);
  }

  /** Gives every column room for `capacity` rows. */
  protected abstract widen(capacity: number): void;
}

/** A table whose rows have flags of one octet. */
export abstract class FlaggedTable extends Table {
  flags = new Uint8Array(1024);

  has(row: number, flag: number): boolean {
    return ((this.flags[row] ?? 0) & flag) !== 0;
  }

  set(row: number, flag: number): void {
    this.flags[row] = (this.flags[row] ?? 0) | flag;
  }

  clear(row: number, flag: number): void {
    this.flags[row] = (this.flags[row] ?? 0) & ~flag;
  }

  protected widenFlags(capacity: number): void {
    this.flags = widened(this.flags, Uint8Array, capacity);
  }
}

type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** A longer column with the same content. */
export function widened<C extends Column>(old: C, make: new (length: number) => C, capacity: number): C {
  const wide = new make(capacity);
  wide.set(old);
  return wide;
}
