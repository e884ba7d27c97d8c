import type { NextHop } from '../../../mail/next-hop.ts';

/** What the index part of a record says of one delivery. */
export interface IndexEntry {
  ordinal: number;
  class: number;
  /** The durable ones of `deliveryFlag`. */
  flags: number;
  attempts: number;
  dueMs: number;
  nextHop: NextHop;
}

const FIXED = 16;

/** Octets of an entry. */
export function entryBytes(nextHop: NextHop): number {
  return FIXED + Buffer.byteLength(nextHop);
}

/** Writes an entry; returns where the next one goes. */
export function writeEntry(into: Buffer, at: number, entry: IndexEntry): number {
  into.writeUInt16LE(entry.ordinal, at);
  into[at + 2] = entry.class;
  into[at + 3] = entry.flags;
  into.writeUInt16LE(Math.min(entry.attempts, 65_535), at + 4);
  into.writeDoubleLE(entry.dueMs, at + 8);
  const written = into.write(entry.nextHop, at + FIXED);
  into.writeUInt16LE(written, at + 6);
  return at + FIXED + written;
}

/** Reads the entries between `at` and `end`. The last next hop is remembered, because most entries repeat it. */
export class EntryReader {
  #octets = Buffer.alloc(0);
  #name: NextHop = '';

  /** Calls `each` with one object that is used again for every entry. */
  read(bytes: Buffer, at: number, end: number, each: (entry: IndexEntry) => void): void {
    const entry: IndexEntry = { ordinal: 0, class: 0, flags: 0, attempts: 0, dueMs: 0, nextHop: '' };
    let position = at;
    while (position + FIXED <= end) {
      entry.ordinal = bytes.readUInt16LE(position);
      entry.class = Math.min(bytes[position + 2] ?? 0, 2);
      entry.flags = bytes[position + 3] ?? 0;
      entry.attempts = bytes.readUInt16LE(position + 4);
      entry.dueMs = bytes.readDoubleLE(position + 8);
      const start = position + FIXED;
      position = start + bytes.readUInt16LE(position + 6);
      entry.nextHop = this.#nameAt(bytes, start, Math.min(position, end));
      each(entry);
    }
  }

  #nameAt(bytes: Buffer, start: number, end: number): NextHop {
    const same = this.#octets.length === end - start && this.#octets.compare(bytes, start, end) === 0;
    if (!same) {
      this.#octets = Buffer.from(bytes.subarray(start, end));
      this.#name = this.#octets.toString();
    }
    return this.#name;
  }
}
