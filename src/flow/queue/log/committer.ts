/**
 * The one that writes: takes all records that gathered while the previous sync ran, writes them with one call, syncs, and
 * says so to each. There is no timer: under load the batches grow by themselves, alone a record is written at once.
 */
import { errnoOf } from '../../../events/fault.ts';
import type { Journal } from '../../../events/journal.ts';
import type { Clock, Timer } from '../../../world/ports/clock.ts';
import { type LogGeometry, queueLimits } from '../limits.ts';
import { endRecord, headerBytes, recordFlag, sealRecord } from './format.ts';
import { writeFully } from './hints.ts';
import type { Segment, Segments } from './segments.ts';
import { isFull } from './space.ts';

/** A record on its way to stable storage. */
export interface LogEntry {
  /** The record without segment number and CRC; not changed by anybody else. */
  readonly record: Buffer;
  /** It is stable at this place. */
  stable(segment: Segment, offset: number): void;
  /** It was not written; true asks for another try in a new segment, which there is not where `final`. */
  failed(error: unknown, final: boolean): boolean;
}

/** What the committer needs. */
export interface CommitterOptions {
  readonly segments: Segments;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly geometry: LogGeometry;
  readonly nextSequence: () => number;
  /** Called after every batch. */
  readonly settled: () => void;
  /** Storage failed, or works again. */
  readonly failing: (errno: string | undefined) => void;
}

export class Committer {
  readonly #options: CommitterOptions;
  readonly #staging: Buffer;
  #current: Segment | undefined;
  #waiting: LogEntry[] = [];
  #running = false;
  #lazy: Timer | undefined;
  #stopped = false;
  #wake: (() => void) | undefined;
  #idle: (() => void)[] = [];
  #failures = 0;
  /** When the file was last looked for at its path. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** The segment whose file is not at its path any more. */
  #gone: Segment | undefined;
  /** Octets handed over and not yet stable. */
  unsyncedBytes = 0;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#staging = Buffer.allocUnsafeSlow(256 * 1024);
  }

  /**
   * Opens the segment that the first records go to: one of the reserve where the disk is full, and where there is none of it, one that
   * is made when there is space.
   */
  async start(): Promise<void> {
    const { segments } = this.#options;
    try {
      this.#current = await segments.begin().catch((error: unknown) => {
        if (!isFull(error)) throw error;
        segments.scarce = true;
        return segments.begin();
      });
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#fail([], error);
      this.#run();
    }
  }

  /** The segment that is written now. */
  get current(): Segment | undefined {
    return this.#current;
  }

  /** Hands a record over. A lazy one waits a little for a batch to travel with. */
  add(entry: LogEntry, when: 'now' | 'lazy'): void {
    this.#waiting.push(entry);
    this.unsyncedBytes += entry.record.length;
    if (this.#running) return;
    if (when === 'now' || this.#waiting.length > queueLimits.lazyRecords) this.#run();
    else this.#lazy ??= this.#options.clock.after(queueLimits.lazyMs, () => this.#run());
  }

  /** Hands over records that mean something only together: all but the last bear the chained flag. */
  addChain(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      this.#waiting.push(entry);
      this.unsyncedBytes += entry.record.length;
    }
    if (!this.#running) this.#run();
  }

  /** Resolves when everything handed over so far is stable or has failed. */
  flush(): Promise<void> {
    if (this.#waiting.length === 0 && !this.#running) return Promise.resolve();
    const done = new Promise<void>((resolve) => this.#idle.push(resolve));
    if (!this.#running) this.#run();
    return done;
  }

  /**
   * The file of a segment has been found to be gone. What is written to it is lost at the next start, so nothing more of it
   * is acknowledged.
   */
  lose(segment: Segment): void {
    if (segment !== this.#current || this.#stopped) return;
    this.#gone = segment;
    if (!this.#running) this.#run();
  }

  /** Writes what waits, then ends. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    await this.flush();
    this.#lazy?.cancel();
    if (this.#current !== undefined) this.#options.segments.seal(this.#current);
  }

  #run(): void {
    this.#lazy?.cancel();
    this.#lazy = undefined;
    this.#running = true;
    void this.#loop();
  }

  async #loop(): Promise<void> {
    while (this.#waiting.length > 0 || this.#needsSegment()) {
      const segment = this.#current;
      let batch: LogEntry[] = [];
      try {
        if (segment !== undefined && segment === this.#gone) throw goneError();
        if (segment === undefined) {
          await this.#reopen();
          continue;
        }
        batch = this.#assemble(segment);
        if (batch.length > 0) await this.#write(segment, batch);
        if (batch.length === 0 || (segment.growing && this.#options.segments.hasSpare)) {
          batch = [];
          await this.#rotate(segment);
        }
      } catch (error) {
        this.#fail(batch, error);
      }
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Whether a segment must be opened although nothing waits: else nobody would find out that storage works again. */
  #needsSegment(): boolean {
    return !this.#stopped && (this.#current === undefined ? this.#failures > 0 : this.#current === this.#gone);
  }

  /** Takes what fits into the batch and the segment; nothing where the segment is full. Chains are not torn. */
  #assemble(segment: Segment): LogEntry[] {
    const { segmentBytes, batchBytes } = this.#options.geometry;
    // A record larger than any segment has a growing one for itself.
    const room = segment.end === headerBytes ? Number.POSITIVE_INFINITY : segmentBytes - headerBytes - segment.end;
    const waiting = this.#waiting;
    let taken = 0;
    let bytes = 0;
    while (taken < waiting.length) {
      let next = taken;
      let group = 0;
      for (;;) {
        const record = waiting[next]?.record;
        group += record?.length ?? 0;
        next += 1;
        if (record === undefined || ((record[9] ?? 0) & recordFlag.chained) === 0) break;
      }
      if (
        bytes + group > room ||
        (taken > 0 && (bytes + group > batchBytes || bytes + group > segmentBytes - headerBytes * 2))
      )
        break;
      bytes += group;
      taken = next;
    }
    if (taken === waiting.length) {
      this.#waiting = [];
      return waiting;
    }
    this.#waiting = waiting.slice(taken);
    return waiting.slice(0, taken);
  }

  async #write(segment: Segment, batch: readonly LogEntry[]): Promise<void> {
    const { file } = segment;
    if (file === undefined) throw new Error('the segment is closed');
    const parts = this.#parts(segment.number, batch);
    await writeFully(file, parts, segment.end);
    await Promise.all([file.sync(), this.#lookFor(segment)]);
    if (segment === this.#gone) throw goneError();
    this.#failures = 0;
    let offset = segment.end;
    for (const entry of batch) {
      const { record } = entry;
      segment.hint?.add(offset, record.length, record, record.readUInt32LE(32));
      offset += record.length;
    }
    let place = segment.end;
    segment.end = offset;
    for (const entry of batch) {
      this.unsyncedBytes -= entry.record.length;
      entry.stable(segment, place);
      place += entry.record.length;
    }
    this.#options.settled();
    if (segment.end > this.#options.geometry.segmentBytes / 2) this.#options.segments.prepare();
  }

  /** What is synced into a file that has left its path is lost: looked at while the sync runs, and not again for each batch of many. */
  async #lookFor(segment: Segment): Promise<void> {
    const { clock, segments } = this.#options;
    const now = clock.now();
    if (now - this.#lookedAt < queueLimits.lookMs) return;
    this.#lookedAt = now;
    if (!(await segments.isThere(segment))) this.#gone = segment;
  }

  /** Seals the records and copies runs of small ones together. */
  #parts(segment: number, batch: readonly LogEntry[]): Buffer[] {
    const parts: Buffer[] = [];
    const staging = this.#staging;
    let start = 0;
    let used = 0;
    const close = (): void => {
      if (used > start) parts.push(staging.subarray(start, used));
      start = used;
    };
    for (const { record } of batch) {
      sealRecord(record, segment);
      if (record.length <= queueLimits.stagedRecordBytes && used + record.length <= staging.length) {
        record.copy(staging, used);
        used += record.length;
      } else {
        close();
        parts.push(record);
      }
    }
    close();
    return parts;
  }

  async #rotate(segment: Segment): Promise<void> {
    const end = endRecord(this.#options.nextSequence());
    sealRecord(end, segment.number);
    if (segment.file !== undefined) await writeFully(segment.file, [end], segment.end);
    this.#current = undefined;
    this.#options.segments.seal(segment);
    this.#current = await this.#options.segments.begin();
    this.#options.settled();
  }

  /**
   * After a failed write or sync nothing more of that segment is acknowledged: recovery stops at a hole. The file is not synced
   * again either, because the kernel may have dropped the pages and would report success.
   */
  #fail(batch: readonly LogEntry[], error: unknown): void {
    const segment = this.#current;
    this.#current = undefined;
    if (segment !== undefined) {
      segment.broken = true;
      this.#options.segments.seal(segment);
    }
    const errno = errnoOf(error) || 'EIO';
    if (this.#failures === 0) {
      this.#options.journal.emit('storage.write-failed', { path: segment?.path ?? 'the next segment', errno });
    }
    this.#failures += 1;
    this.#options.failing(errno);
    const all = [...batch, ...this.#waiting];
    this.#waiting = [];
    const again = all.filter((entry) => {
      const keep = entry.failed(error, this.#stopped) && !this.#stopped;
      if (!keep) this.unsyncedBytes -= entry.record.length;
      return keep;
    });
    this.#waiting = [...again, ...this.#waiting];
    this.#options.settled();
  }

  /** Waits, longer each time, then opens a new segment. */
  async #reopen(): Promise<void> {
    const { clock, segments, journal, failing } = this.#options;
    const pause = Math.min(queueLimits.reopenMs * 2 ** Math.max(0, this.#failures - 1), queueLimits.reopenMaxMs);
    if (!this.#stopped) {
      await new Promise<void>((resolve) => {
        const timer = clock.after(pause, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#wake = undefined;
    }
    const segment = await segments.begin();
    this.#current = segment;
    journal.emit('storage.works-again', { path: segment.path });
    failing(undefined);
  }
}

function goneError(): Error {
  return Object.assign(new Error('the file of the segment is gone'), { code: 'ENOENT' });
}
