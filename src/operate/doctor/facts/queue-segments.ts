/** What the files of the queue say of themselves, read without the service: heads, the lists of sealed ones, some of their records. */
import {
  headerBytes,
  readHeader,
  readSegmentHeader,
  recordIntact,
  recordLength,
} from '../../../flow/queue/log/format.ts';
import { hintBlocks, readFully, visitBlock } from '../../../flow/queue/log/hints.ts';
import { errnoOf } from '../../../events/fault.ts';
import type { DiskFile } from '../../../world/ports/disk.ts';
import type { Parts } from '../check.ts';
import { hintBlocksMax, recordBytesMax, recordsLookedAt, segmentsLookedAt } from '../limits.ts';

type Look = Pick<Parts, 'disk'>;

/** What is wrong with one file. */
export interface Damage {
  readonly path: string;
  readonly what: string;
  readonly offset: number;
}

/** The directories of shards in the queue's. */
export async function shardsIn(disk: Look['disk'], queue: string): Promise<readonly string[]> {
  const names = await disk.list(queue);
  return names.filter((name) => /^\d{1,4}$/.test(name)).map((name) => `${queue}/${name}`);
}

/** Rests of records that were cut off, among the files of a shard. */
export const cutRecords = (names: readonly string[]): readonly string[] =>
  names.filter((name) => /^\d+\.log\.cut$/.test(name));

/** What was looked at. */
export interface SegmentsSeen {
  readonly shards: number;
  readonly segments: number;
  readonly records: number;
  readonly damages: readonly Damage[];
  /** Rests of records that were cut off, as recovery set them aside. */
  readonly cut: readonly string[];
}

interface Place {
  readonly offset: number;
  readonly length: number;
}

/** The records that the list of a sealed segment names, and where one is missing between two. */
async function listed(file: DiskFile): Promise<{ readonly places: readonly Place[]; readonly gap?: number }> {
  const places: Place[] = [];
  let next = headerBytes;
  let gap: number | undefined;
  let left = hintBlocksMax;
  for await (const block of hintBlocks(file)) {
    if (block === undefined || left === 0) break;
    left -= 1;
    visitBlock(block, (_bytes, _at, offset, length) => {
      if (offset > next) gap ??= next;
      next = offset + length;
      places.push({ offset, length });
    });
  }
  return gap === undefined ? { places } : { places, gap };
}

/** So many of them, evenly apart. */
function some(places: readonly Place[], most: number): readonly Place[] {
  const whole = places.filter(({ length }) => length <= recordBytesMax);
  const step = Math.max(1, Math.floor(whole.length / most));
  return whole.filter((_, index) => index % step === 0).slice(0, most);
}

async function withFile<T>({ disk }: Look, path: string, look: (file: DiskFile) => Promise<T>): Promise<T> {
  const file = await disk.open(path, 'read');
  try {
    return await look(file);
  } finally {
    await file.close();
  }
}

/** Looks at a sealed segment: its head, its list, some records. */
async function lookAt(
  parts: Look,
  path: string,
): Promise<{ readonly records: number; readonly damage?: Omit<Damage, 'path'> }> {
  const number = Number(/(\d+)\.log$/.exec(path)?.[1]);
  const { places, gap } = await withFile(parts, path.replace(/log$/, 'hint'), listed);
  return withFile(parts, path, async (file) => {
    const head = Buffer.alloc(headerBytes);
    await readFully(file, head, 0);
    if (readSegmentHeader(head)?.segment !== number)
      return { records: 0, damage: { what: 'its head is not that of a queue file', offset: 0 } };
    const chosen = some(places, recordsLookedAt);
    for (const { offset, length } of chosen) {
      const record = Buffer.allocUnsafe(length);
      if ((await readFully(file, record, offset)) < length)
        return { records: chosen.length, damage: { what: 'the file is truncated', offset } };
      const header = readHeader(record, 0, number);
      if (header === undefined || recordLength(header) !== length || !recordIntact(record))
        return { records: chosen.length, damage: { what: 'a record has changed since it was written', offset } };
    }
    return gap === undefined
      ? { records: chosen.length }
      : {
          records: chosen.length,
          damage: { what: 'the last start found records there that it could not read', offset: gap },
        };
  });
}

/** Looks at the oldest and the newest sealed segment of each shard; those that go away meanwhile are left out. */
export async function lookAtSegments(parts: Look, directory: string): Promise<SegmentsSeen> {
  const { disk } = parts;
  const shards = (await shardsIn(disk, directory)).slice(0, segmentsLookedAt);
  const each = Math.max(1, Math.floor(segmentsLookedAt / Math.max(1, shards.length)));
  const damages: Damage[] = [];
  const cut: string[] = [];
  let segments = 0;
  let records = 0;
  for (const shard of shards) {
    const names = await disk.list(shard);
    cut.push(...cutRecords(names).map((name) => `${shard}/${name}`));
    const there = new Set(names);
    const sealed = names.filter((name) => /^\d{10}\.log$/.test(name) && there.has(name.replace(/log$/, 'hint'))).sort();
    const chosen = each === 1 ? sealed.slice(-1) : [...new Set([...sealed.slice(0, each - 1), ...sealed.slice(-1)])];
    for (const name of chosen) {
      const path = `${shard}/${name}`;
      try {
        const before = await disk.entry(path);
        const seen = await lookAt(parts, path);
        segments += 1;
        records += seen.records;
        // A file whose last message has ended is taken for others.
        if (seen.damage !== undefined && (await disk.entry(path))?.inode === before?.inode)
          damages.push({ path, ...seen.damage });
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
      }
    }
  }
  return { shards: shards.length, segments, records, damages, cut };
}
