/** A file opened for positioned reading and writing. All methods reject with an error that carries a POSIX `code` (ENOSPC, EIO, ...). */
export interface DiskFile {
  readonly path: string;
  /** Writes at `position`; resolves with the number of octets written, which may be less than asked (the caller writes the rest). */
  writev(buffers: readonly Buffer[], position: number): Promise<number>;
  /** Reads up to `length` octets at `position` into `into` at `offset`; resolves with the number read, 0 at the end of file. */
  read(into: Buffer, offset: number, length: number, position: number): Promise<number>;
  /** fdatasync: resolves when data and size are on stable storage. After a rejection the file must not be trusted again. */
  sync(): Promise<void>;
  /** Writes at `position` before it returns, without sync; for marks that need to survive the process, not the machine. */
  writeNow(bytes: Buffer, position: number): void;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** What a path is. */
export interface DiskEntry {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  /** Permission bits, such as 0o700. */
  readonly mode: number;
  readonly modifiedMs: number;
  readonly inode: number;
  readonly device: number;
}

/** Space on the file system that holds a path. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  /** 0 where the file system makes them as it goes, and counts none. */
  readonly totalInodes?: number;
}

/** Storage. */
export interface Disk {
  /** 'create' fails with EEXIST where the file is; 'write' makes it where it is not; 'read' fails with ENOENT where it is not. */
  open(path: string, how: 'create' | 'write' | 'read', mode?: number): Promise<DiskFile>;
  /** The whole of a small file. */
  readFile(path: string): Promise<Buffer>;
  /** Writes a small file whole: temporary name, sync, rename, sync of the directory. */
  replaceFile(path: string, content: Buffer | string, mode?: number): Promise<void>;
  list(directory: string): Promise<string[]>;
  entry(path: string): Promise<DiskEntry | undefined>;
  /** Makes a directory where it is not, and those above it; the names that it made are stable. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A hard link; fails with EEXIST where `to` is. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes names created, renamed and removed in the directory stable. */
  syncDirectory(path: string): Promise<void>;
  space(path: string): Promise<DiskSpace>;
}
