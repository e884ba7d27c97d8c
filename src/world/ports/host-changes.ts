import type { HostRead } from './host.ts';

/** A path itself, not what a symbolic link leads to. */
export interface HostEntry {
  readonly kind: 'file' | 'directory' | 'link' | 'socket' | 'other';
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, such as 0o700. */
  readonly mode: number;
  readonly modifiedMs: number;
  readonly sizeBytes: number;
  /** Names that the file has; more than one is a hard link. */
  readonly names: number;
}

/**
 * What a repair may change of the host, one thing at a time and never through a symbolic link. All but `entry` reject
 * with a POSIX code.
 */
export interface HostChanges {
  entry(path: string): Promise<HostRead<HostEntry>>;
  /** Permission bits of a file or directory; fails with ELOOP for a symbolic link. */
  setMode(path: string, mode: number): Promise<void>;
  setOwner(path: string, uid: number, gid: number): Promise<void>;
  setModified(path: string, modifiedMs: number): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  /** Whether somebody listens on the UNIX socket at a path. */
  socketAnswers(path: string): Promise<boolean>;
}
