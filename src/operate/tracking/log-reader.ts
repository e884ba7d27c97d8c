import { errnoOf } from '../../events/fault.ts';
import type { Disk, DiskFile } from '../../world/ports/disk.ts';
import { INDEX_ENTRY_BYTES } from './key-hash.ts';
import { LINE_BYTES_MAX, SEGMENT_BYTES } from './limits.ts';
import type { Segment } from './segments.ts';

const READ_BYTES = 64 * 1024;
/** A segment may pass its size by one batch that waited long; what is longer is not ours. */
const SEGMENT_READ_MAX = SEGMENT_BYTES * 4;

/**
 * The lines of a segment that may have one of the hashes, the newest first: those after the last indexed one (a batch of which
 * a crash left the lines but not the index), then those that the index names. A line may come that has none of the keys.
 */
export async function* linesByHash(
  disk: Pick<Disk, 'open' | 'readFile'>,
  segment: Segment,
  hashes: ReadonlySet<number>,
): AsyncGenerator<string, void> {
  const index = await whereThere(() => disk.readFile(segment.index));
  const { offsets, last } = offsetsIn(index ?? Buffer.alloc(0), hashes);
  const file = await whereThere(() => disk.open(segment.log, 'read'));
  if (file === undefined) return;
  try {
    const tailAt = last < 0 ? 0 : last + Buffer.byteLength((await lineAt(file, last)) ?? '') + 1;
    yield* (await linesFrom(file, tailAt)).lines.reverse();
    for (const offset of offsets.reverse()) {
      const line = await lineAt(file, offset);
      if (line !== undefined) yield line;
    }
  } finally {
    await file.close();
  }
}

/** What a call on a file answers; undefined where the file is not there: the writer may drop the oldest segment at any time. */
async function whereThere<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The offsets of lines with one of the hashes, and that of the last line that is indexed at all (-1 where none is). */
function offsetsIn(index: Buffer, hashes: ReadonlySet<number>): { readonly offsets: number[]; readonly last: number } {
  const offsets: number[] = [];
  const only = hashes.size === 1 ? hashes.values().next().value : undefined;
  let last = -1;
  for (let at = 0; at + INDEX_ENTRY_BYTES <= index.length; at += INDEX_ENTRY_BYTES) {
    const hash = index.readUInt32LE(at);
    const hit = only === undefined ? hashes.has(hash) : hash === only;
    if (!hit && at + 2 * INDEX_ENTRY_BYTES <= index.length) continue;
    last = index.readUInt32LE(at + 4);
    if (hit && offsets.at(-1) !== last) offsets.push(last);
  }
  return { offsets, last };
}

async function lineAt(file: DiskFile, offset: number): Promise<string | undefined> {
  let size = READ_BYTES / 16;
  for (;;) {
    const octets = Buffer.allocUnsafe(size);
    const read = await file.read(octets, 0, size, offset);
    const end = octets.subarray(0, read).indexOf(0x0a);
    if (end >= 0) return octets.toString('utf8', 0, end);
    if (read < size || size > LINE_BYTES_MAX * 3) return undefined;
    size *= 4;
  }
}

/** The whole lines of a file from an offset on, and where they end: a line without its end is not there yet. */
export async function linesFrom(
  file: DiskFile,
  offset: number,
): Promise<{ readonly lines: string[]; readonly end: number }> {
  const size = Math.min(await file.size(), SEGMENT_READ_MAX);
  if (offset >= size) return { lines: [], end: offset };
  const octets = Buffer.allocUnsafe(size - offset);
  let read = 0;
  while (read < octets.length) {
    const count = await file.read(octets, read, octets.length - read, offset + read);
    if (count === 0) break;
    read += count;
  }
  const end = octets.subarray(0, read).lastIndexOf(0x0a);
  if (end < 0) return { lines: [], end: offset };
  return { lines: octets.toString('utf8', 0, end).split('\n'), end: offset + end + 1 };
}

/** The whole lines of a segment; none where it was removed meanwhile. */
export async function linesOf(disk: Pick<Disk, 'open'>, segment: Segment): Promise<string[]> {
  const file = await whereThere(() => disk.open(segment.log, 'read'));
  if (file === undefined) return [];
  try {
    return (await linesFrom(file, 0)).lines;
  } finally {
    await file.close();
  }
}
