/** The files of the log: which segments there are, the one that is written, the spare ones. */
import { errnoOf } from '../../../events/fault.ts';
import type { Journal } from '../../../events/journal.ts';
import type { Disk, DiskFile } from '../../../world/ports/disk.ts';
import { type LogGeometry, queueLimits } from '../limits.ts';
import { formatVersion, headerBytes, writeSegmentHeader } from './format.ts';
import { HintBuilder, readFully, writeFully } from './hints.ts';

/** One segment. */
export interface Segment {
  readonly number: number;
  readonly path: string;
  file: DiskFile | undefined;
  /** Reads under way; the file is not closed meanwhile. */
  reads: number;
  /** Which file it is: at its path there may be another one, of a file system that was mounted over it. */
  readonly identity?: { readonly inode: number; readonly device: number } | undefined;
  /** Octets that are stable, and so may be read. */
  end: number;
  /** Octets of records that still mean something. */
  liveBytes: number;
  /** Octets that the file occupies. */
  readonly sizeBytes: number;
  hint: HintBuilder | undefined;
  sealed: boolean;
  /** A write or sync failed: what is stable may be read, but the file is not used again. */
  broken: boolean;
  /** Its blocks are not allocated yet: each sync costs several times that of one which was allocated before. */
  readonly growing: boolean;
  /** It could not be read: it stays where it is, whatever is known of it. */
  keep: boolean;
}

/** What the files need to know of their shard. */
export interface SegmentOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly shard: number;
  readonly boot: number;
  readonly geometry: LogGeometry;
  readonly journal: Journal;
}

const ZEROS = 1024 ** 2;

export class Segments {
  /** All segments that hold records, the oldest first. */
  readonly all = new Map<number, Segment>();
  readonly #options: SegmentOptions;
  readonly #disk: Disk;
  #spares: string[] = [];
  #spareNumber = 0;
  #lastNumber: number;
  #prepared: Promise<Segment> | undefined;
  #sparing = false;
  #closed = false;
  /** Why no reserve can be allocated; it is tried again with every commit, and told when it changes. */
  #allocation: string | undefined;
  #openFiles = 0;
  /** There was no space: the reserve may be used. */
  scarce = false;

  /** `lastNumber` is the highest number that any file of the directory bears. */
  constructor(options: SegmentOptions, lastNumber: number, spares: readonly string[]) {
    this.#options = options;
    this.#disk = options.disk;
    this.#lastNumber = lastNumber;
    this.#spares = [...spares];
    for (const path of spares)
      this.#spareNumber = Math.max(this.#spareNumber, Number(/(\d+)\.free$/.exec(path)?.[1] ?? 0));
  }

  /** Octets of all segments. */
  get totalBytes(): number {
    let total = 0;
    for (const segment of this.all.values()) total += segment.sizeBytes;
    return total;
  }

  /** The path of a segment's hint. */
  hintPath(number: number): string {
    return this.#path(number, 'hint');
  }

  /** The path of a segment. */
  logPath(number: number): string {
    return this.#path(number, 'log');
  }

  /** A segment found at start. */
  adopt(number: number, sizeBytes: number): Segment {
    const segment: Segment = {
      number,
      path: this.#path(number, 'log'),
      file: undefined,
      reads: 0,
      end: sizeBytes,
      liveBytes: 0,
      sizeBytes,
      hint: undefined,
      sealed: true,
      broken: false,
      keep: false,
      growing: false,
    };
    this.all.set(number, segment);
    return segment;
  }

  /** The next segment to write: the prepared one, else a new one. Its name and header are stable. */
  async begin(): Promise<Segment> {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    const segment = await (prepared ?? this.#create());
    this.all.set(segment.number, segment);
    void this.fillReserve();
    return segment;
  }

  /** Whether a segment beyond the reserve is allocated and free. */
  get hasSpare(): boolean {
    return this.#spares.length > this.#options.geometry.reserveSegments;
  }

  /** Makes the next segment ready in the background. */
  prepare(): void {
    if (this.#prepared !== undefined || this.#closed) return;
    const prepared = this.#create();
    this.#prepared = prepared;
    // A failure is not reported here: `begin` creates one itself then, and its failure is.
    prepared.catch(() => {
      if (this.#prepared === prepared) this.#prepared = undefined;
    });
  }

  /** Ends the writing of a segment and writes its hint in the background. */
  seal(segment: Segment): void {
    segment.sealed = true;
    const hint = segment.hint;
    segment.hint = undefined;
    if (hint !== undefined) void this.writeHint(segment, hint);
  }

  /** Writes a hint file; its absence costs a scan and nothing else. */
  async writeHint(
    segment: Segment,
    hint: HintBuilder,
    how: 'with a stable name' | 'as it may' = 'as it may',
  ): Promise<void> {
    try {
      const file = await this.#disk.open(this.hintPath(segment.number), 'write');
      try {
        await writeFully(file, hint.finish(), 0);
        await file.sync();
      } finally {
        await file.close();
      }
      if (how === 'with a stable name') await this.#disk.syncDirectory(this.#options.directory);
    } catch (error) {
      this.#report('write the hint', segment.path, error);
    }
  }

  /** Reads octets of a segment that are stable. */
  async read(number: number, into: Buffer, position: number): Promise<number> {
    const segment = this.all.get(number);
    if (segment === undefined) throw Object.assign(new Error(`no segment ${number}`), { code: 'ENOENT' });
    segment.reads += 1;
    try {
      if (segment.file === undefined) {
        const file = await this.#disk.open(segment.path, 'read');
        if (segment.file === undefined) {
          segment.file = file;
          this.#openFiles += 1;
        } else {
          await file.close();
        }
      }
      return await readFully(segment.file, into, position);
    } finally {
      segment.reads -= 1;
      if (this.#openFiles > queueLimits.openSegments) this.#closeIdle();
    }
  }

  /** Turns a segment without live records into a spare, or removes it. Its absence is stable before the next one may go. */
  async recycle(segment: Segment): Promise<void> {
    const { geometry } = this.#options;
    try {
      if (segment.file !== undefined) await this.#close(segment);
      await this.#unlinkIfThere(this.hintPath(segment.number));
      const keep =
        !segment.broken &&
        this.#spares.length < geometry.spareSegments + geometry.reserveSegments &&
        segment.sizeBytes === geometry.segmentBytes;
      if (keep) {
        this.#spareNumber += 1;
        const spare = `${this.#options.directory}/${this.#spareNumber}.free`;
        await this.#disk.rename(segment.path, spare);
        await this.#disk.syncDirectory(this.#options.directory);
        this.#spares.push(spare);
      } else {
        await this.#disk.unlink(segment.path);
        await this.#disk.syncDirectory(this.#options.directory);
      }
      this.all.delete(segment.number);
    } catch (error) {
      // While its name may still be there, no newer segment may go: that one may hold the end of a message of this one.
      segment.keep = true;
      this.#report('recycle', segment.path, error);
    }
  }

  /** Allocates spare segments in the background until there is one beyond the reserve. */
  async fillReserve(): Promise<void> {
    if (this.#sparing || this.#closed) return;
    this.#sparing = true;
    const { geometry, directory } = this.#options;
    try {
      while (!this.#closed && this.#spares.length <= geometry.reserveSegments) {
        this.#spareNumber += 1;
        const path = `${directory}/${this.#spareNumber}.free`;
        await this.#allocate(path);
        this.#spares.push(path);
      }
      this.scarce = false;
      this.#allocation = undefined;
    } catch (error) {
      if (this.#allocation !== errnoOf(error)) this.#report('allocate', directory, error);
      this.#allocation = errnoOf(error);
    } finally {
      this.#sparing = false;
    }
  }

  /** Whether a segment's file is still what is found at its path; a look that fails says nothing. */
  async isThere({ path, identity }: Segment): Promise<boolean> {
    try {
      const found = await this.#disk.entry(path);
      if (found === undefined) return false;
      return identity === undefined || (found.inode === identity.inode && found.device === identity.device);
    } catch {
      return true; // a write will tell
    }
  }

  /** Closes all files. */
  async close(): Promise<void> {
    this.#closed = true;
    const prepared = this.#prepared;
    this.#prepared = undefined;
    if (prepared !== undefined)
      await prepared.then(
        (segment) => segment.file?.close(),
        () => undefined,
      );
    for (const segment of this.all.values()) if (segment.file !== undefined) await this.#close(segment);
  }

  async #create(): Promise<Segment> {
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    const path = this.#path(number, 'log');
    const { geometry, directory, shard, boot } = this.#options;
    const spare = this.hasSpare || this.scarce ? this.#spares.pop() : undefined;
    if (spare !== undefined) await this.#disk.rename(spare, path);
    const file = await this.#disk.open(path, 'write');
    let identity: Segment['identity'];
    try {
      await writeFully(file, [writeSegmentHeader({ version: formatVersion, shard, segment: number, boot })], 0);
      await file.sync();
      await this.#disk.syncDirectory(directory);
      identity = await this.#disk.entry(path);
    } catch (error) {
      await this.#abandon(file, path);
      throw error;
    }
    this.#openFiles += 1;
    return {
      number,
      path,
      file,
      identity,
      reads: 0,
      end: headerBytes,
      liveBytes: 0,
      sizeBytes: geometry.segmentBytes,
      hint: new HintBuilder(),
      sealed: false,
      broken: false,
      keep: false,
      growing: spare === undefined,
    };
  }

  async #allocate(path: string): Promise<void> {
    const { segmentBytes } = this.#options.geometry;
    // What does not fit must not fill the file system before it fails.
    if ((await this.#disk.space(this.#options.directory)).freeBytes < segmentBytes)
      throw Object.assign(new Error('no space for a segment'), { code: 'ENOSPC' });
    const zeros = Buffer.alloc(Math.min(ZEROS, segmentBytes));
    const file = await this.#disk.open(path, 'write');
    try {
      for (let at = 0; at < segmentBytes && !this.#closed; at += zeros.length) {
        await writeFully(file, [zeros.subarray(0, Math.min(zeros.length, segmentBytes - at))], at);
      }
      await file.sync();
    } catch (error) {
      await this.#abandon(file, path);
      throw error;
    }
    await file.close();
  }

  /** A file that could not be made whole is none, and takes no space. */
  async #abandon(file: DiskFile, path: string): Promise<void> {
    await file.close().catch(() => undefined); // what failed before is told
    await this.#unlinkIfThere(path).catch(() => undefined); // it is looked at again at the next start
  }

  #closeIdle(): void {
    for (const segment of this.all.values()) {
      if (segment.sealed && segment.file !== undefined && segment.reads === 0) {
        const { path } = segment;
        // It was only read: what a close has against it loses nothing.
        this.#close(segment).catch((error: unknown) => this.#report('close', path, error));
        return;
      }
    }
  }

  async #close(segment: Segment): Promise<void> {
    const file = segment.file;
    segment.file = undefined;
    this.#openFiles -= 1;
    await file?.close();
  }

  async #unlinkIfThere(path: string): Promise<void> {
    if ((await this.#disk.entry(path)) !== undefined) await this.#disk.unlink(path);
  }

  #report(action: string, path: string, error: unknown): void {
    this.#options.journal.emit('storage.maintenance-failed', { action, path, errno: errnoOf(error) });
  }

  #path(number: number, extension: 'log' | 'hint'): string {
    return `${this.#options.directory}/${String(number).padStart(10, '0')}.${extension}`;
  }
}
