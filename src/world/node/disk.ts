import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Disk, DiskEntry, DiskFile } from '../ports/disk.ts';
import { countLargeBuffer } from './large-buffers.ts';
import { whenDescriptor } from './short-lived.ts';

const promised = <T>(call: (done: (error: Error | null, value: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => call((error, value) => (error === null ? resolve(value) : reject(error))));
const done = (call: (callback: (error: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => call((error) => (error === null ? resolve() : reject(error))));

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  writev(buffers: readonly Buffer[], position: number): Promise<number> {
    const only = buffers.length === 1 ? buffers[0] : undefined;
    if (only !== undefined) return promised((cb) => fs.write(this.#descriptor, only, 0, only.length, position, cb));
    return promised((cb) => fs.writev(this.#descriptor, buffers as Buffer[], position, cb));
  }

  read(into: Buffer, offset: number, length: number, position: number): Promise<number> {
    countLargeBuffer(length);
    return promised((cb) => fs.read(this.#descriptor, into, offset, length, position, cb));
  }

  sync(): Promise<void> {
    return done((cb) => fs.fdatasync(this.#descriptor, cb));
  }

  writeNow(bytes: Buffer, position: number): void {
    fs.writeSync(this.#descriptor, bytes, 0, bytes.length, position);
  }

  truncate(size: number): Promise<void> {
    return done((cb) => fs.ftruncate(this.#descriptor, size, cb));
  }

  async size(): Promise<number> {
    return (await promised<fs.Stats>((cb) => fs.fstat(this.#descriptor, cb))).size;
  }

  close(): Promise<void> {
    return done((cb) => fs.close(this.#descriptor, cb));
  }
}

const FLAGS = {
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
  write: fs.constants.O_RDWR | fs.constants.O_CREAT,
  read: fs.constants.O_RDONLY,
} as const;

/** Descriptors that a shell has opened. */
const HANDED_OVER = /^\/(?:dev|proc)\//;

/** A name that no other process or call uses for its temporary file. */
let temporaries = 0;
const temporaryName = (path: string): string => {
  temporaries += 1;
  return `${path}.${process.pid}.${temporaries}.tmp`;
};

/** The machine's file systems. */
export const nodeDisk: Disk = {
  async open(path, how, mode = 0o600) {
    const descriptor = await whenDescriptor(() => promised<number>((cb) => fs.open(path, FLAGS[how], mode, cb)));
    return new NodeFile(path, descriptor);
  },

  readFile: (path) =>
    whenDescriptor(async () => {
      // Nobody may ever write into a pipe that lies among files; one that was handed over has its writer.
      if (!HANDED_OVER.test(path) && (await fs.promises.stat(path)).isFIFO())
        throw Object.assign(new Error(`${path} is a pipe, not a file`), { code: 'ESPIPE' });
      return fs.promises.readFile(path);
    }),

  async replaceFile(path, content, mode = 0o600) {
    const temporary = temporaryName(path);
    const handle = await whenDescriptor(() => fs.promises.open(temporary, 'wx', mode));
    try {
      await handle.writeFile(content);
      await handle.datasync();
    } catch (error) {
      await handle.close();
      await fs.promises.rm(temporary, { force: true });
      throw error;
    }
    await handle.close();
    await fs.promises.rename(temporary, path);
    await nodeDisk.syncDirectory(dirname(path));
  },

  list: (directory) => whenDescriptor(() => fs.promises.readdir(directory)),

  async entry(path): Promise<DiskEntry | undefined> {
    try {
      const stats = await fs.promises.stat(path);
      return {
        kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
        sizeBytes: stats.size,
        mode: stats.mode & 0o7777,
        modifiedMs: stats.mtimeMs,
        inode: stats.ino,
        device: stats.dev,
      };
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return undefined;
      throw error;
    }
  },

  async makeDirectory(path, mode = 0o700) {
    const first = await fs.promises
      .mkdir(path, { recursive: true, mode })
      .catch(async (error: unknown) => Promise.reject(await trueError(path, error)));
    if (first === undefined) return;
    const made = resolve(first);
    for (let at = resolve(path); at.length >= made.length; at = dirname(at)) await nodeDisk.syncDirectory(dirname(at));
  },

  rename: (from, to) => fs.promises.rename(from, to),
  link: (from, to) => fs.promises.link(from, to),
  unlink: (path) => fs.promises.unlink(path),

  async syncDirectory(path) {
    const handle = await whenDescriptor(() => fs.promises.open(path, 'r'));
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },

  async space(path) {
    const stats = await fs.promises.statfs(path);
    return {
      freeBytes: stats.bavail * stats.bsize,
      totalBytes: stats.blocks * stats.bsize,
      freeInodes: stats.ffree,
      totalInodes: stats.files,
    };
  },
};

/** Node says ENOENT where a directory on a read-only file system cannot be made below one that is there; one step alone says why. */
async function trueError(path: string, error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) return error;
  let missing = resolve(path);
  while (missing !== dirname(missing) && !fs.existsSync(dirname(missing))) missing = dirname(missing);
  return fs.promises.mkdir(missing).then(
    () => error,
    (deeper: unknown) => deeper,
  );
}
