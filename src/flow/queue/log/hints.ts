/**
 * The hint of a sealed segment: offset, length, header and index part of each of its records, in blocks with a CRC, so that a
 * start reads a fortieth of the log. It is optional: where it is missing or damaged, the segment itself is scanned.
 */
import { crc32 } from 'node:zlib';
import type { DiskFile } from '../../../world/ports/disk.ts';
import { headerBytes } from './format.ts';

const BLOCK_BYTES = 64 * 1024;
const BLOCK_HEADER = 8;
const ENTRY_HEADER = 8;
/** In the place of the CRC of the last block, so that octets that never reached the disk are not taken for the end. */
const END_MAGIC = 0x444e4549;

/** Gathers the hint of a segment while it is written. */
export class HintBuilder {
  readonly #blocks: Buffer[] = [];
  #block = Buffer.allocUnsafeSlow(4096);
  #used = BLOCK_HEADER;

  /** Adds a record by its first octets. */
  add(offset: number, length: number, record: Buffer, indexBytes: number): void {
    const bytes = headerBytes + indexBytes;
    const at = this.#room(ENTRY_HEADER + bytes);
    this.#block.writeUInt32LE(offset, at);
    this.#block.writeUInt32LE(length, at + 4);
    record.copy(this.#block, at + ENTRY_HEADER, 0, bytes);
    this.#used = at + ENTRY_HEADER + bytes;
  }

  /** All of it, with the empty block that says that nothing is missing. */
  finish(): Buffer[] {
    this.#closeBlock();
    const end = Buffer.alloc(BLOCK_HEADER);
    end.writeUInt32LE(END_MAGIC, 4);
    return [...this.#blocks, end];
  }

  #room(bytes: number): number {
    if (this.#used > BLOCK_HEADER && this.#used + bytes > BLOCK_BYTES) this.#closeBlock();
    if (this.#used + bytes > this.#block.length) {
      const wide = Buffer.allocUnsafeSlow(Math.max(this.#block.length * 4, this.#used + bytes));
      this.#block.copy(wide, 0, 0, this.#used);
      this.#block = wide;
    }
    return this.#used;
  }

  #closeBlock(): void {
    if (this.#used === BLOCK_HEADER) return;
    this.#block.writeUInt32LE(this.#used - BLOCK_HEADER, 0);
    this.#block.writeUInt32LE(crc32(this.#block.subarray(BLOCK_HEADER, this.#used)), 4);
    this.#blocks.push(this.#block.subarray(0, this.#used));
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#used = BLOCK_HEADER;
  }
}

/** A place in a hint block: the record's first octets begin at `at`. */
export type HintVisitor = (bytes: Buffer, at: number, offset: number, length: number) => void;

/** The blocks of a hint file one by one; ends with undefined where one is damaged or the end is missing. */
export async function* hintBlocks(file: DiskFile): AsyncGenerator<Buffer | undefined> {
  const header = Buffer.alloc(BLOCK_HEADER);
  for (let position = 0; ; ) {
    if ((await readFully(file, header, position)) < BLOCK_HEADER) return void (yield undefined);
    const bytes = header.readUInt32LE(0);
    if (bytes === 0 && header.readUInt32LE(4) === END_MAGIC) return;
    const block = bytes === 0 || bytes > BLOCK_BYTES * 256 ? undefined : Buffer.allocUnsafeSlow(bytes);
    if (block === undefined || (await readFully(file, block, position + BLOCK_HEADER)) < bytes)
      return void (yield undefined);
    if (crc32(block) !== header.readUInt32LE(4)) return void (yield undefined);
    yield block;
    position += BLOCK_HEADER + bytes;
  }
}

/** Calls `visit` for each record of a block. */
export function visitBlock(block: Buffer, visit: HintVisitor): void {
  for (let at = 0; at + ENTRY_HEADER + headerBytes <= block.length; ) {
    visit(block, at + ENTRY_HEADER, block.readUInt32LE(at), block.readUInt32LE(at + 4));
    at += ENTRY_HEADER + headerBytes + block.readUInt32LE(at + ENTRY_HEADER + 32);
  }
}

/** Reads until the buffer is full or the file ends; returns the octets read. */
export async function readFully(file: DiskFile, into: Buffer, position: number, length = into.length): Promise<number> {
  let done = 0;
  while (done < length) {
    const read = await file.read(into, done, length - done, position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

/** Writes all octets, however many writes that takes (a write may be short). */
export async function writeFully(file: DiskFile, buffers: readonly Buffer[], position: number): Promise<void> {
  let rest = buffers;
  let at = position;
  for (;;) {
    let left = 0;
    for (const buffer of rest) left += buffer.length;
    if (left === 0) return;
    let written = await file.writev(rest, at);
    if (written === left) return;
    if (written === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
    at += written;
    let first = 0;
    while (written >= (rest[first]?.length ?? Number.POSITIVE_INFINITY)) {
      written -= rest[first]?.length ?? 0;
      first += 1;
    }
    rest = [...rest.slice(first)];
    const cut = rest[0];
    if (cut !== undefined && written > 0) rest = [cut.subarray(written), ...rest.slice(1)];
  }
}
