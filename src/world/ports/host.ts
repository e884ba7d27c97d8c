/** What reading something of the host brought; `errno` is a POSIX code such as EACCES. */
export type HostRead<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errno: string };

/** Whose a path is, and who may do what there. */
export interface HostFile {
  readonly kind: 'file' | 'directory' | 'socket' | 'device' | 'other';
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, such as 0o700. */
  readonly mode: number;
  readonly modifiedMs: number;
}

/** One address of a network interface that is up. */
export interface HostAddress {
  readonly interface: string;
  /** In canonical text, without a zone. */
  readonly address: string;
  readonly family: 4 | 6;
  readonly internal: boolean;
}

/** The host as it is: looked at, never changed. Nothing rejects: what cannot be read says why. */
export interface Host {
  /** A text file, also one of /proc; of a longer one its first 4 MB. */
  text(path: string): Promise<HostRead<string>>;
  /** The same as octets. */
  octets?(path: string): Promise<HostRead<Buffer>>;
  names(directory: string): Promise<HostRead<readonly string[]>>;
  /** Where a symbolic link leads. */
  link(path: string): Promise<HostRead<string>>;
  /** What a path is, after symbolic links. */
  file(path: string): Promise<HostRead<HostFile>>;
  addresses(): HostRead<readonly HostAddress[]>;
  /**
   * What a program prints that only shows something, such as `nft list ruleset`: the first 4 MB, within two seconds. A program that
   * ends with another code than 0 is EUNKNOWN; one that is not there ENOENT.
   */
  output(program: string, ...words: readonly string[]): Promise<HostRead<string>>;
  /** The environment of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Who this process is. */
  readonly self: { readonly pid: number; readonly uid: number; readonly gid: number };
}
