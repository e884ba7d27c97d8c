/** Content above the size that a record holds: a file of its own in `big/`, written as it arrives. */
import { crc32 } from 'node:zlib';
import type { Disk, DiskFile } from '../../../world/ports/disk.ts';
import { queueLimits } from '../limits.ts';
import { writeFully } from './hints.ts';

/** The directory of such files. */
export class BigFiles {
  readonly disk: Disk;
  readonly directory: string;
  /** Octets of all files that wait for more of their kind. */
  gatheredBytes = 0;
  #syncing: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  constructor(disk: Disk, directory: string) {
    this.disk = disk;
    this.directory = directory;
  }

  path(id: number): string {
    return `${this.directory}/${id.toString(32)}`;
  }

  /** Begins the file of a message. */
  begin(id: number, progress: () => void): BigFile {
    return new BigFile(this, id, progress);
  }

  /** Makes all names created before this call stable; calls meanwhile share one sync. */
  syncNames(): Promise<void> {
    const running = this.#syncing;
    if (running === undefined) {
      const sync = this.disk.syncDirectory(this.directory).finally(() => {
        this.#syncing = undefined;
      });
      this.#syncing = sync;
      return sync;
    }
    // The one under way may have begun before the name was there: the next one counts.
    this.#queued ??= running.then(
      () => this.#next(),
      () => this.#next(),
    );
    return this.#queued;
  }

  #next(): Promise<void> {
    this.#queued = undefined;
    return this.syncNames();
  }

  /** Removes a message's file; true where it is gone. */
  async remove(id: number): Promise<boolean> {
    try {
      await this.disk.unlink(this.path(id));
      return true;
    } catch {
      // Not there, or not now: the sweep at the next start removes what is left.
      return false;
    }
  }
}

/** One file while it arrives. */
export class BigFile {
  readonly id: number;
  readonly #files: BigFiles;
  readonly #progress: () => void;
  #file: DiskFile | undefined;
  #pending: Buffer[] = [];
  /** Octets of `#pending`. */
  #gathered = 0;
  #position = 0;
  #running = false;
  #complete = false;
  #abandoned = false;
  #settled: (() => void)[] = [];
  error: Error | undefined;
  /** Octets that wait to be written. */
  pendingBytes = 0;
  crc = 0;

  constructor(files: BigFiles, id: number, progress: () => void) {
    this.#files = files;
    this.id = id;
    this.#progress = progress;
  }

  /** Whether the writer should wait. */
  get full(): boolean {
    return this.pendingBytes > queueLimits.draftInFlightBytes / 2;
  }

  write(chunk: Buffer): void {
    if (this.error !== undefined) return;
    this.crc = crc32(chunk, this.crc);
    this.#pending.push(chunk);
    this.#gathered += chunk.length;
    this.#files.gatheredBytes += chunk.length;
    this.pendingBytes += chunk.length;
    if (!this.#running && this.#worthAWrite) void this.#run();
  }

  /** Resolves when the file and its name are stable. */
  async finish(): Promise<void> {
    this.#complete = true;
    if (!this.#running && this.#worthAWrite) void this.#run();
    if (this.#running) await new Promise<void>((resolve) => this.#settled.push(resolve));
    if (this.error !== undefined) throw this.error;
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#files.syncNames();
  }

  /** Gives up; the file goes away. */
  abandon(): void {
    this.#abandoned = true;
    this.#discard();
    if (!this.#running) void this.#clear();
  }

  /** A write costs about the same whether it is small or not: small pieces wait for one another until the last has come. */
  get #worthAWrite(): boolean {
    if (this.#gathered === 0) return false;
    const { draftInFlightBytes, gatheredBytesMax } = queueLimits;
    return this.#complete || this.#gathered >= draftInFlightBytes / 2 || this.#files.gatheredBytes > gatheredBytesMax;
  }

  #discard(): void {
    this.#pending = [];
    this.#files.gatheredBytes -= this.#gathered;
    this.#gathered = 0;
    this.pendingBytes = 0;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      this.#file ??= await this.#files.disk.open(this.#files.path(this.id), 'write');
      while (this.#worthAWrite && !this.#abandoned) {
        const batch = this.#pending;
        const bytes = this.#gathered;
        this.#pending = [];
        this.#gathered = 0;
        this.#files.gatheredBytes -= bytes;
        await writeFully(this.#file, batch, this.#position);
        this.#position += bytes;
        this.pendingBytes = Math.max(0, this.pendingBytes - bytes);
        this.#progress();
      }
    } catch (error) {
      this.error = error instanceof Error ? error : new Error(String(error));
      this.#discard();
      this.#progress();
    }
    this.#running = false;
    for (const resolve of this.#settled.splice(0)) resolve();
    if (this.#abandoned) await this.#clear();
  }

  async #clear(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await file.close().catch(() => undefined);
    await this.#files.remove(this.id);
  }
}
