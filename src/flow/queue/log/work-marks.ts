/**
 * The deliveries in work, in fixed slots of the file `work`, written before the attempt begins without sync: they need to
 * survive the process, not the machine.
 */
import { crc32 } from 'node:zlib';
import type { Disk, DiskFile } from '../../../world/ports/disk.ts';
import { readFully } from './hints.ts';
import { isFull } from './space.ts';

/** A mark: in work, or waiting for its turn alone since a crash. */
export interface WorkMark {
  readonly kind: 'work' | 'suspect';
  readonly id: number;
  readonly ordinal: number;
  /** Crashes in which it was in work. */
  readonly crashes: number;
  /** Crashes in which nothing else was. */
  readonly alone: number;
}

const SLOT_BYTES = 32;
const KINDS = { work: 1, suspect: 2 } as const;
const SLOTS_MAX = 100_000;
/** Octets that the file always has, so that attempts can be marked on a disk that is full. */
const KEPT_BYTES = 4096;

export class WorkMarks {
  readonly #file: DiskFile;
  readonly #slot = Buffer.alloc(SLOT_BYTES);
  readonly #empty = Buffer.alloc(SLOT_BYTES);
  readonly #free: number[] = [];
  #end: number;
  readonly #slots = new Map<number, number>();

  private constructor(file: DiskFile, end: number) {
    this.#file = file;
    this.#end = end;
  }

  /** Opens the file; returns the marks that the last run left. */
  static async open(
    disk: Disk,
    path: string,
  ): Promise<{ readonly marks: WorkMarks; readonly left: readonly WorkMark[] }> {
    const file = await disk.open(path, 'write');
    const bytes = Buffer.alloc(Math.min(await file.size(), SLOTS_MAX * SLOT_BYTES));
    const read = await readFully(file, bytes, 0);
    const left: WorkMark[] = [];
    let end = 0;
    for (let at = 0; at + SLOT_BYTES <= read; at += SLOT_BYTES) {
      const mark = readSlot(bytes.subarray(at, at + SLOT_BYTES));
      if (mark === undefined) continue;
      left.push(mark);
      end = at / SLOT_BYTES + 1;
    }
    if (read < KEPT_BYTES) keepRoom(file, read);
    return { marks: new WorkMarks(file, end), left };
  }

  /** Marks a delivery, by its row. */
  set(row: number, mark: WorkMark): void {
    let slot = this.#slots.get(row);
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#end;
      if (slot >= SLOTS_MAX) return;
      if (slot === this.#end) this.#end += 1;
      this.#slots.set(row, slot);
    }
    writeSlot(this.#slot, mark);
    try {
      this.#file.writeNow(this.#slot, slot * SLOT_BYTES);
    } catch (error) {
      // On a full file system a delivery goes on without its mark: it is what makes room.
      if (!isFull(error)) throw error;
      this.#slots.delete(row);
      this.#free.push(slot);
    }
  }

  /** Removes a mark. That of an ended delivery may stay until its slot is used again: nothing is found by it. */
  clear(row: number, ended: boolean): void {
    const slot = this.#slots.get(row);
    if (slot === undefined) return;
    this.#slots.delete(row);
    this.#free.push(slot);
    if (!ended) this.#file.writeNow(this.#empty, slot * SLOT_BYTES);
  }

  /** Removes all marks of before, which lie below `before` and of which nothing is needed any more. */
  clearOld(count: number): void {
    for (let slot = 0; slot < count; slot += 1) {
      this.#file.writeNow(this.#empty, slot * SLOT_BYTES);
      this.#free.push(slot);
    }
  }

  /** Slots in the file. */
  get slots(): number {
    return this.#end;
  }

  /** Closes the file; after a clean end there is no mark in it. */
  async close(clean: boolean): Promise<void> {
    try {
      if (clean) {
        await this.#file.truncate(0);
        keepRoom(this.#file, 0);
      }
    } finally {
      await this.#file.close();
    }
  }
}

/** Without it attempts are made all the same: see `set`. */
function keepRoom(file: DiskFile, from: number): void {
  try {
    file.writeNow(Buffer.alloc(KEPT_BYTES - from), from);
  } catch (error) {
    if (!isFull(error)) throw error;
  }
}

function writeSlot(into: Buffer, mark: WorkMark): void {
  into.writeUInt32LE(KINDS[mark.kind], 4);
  into.writeDoubleLE(mark.id, 8);
  into.writeUInt32LE(mark.ordinal, 16);
  into.writeUInt32LE(mark.crashes, 20);
  into.writeUInt32LE(mark.alone, 24);
  into.writeUInt32LE(crc32(into.subarray(4)), 0);
}

function readSlot(bytes: Buffer): WorkMark | undefined {
  const kind = bytes.readUInt32LE(4);
  if ((kind !== KINDS.work && kind !== KINDS.suspect) || bytes.readUInt32LE(0) !== crc32(bytes.subarray(4)))
    return undefined;
  return {
    kind: kind === KINDS.work ? 'work' : 'suspect',
    id: bytes.readDoubleLE(8),
    ordinal: bytes.readUInt32LE(16),
    crashes: bytes.readUInt32LE(20),
    alone: bytes.readUInt32LE(24),
  };
}
