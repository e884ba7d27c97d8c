/**
 * Numbers that only grow, over all runs of a shard: for message ids and for the order of states. The file `boot` says
 * from where the next run counts; a block is reserved there before any number of it is used.
 */
import { assert } from '../../../base/assert.ts';
import { Fault } from '../../../events/fault.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import { formatVersion } from './format.ts';
import { writeFully } from './hints.ts';
import { isFull } from './space.ts';

const BLOCK = 2 ** 24;

/** The shard's counter. */
export class Ids {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #shard: number;
  #next: number;
  #reservedEnd: number;
  #reserving = false;
  /** The first number of this run: everything below is from before. */
  readonly first: number;
  /** The number of the block that this run began with; grows with every start. */
  readonly boot: number;

  constructor(disk: Disk, path: string, shard: number, block: number) {
    this.#disk = disk;
    this.#path = path;
    this.#shard = shard;
    this.boot = block;
    this.first = block * BLOCK;
    this.#next = this.first;
    this.#reservedEnd = this.first + BLOCK;
  }

  /** A number greater than all before. */
  next(): number {
    const number = this.#next;
    this.#next += 1;
    if (this.#reservedEnd - this.#next < BLOCK / 2 && !this.#reserving) this.#reserve();
    assert(number < this.#reservedEnd, 'a block of ids is reserved before it is used');
    return number;
  }

  #reserve(): void {
    this.#reserving = true;
    const end = this.#reservedEnd + BLOCK;
    const settle = (reserved: boolean): void => {
      this.#reserving = false;
      if (reserved) this.#reservedEnd = end;
    };
    // A failure is tried again with the next number: half a block is left.
    writeBoot(this.#disk, this.#path, this.#shard, end / BLOCK).then(
      () => settle(true),
      () => settle(false),
    );
  }
}

/** Digits of the number in the file, so that it never grows. */
const DIGITS = 9;

/** Reads and advances the boot counter of a shard's directory; refuses a newer format. */
export async function openIds(disk: Disk, directory: string, shard: number): Promise<Ids> {
  const path = `${directory}/boot`;
  const content = (await disk.entry(path)) === undefined ? undefined : await disk.readFile(path);
  const block = content === undefined ? 1 : readBoot(path, content);
  try {
    await writeBoot(disk, path, shard, block + 1);
  } catch (error) {
    if (content === undefined || !isFull(error) || !(await advanceInPlace(disk, path, content))) throw error;
  }
  return new Ids(disk, path, shard, block);
}

function readBoot(path: string, content: Buffer): number {
  const match = /^format (\d{1,6})\nshard (\d{1,4})\nnext (\d{1,9})\n/.exec(content.toString('latin1', 0, 64));
  const found = Number(match?.[1] ?? /^format (\d{1,6})\n/.exec(content.toString('latin1', 0, 64))?.[1] ?? 0);
  if (found > formatVersion) throw new Fault('queue.format-newer', { path, found, known: formatVersion });
  if (match === null) throw new Fault('queue.segment-damaged', { path, offset: 0 });
  return Number(match[3]);
}

function writeBoot(disk: Disk, path: string, shard: number, next: number): Promise<void> {
  const digits = String(next).padStart(DIGITS, '0');
  return disk.replaceFile(path, `format ${formatVersion}\nshard ${shard}\nnext ${digits}\n`);
}

/**
 * Counts on where the number stands, for a disk without room for another file. First the octet of one digit is raised, which is written
 * whole or not at all; only when that is stable the digits after it begin anew: whatever a crash leaves is greater than before.
 */
async function advanceInPlace(disk: Disk, path: string, content: Buffer): Promise<boolean> {
  const text = content.toString('latin1');
  const first = text.indexOf('next ') + 'next '.length;
  const end = text.indexOf('\n', first);
  let at = end - 1;
  while (at >= first && text[at] === '9') at -= 1;
  if (at < first) return false;
  const file = await disk.open(path, 'write');
  try {
    await writeFully(file, [Buffer.from(String(Number(text[at]) + 1))], at);
    await file.sync();
    if (at === end - 1) return true;
    await writeFully(file, [Buffer.from('0'.repeat(end - 1 - at))], at + 1);
    await file.sync();
  } finally {
    await file.close();
  }
  return true;
}
