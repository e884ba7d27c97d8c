const PARTS = 128;

/**
 * From message ids to rows: open addressing over typed arrays, because a Map of a million numbers costs ten times the memory.
 * In parts that widen one by one, so that no insertion waits for a million others to move.
 */
export class IdMap {
  readonly #parts: readonly Part[];

  /** `idOf` gives the id of a row that was added. */
  constructor(idOf: (row: number) => number) {
    this.#parts = Array.from({ length: PARTS }, () => new Part(idOf));
  }

  /** The row of an id, 0 where there is none. */
  find(id: number): number {
    return this.#part(id).find(id);
  }

  /** Adds a row, whose id is not in the map. */
  add(row: number, id: number): void {
    this.#part(id).add(row);
  }

  /** Removes an id. */
  remove(id: number): void {
    this.#part(id).remove(id);
  }

  #part(id: number): Part {
    return this.#parts[hash(id) >>> 25] as Part;
  }
}

class Part {
  #slots = new Uint32Array(32);
  #used = 0;
  readonly #idOf: (row: number) => number;

  constructor(idOf: (row: number) => number) {
    this.#idOf = idOf;
  }

  find(id: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash(id) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] ?? 0;
      if (row === 0 || this.#idOf(row) === id) return row;
    }
  }

  add(row: number): void {
    if ((this.#used + 1) * 4 > this.#slots.length * 3) this.#widen();
    this.#place(row);
    this.#used += 1;
  }

  /** Removes an id, moving back the rows that had to go past it. */
  remove(id: number): void {
    const mask = this.#slots.length - 1;
    let hole = hash(id) & mask;
    for (; ; hole = (hole + 1) & mask) {
      const row = this.#slots[hole] ?? 0;
      if (row === 0) return;
      if (this.#idOf(row) === id) break;
    }
    this.#used -= 1;
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] ?? 0;
      if (row === 0) break;
      const home = hash(this.#idOf(row)) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      this.#slots[hole] = row;
      hole = slot;
    }
    this.#slots[hole] = 0;
  }

  #place(row: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash(this.#idOf(row)) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = row;
  }

  #widen(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (const row of old) if (row !== 0) this.#place(row);
  }
}

function hash(id: number): number {
  const low = id | 0;
  const high = (id / 4294967296) | 0;
  const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 0;
}
