/**
 * A disk in memory that forgets what was not synced: at a crash each 4 KB page written since the last sync of its file is kept or
 * dropped by chance, and of the names changed since the last sync of their directory a beginning survives. Writes may be short,
 * fail, or find no space. The same seed gives the same faults.
 */
import type { Disk, DiskEntry, DiskFile, DiskSpace } from '../ports/disk.ts';
import type { Random } from '../ports/random.ts';
import { Inode, PAGE, Platter } from './platter.ts';

/** How the simulated disk behaves. All may be changed while it runs. */
export interface SimDiskFaults {
  /** Part of the writes that write less than asked. */
  shortWrites: number;
  /** Part of the writes that fail with EIO. */
  failingWrites: number;
  /** Part of the syncs that fail with EIO; pages written before are as good as lost. */
  failingSyncs: number;
  /** Syncs say that they succeeded, and do nothing. */
  lyingSyncs: boolean;
  capacityBytes: number;
}

/** What a simulated disk is made with. */
export interface SimDiskOptions {
  readonly random: Pick<Random, 'fraction'>;
  /** Calls back a little later: when operations end. Default: the next microtask. */
  readonly later?: (fn: () => void) => void;
  readonly faults?: Partial<SimDiskFaults>;
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function parent(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

class SimFile implements DiskFile {
  readonly path: string;
  readonly inode: Inode;
  readonly #disk: SimDisk;

  constructor(disk: SimDisk, path: string, inode: Inode) {
    this.#disk = disk;
    this.path = path;
    this.inode = inode;
  }

  writev(buffers: readonly Buffer[], position: number): Promise<number> {
    return this.#disk.operate(() => {
      const bytes = Buffer.concat(buffers);
      const length = this.#disk.allowance(this, bytes.length, position);
      this.inode.write(bytes.subarray(0, length), position);
      return length;
    });
  }

  read(into: Buffer, offset: number, length: number, position: number): Promise<number> {
    return this.#disk.operate(() => {
      const end = Math.min(position + length, this.inode.allocated);
      return end <= position ? 0 : this.inode.content.copy(into, offset, position, end);
    });
  }

  sync(): Promise<void> {
    return this.#disk.operate(() => {
      const { faults } = this.#disk;
      if (faults.failingSyncs > 0 && this.#disk.chance() < faults.failingSyncs) throw failure('EIO', this.path);
      if (!faults.lyingSyncs) this.inode.sync();
    });
  }

  writeNow(bytes: Buffer, position: number): void {
    this.#disk.assertAlive();
    this.inode.write(bytes, position);
  }

  truncate(size: number): Promise<void> {
    return this.#disk.operate(() => this.inode.truncate(size));
  }

  size(): Promise<number> {
    return this.#disk.operate(() => this.inode.allocated);
  }

  close(): Promise<void> {
    return this.#disk.operate(() => undefined);
  }
}

export class SimDisk implements Disk {
  faults: SimDiskFaults;
  readonly #options: SimDiskOptions;
  readonly #later: (fn: () => void) => void;
  #platter = new Platter();
  #dead = false;
  #countdown = Number.POSITIVE_INFINITY;
  #onCrash: () => void = () => undefined;
  /** Operations so far. */
  operations = 0;

  constructor(options: SimDiskOptions) {
    this.#options = options;
    this.#later = options.later ?? ((fn) => queueMicrotask(fn));
    this.faults = {
      shortWrites: 0,
      failingWrites: 0,
      failingSyncs: 0,
      lyingSyncs: false,
      capacityBytes: 1024 ** 4,
      ...options.faults,
    };
  }

  /** Lets the machine crash during the operation with this number from now; `then` is told. */
  crashAt(operation: number, then: () => void): void {
    this.#countdown = operation;
    this.#onCrash = then;
  }

  /** What is found after a crash now. This disk is dead from here on: its operations never end. */
  crash(): SimDisk {
    this.#dead = true;
    const after = new SimDisk({
      ...this.#options,
      faults: { ...this.faults, shortWrites: 0, failingWrites: 0, failingSyncs: 0, lyingSyncs: false },
    });
    const platter = this.#platter;
    const keptNames = Math.floor(this.chance() * (platter.changes.length + 1));
    for (const change of platter.changes.slice(keptNames).reverse()) change.undo();
    platter.changes = [];
    const share = this.chance();
    for (const inode of new Set(platter.names.values())) inode.crash(() => this.chance() < share);
    after.#platter = platter;
    return after;
  }

  /** What a new process finds when only the old one was killed: everything written. */
  kill(): SimDisk {
    this.#dead = true;
    const after = new SimDisk({ ...this.#options, faults: { ...this.faults } });
    after.#platter = this.#platter;
    return after;
  }

  /** The same disk as another process sees it, whose operations end when `later` lets them. Faults are shared. */
  view(later: (fn: () => void) => void): SimDisk {
    const view = new SimDisk({ ...this.#options, later });
    view.#platter = this.#platter;
    view.faults = this.faults;
    return view;
  }

  /** Octets in use. */
  get usedBytes(): number {
    return this.#platter.usedBytes();
  }

  /** Paths of all files, for looking. */
  get paths(): readonly string[] {
    return [...this.#platter.names.keys()];
  }

  /** The machine behind a view is off: its operations never end. */
  stop(): void {
    this.#dead = true;
  }

  open(path: string, how: 'create' | 'write' | 'read'): Promise<DiskFile> {
    return this.operate(() => {
      const there = this.#platter.names.get(path);
      if (there !== undefined && how === 'create') throw failure('EEXIST', path);
      if (there !== undefined) return new SimFile(this, path, there);
      if (how === 'read' || !this.#platter.directories.has(parent(path))) throw failure('ENOENT', path);
      if (this.faults.capacityBytes <= this.#platter.usedBytes()) throw failure('ENOSPC', path);
      this.#platter.inodes += 1;
      const inode = new Inode(this.#platter.inodes);
      this.#name(path, inode);
      return new SimFile(this, path, inode);
    });
  }

  readFile(path: string): Promise<Buffer> {
    return this.operate(() => {
      const inode = this.#find(path);
      return Buffer.from(inode.content.subarray(0, inode.allocated));
    });
  }

  /** One operation: before a crash it has happened with everything that belongs to it, or not at all. */
  replaceFile(path: string, content: Buffer | string): Promise<void> {
    return this.operate(() => {
      const { faults } = this;
      if (faults.failingSyncs > 0 && this.chance() < faults.failingSyncs) throw failure('EIO', path);
      if (!this.#platter.directories.has(parent(path))) throw failure('ENOENT', path);
      const bytes = Buffer.from(content);
      if (faults.capacityBytes < this.#platter.usedBytes() + bytes.length) throw failure('ENOSPC', path);
      this.#platter.inodes += 1;
      const inode = new Inode(this.#platter.inodes);
      inode.write(bytes, 0);
      inode.sync();
      this.#platter.names.set(path, inode);
    });
  }

  list(directory: string): Promise<string[]> {
    return this.operate(() => {
      if (!this.#platter.directories.has(directory)) throw failure('ENOENT', directory);
      const all = [...this.#platter.names.keys(), ...this.#platter.directories];
      return all
        .filter((path) => path !== '/' && parent(path) === directory)
        .map((path) => path.slice(path.lastIndexOf('/') + 1));
    });
  }

  entry(path: string): Promise<DiskEntry | undefined> {
    return this.operate(() => {
      const inode = this.#platter.names.get(path);
      const shape = { mode: 0o600, modifiedMs: 0, device: 1 };
      if (inode !== undefined)
        return { ...shape, kind: 'file' as const, sizeBytes: inode.allocated, inode: inode.number };
      return this.#platter.directories.has(path)
        ? { ...shape, kind: 'directory' as const, sizeBytes: PAGE, mode: 0o700, inode: 0 }
        : undefined;
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.operate(() => {
      for (let at = path; at !== '/'; at = parent(at)) this.#platter.directories.add(at);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.operate(() => {
      const inode = this.#find(from);
      if (!this.#platter.directories.has(parent(to))) throw failure('ENOENT', to);
      const before = this.#platter.names.get(to);
      this.#platter.names.delete(from);
      this.#platter.names.set(to, inode);
      this.#changed(to, () => {
        this.#platter.names.set(from, inode);
        this.#set(to, before);
      });
    });
  }

  link(from: string, to: string): Promise<void> {
    return this.operate(() => {
      if (this.#platter.names.has(to)) throw failure('EEXIST', to);
      this.#name(to, this.#find(from));
    });
  }

  unlink(path: string): Promise<void> {
    return this.operate(() => {
      const inode = this.#find(path);
      this.#platter.names.delete(path);
      this.#changed(path, () => this.#set(path, inode));
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.operate(() => {
      if (this.faults.failingSyncs > 0 && this.chance() < this.faults.failingSyncs) throw failure('EIO', path);
      if (!this.faults.lyingSyncs)
        this.#platter.changes = this.#platter.changes.filter((change) => change.directory !== path);
    });
  }

  space(): Promise<DiskSpace> {
    return this.operate(() => {
      const freeBytes = Math.max(0, this.faults.capacityBytes - this.#platter.usedBytes());
      return { freeBytes, totalBytes: this.faults.capacityBytes, freeInodes: 1_000_000 };
    });
  }

  chance(): number {
    return this.#options.random.fraction();
  }

  assertAlive(): void {
    if (this.#dead) throw failure('EIO', 'the machine is off');
  }

  /** Octets of a write that are carried out. Throws where none are. */
  allowance(file: SimFile, asked: number, position: number): number {
    const { faults } = this;
    if (faults.failingWrites > 0 && this.chance() < faults.failingWrites) throw failure('EIO', file.path);
    const growth = position + asked - Math.ceil(file.inode.allocated / PAGE) * PAGE;
    const free = growth <= 0 ? Number.POSITIVE_INFINITY : faults.capacityBytes - this.#platter.usedBytes();
    const fits = growth <= free ? asked : asked - growth + Math.max(0, free);
    if (fits <= 0) throw failure('ENOSPC', file.path);
    if (faults.shortWrites > 0 && this.chance() < faults.shortWrites)
      return Math.max(1, Math.floor(fits * this.chance()));
    return fits;
  }

  /** Carries out one operation, later. The one that a crash strikes, and all after it, never end. */
  operate<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#later(() => {
        if (this.#dead) return;
        this.operations += 1;
        this.#countdown -= 1;
        const struck = this.#countdown <= 0;
        if (struck) this.#dead = true;
        // Half of the operations that the crash strikes were carried out.
        if (struck && this.chance() < 0.5) return this.#onCrash();
        let outcome: () => void;
        try {
          const value = work();
          outcome = () => resolve(value);
        } catch (error) {
          outcome = () => reject(error instanceof Error ? error : new Error(String(error)));
        }
        if (struck) this.#onCrash();
        else this.#later(outcome);
      });
    });
  }

  #find(path: string): Inode {
    const inode = this.#platter.names.get(path);
    if (inode === undefined) throw failure('ENOENT', path);
    return inode;
  }

  #name(path: string, inode: Inode): void {
    this.#platter.names.set(path, inode);
    this.#changed(path, () => this.#set(path, undefined));
  }

  #set(path: string, inode: Inode | undefined): void {
    if (inode === undefined) this.#platter.names.delete(path);
    else this.#platter.names.set(path, inode);
  }

  #changed(path: string, undo: () => void): void {
    this.#platter.changes.push({ directory: parent(path), undo });
  }
}
