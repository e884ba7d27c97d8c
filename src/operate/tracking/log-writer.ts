import { dirname } from 'node:path';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { Disk, DiskFile } from '../../world/ports/disk.ts';
import { INDEX_ENTRY_BYTES, type SearchKey, hashKey } from './key-hash.ts';
import * as limits from './limits.ts';
import { type Retention, listSegments, retain, segmentAt } from './segments.ts';

/** What a log is made of. */
export interface LogParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly directory: string;
  readonly retention: Retention;
  /** Told when writing begins to fail and when it works again; never called twice in a row for the same. */
  onFailing(error: unknown): void;
  onRestored(lost: number): void;
  /** Octets of a segment; for tests. */
  readonly segmentBytes?: number;
}

/** An append-only log of lines in segments with an index by key. Written in batches, never synced by entry; a crash loses the last batch. */
export interface LineLog {
  /** Takes a line (no line end in it). Never waits, never throws. */
  append(line: string, keys: readonly SearchKey[]): void;
  /** Resolves when everything taken so far is in the file, or has failed to be. */
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Lines that were lost: too long, or while the disk failed or was too slow. */
  readonly lost: number;
}

interface OpenSegment {
  readonly log: DiskFile;
  readonly index: DiskFile;
  bytes: number;
  keys: number;
  /** When it was last seen to be there, monotonic. */
  seenMs: number;
}

/** Opens a log for writing: a new segment behind those that are there, so that a torn end of the last one is never continued. */
export function openLineLog(parts: LogParts): LineLog {
  return new SegmentedLog(parts);
}

class SegmentedLog implements LineLog {
  readonly #parts: LogParts;
  readonly #segmentBytes: number;
  #lines: string[] = [];
  /** Pairs of the line's number in the batch and a key's hash. */
  #keys: number[] = [];
  #pendingBytes = 0;
  /** Whether its directory has been there. */
  #made = false;
  #segment: OpenSegment | undefined;
  #writing: Promise<void> | undefined;
  /** The end of a segment that a write failed on. */
  #abandoning: Promise<void> | undefined;
  #timer: Timer | undefined;
  #retention: Timer | undefined;
  #failing = false;
  #closed = false;
  #lostWhileFailing = 0;
  lost = 0;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#segmentBytes = parts.segmentBytes ?? limits.SEGMENT_BYTES;
    this.#armRetention();
  }

  append(line: string, keys: readonly SearchKey[]): void {
    // A UTF-16 unit is at most three octets; the estimate is only for the bounds.
    if (this.#closed || line.length > limits.LINE_BYTES_MAX || this.#pendingBytes > limits.PENDING_BYTES_MAX) {
      this.#lose(1);
      return;
    }
    for (const key of keys) this.#keys.push(this.#lines.length, hashKey(key));
    this.#lines.push(line);
    this.#pendingBytes += line.length + 1;
    if (this.#writing !== undefined || this.#failing) return;
    if (this.#pendingBytes >= limits.BATCH_BYTES) void this.#writeSoon();
    else this.#timer ??= this.#parts.clock.after(limits.BATCH_MS, () => void this.#writeSoon());
  }

  async flush(): Promise<void> {
    await this.#writing;
    if (this.#lines.length > 0) await this.#writeSoon();
  }

  async close(): Promise<void> {
    this.#retention?.cancel();
    await this.flush();
    this.#closed = true;
    this.#timer?.cancel();
    await this.#closeSegment();
  }

  #writeSoon(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#writing ??= this.#writeBatches().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeBatches(): Promise<void> {
    do {
      const lines = this.#lines;
      const keys = this.#keys;
      this.#lines = [];
      this.#keys = [];
      this.#pendingBytes = 0;
      try {
        await this.#writeBatch(lines, keys);
        this.#restored();
      } catch (error) {
        this.#failed(error, lines.length);
        return;
      }
    } while (this.#pendingBytes >= limits.BATCH_BYTES);
    if (this.#lines.length > 0) this.#timer ??= this.#parts.clock.after(limits.BATCH_MS, () => void this.#writeSoon());
  }

  async #writeBatch(lines: readonly string[], keys: readonly number[]): Promise<void> {
    if (lines.length === 0 && !this.#failing) return;
    const segment = await this.#segmentFor(keys.length / 2);
    if (lines.length === 0) return tryOut(segment.log);
    const octets = Buffer.from(`${lines.join('\n')}\n`);
    const index = indexOf(octets, segment.bytes, keys);
    await writeWhole(segment.log, octets, segment.bytes);
    await writeWhole(segment.index, index, segment.keys * INDEX_ENTRY_BYTES);
    segment.bytes += octets.length;
    segment.keys += keys.length / 2;
  }

  async #segmentFor(moreKeys: number): Promise<OpenSegment> {
    const open = this.#segment;
    const { disk, clock, directory, retention } = this.#parts;
    const fits =
      open !== undefined && open.bytes < this.#segmentBytes && open.keys + moreKeys <= limits.SEGMENT_KEYS_MAX;
    if (open !== undefined && fits && (await this.#isThere(open))) return open;
    await this.#closeSegment();
    await this.#abandoning;
    await this.#makeDirectory();
    const last = (await listSegments(disk, directory)).at(-1);
    const { log, index } = segmentAt(directory, (last?.number ?? 0) + 1);
    const logFile = await disk.open(log, 'create', 0o600);
    this.#segment = {
      log: logFile,
      index: await disk.open(index, 'write', 0o600),
      bytes: 0,
      keys: 0,
      seenMs: clock.now(),
    };
    await retain(disk, directory, retention, clock.wall());
    return this.#segment;
  }

  /** A directory that was removed is made anew; where what it lay in is gone too, a volume is gone, and nothing may be made in its place. */
  async #makeDirectory(): Promise<void> {
    const { disk, directory } = this.#parts;
    // The data directory, and within it the directory of all logs of a kind, which is new at the first start.
    const above = this.#made ? dirname(directory) : dirname(dirname(directory));
    if ((await disk.entry(above)) === undefined) throw Object.assign(new Error(`${above} is gone`), { code: 'ENOENT' });
    await disk.makeDirectory(directory, 0o700);
    this.#made = true;
  }

  /** Somebody may have removed it to make room: what is written to a file without a name nobody finds. */
  async #isThere(open: OpenSegment): Promise<boolean> {
    const now = this.#parts.clock.now();
    if (now - open.seenMs < limits.LOOK_EVERY_MS) return true;
    open.seenMs = now;
    return (await this.#parts.disk.entry(open.log.path)) !== undefined;
  }

  async #closeSegment(): Promise<void> {
    const open = this.#segment;
    this.#segment = undefined;
    await open?.log.close();
    await open?.index.close();
  }

  #failed(error: unknown, lines: number): void {
    this.#lose(lines);
    if (!this.#failing) this.#parts.onFailing(error);
    this.#failing = true;
    // What the failed write left behind is never written over: the next batch begins a segment.
    const abandoned = this.#segment;
    this.#segment = undefined;
    this.#abandoning = Promise.allSettled([abandoned?.log.close(), abandoned?.index.close()]).then(async () => {
      // One with nothing in it would be one more each time that writing is tried again.
      if (abandoned?.bytes !== 0) return;
      const { disk } = this.#parts;
      await Promise.allSettled([disk.unlink(abandoned.log.path), disk.unlink(abandoned.index.path)]);
    });
    if (!this.#closed) this.#timer ??= this.#parts.clock.after(limits.RETRY_MS, () => void this.#writeSoon());
  }

  #restored(): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#parts.onRestored(this.#lostWhileFailing);
    this.#lostWhileFailing = 0;
  }

  #lose(lines: number): void {
    this.lost += lines;
    this.#lostWhileFailing += lines;
  }

  #armRetention(): void {
    this.#retention = this.#parts.clock.after(limits.RETENTION_EVERY_MS, () => {
      const { disk, directory, retention, clock } = this.#parts;
      retain(disk, directory, retention, clock.wall()).catch((error: unknown) => this.#parts.onFailing(error));
      this.#armRetention();
    });
  }
}

/** The index entries of a batch: for each key its hash and the offset of its line in the segment. */
function indexOf(octets: Buffer, base: number, keys: readonly number[]): Buffer {
  const index = Buffer.allocUnsafe((keys.length / 2) * INDEX_ENTRY_BYTES);
  let line = 0;
  let offset = 0;
  for (let i = 0; i < keys.length; i += 2) {
    const wanted = keys[i] ?? 0;
    for (; line < wanted; line += 1) offset = octets.indexOf(0x0a, offset) + 1;
    index.writeUInt32LE(keys[i + 1] ?? 0, i * 4);
    index.writeUInt32LE(base + offset, i * 4 + 4);
  }
  return index;
}

/** Whether something can be written: an empty file can be made on a disk that is full. */
async function tryOut(log: DiskFile): Promise<void> {
  await writeWhole(log, Buffer.alloc(limits.TRIAL_BYTES, '\n'), 0);
  await log.truncate(0);
}

async function writeWhole(file: DiskFile, octets: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < octets.length) written += await file.writev([octets.subarray(written)], position + written);
}
