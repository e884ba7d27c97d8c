import type { Disk } from '../../world/ports/disk.ts';

/** One segment of a log on disk: lines in `<number>.log`, keys in `<number>.index`. */
export interface Segment {
  readonly number: number;
  readonly log: string;
  readonly index: string;
}

const NAME = /^(\d{8,15})\.log$/;

/** The paths of a segment. */
export function segmentAt(directory: string, number: number): Segment {
  const stem = `${directory}/${String(number).padStart(8, '0')}`;
  return { number, log: `${stem}.log`, index: `${stem}.index` };
}

/** The segments of a log, oldest first; none where the directory is not there. */
export async function listSegments(disk: Pick<Disk, 'list' | 'entry'>, directory: string): Promise<Segment[]> {
  if ((await disk.entry(directory)) === undefined) return [];
  const numbers: number[] = [];
  for (const name of await disk.list(directory)) {
    const match = NAME.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => a - b).map((number) => segmentAt(directory, number));
}

/** What a log may keep. */
export interface Retention {
  readonly ageMaxMs: number;
  readonly bytesMax: number;
}

/** Removes the oldest segments until the log fits its bounds; the last one, which is being written, stays. Answers how many went. */
export async function retain(
  disk: Pick<Disk, 'list' | 'entry' | 'unlink'>,
  directory: string,
  retention: Retention,
  nowMs: number,
): Promise<number> {
  const segments = await listSegments(disk, directory);
  const sized: { segment: Segment; bytes: number; modifiedMs: number }[] = [];
  for (const segment of segments) {
    const log = await disk.entry(segment.log);
    const index = await disk.entry(segment.index);
    sized.push({ segment, bytes: (log?.sizeBytes ?? 0) + (index?.sizeBytes ?? 0), modifiedMs: log?.modifiedMs ?? 0 });
  }
  let total = sized.reduce((sum, s) => sum + s.bytes, 0);
  let removed = 0;
  for (const { segment, bytes, modifiedMs } of sized.slice(0, -1)) {
    if (total <= retention.bytesMax && modifiedMs >= nowMs - retention.ageMaxMs) break;
    // The log first: an index without its log is found by nobody and removed below.
    await disk.unlink(segment.log);
    if ((await disk.entry(segment.index)) !== undefined) await disk.unlink(segment.index);
    total -= bytes;
    removed += 1;
  }
  return removed;
}
