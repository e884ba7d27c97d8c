/** Octets that are written to stable storage at once. */
export const PAGE = 4096;

/** The content of a file, with what of it is on stable storage. */
export class Inode {
  content: Buffer = Buffer.alloc(0);
  /** What is on stable storage of the pages written since the last sync; undefined where the page did not exist. */
  readonly unsynced = new Map<number, Buffer | undefined>();
  stableSize = 0;
  readonly number: number;
  allocated = 0;

  constructor(number: number) {
    this.number = number;
  }

  write(bytes: Buffer, position: number): void {
    const end = position + bytes.length;
    for (let page = Math.floor(position / PAGE); page * PAGE < end; page += 1) {
      if (this.unsynced.has(page)) continue;
      const start = page * PAGE;
      this.unsynced.set(
        page,
        start < this.allocated
          ? Buffer.from(this.content.subarray(start, Math.min(start + PAGE, this.allocated)))
          : undefined,
      );
    }
    if (end > this.content.length) {
      const wide = Buffer.alloc(Math.max(end, Math.min(this.content.length * 2, this.content.length + 1024 ** 2)));
      this.content.copy(wide);
      this.content = wide;
    }
    bytes.copy(this.content, position);
    this.allocated = Math.max(this.allocated, end);
  }

  sync(): void {
    this.unsynced.clear();
    this.stableSize = this.allocated;
  }

  truncate(size: number): void {
    if (size > this.allocated) this.write(Buffer.alloc(size - this.allocated), this.allocated);
    this.content.fill(0, size);
    this.allocated = size;
  }

  /** Drops unsynced pages by chance. */
  crash(keep: () => boolean): void {
    for (const [page, before] of this.unsynced) {
      if (keep()) continue;
      const start = page * PAGE;
      this.content.fill(0, start, Math.min(start + PAGE, this.content.length));
      before?.copy(this.content, start);
    }
    if (this.allocated > this.stableSize && !keep()) {
      this.content.fill(0, this.stableSize);
      this.allocated = this.stableSize;
    }
    this.sync();
  }
}

type NameChange = { readonly directory: string; readonly undo: () => void };

/** Everything that the disk holds; survives a crash in part. */
export class Platter {
  readonly names = new Map<string, Inode>();
  readonly directories = new Set<string>(['/']);
  changes: NameChange[] = [];
  inodes = 0;

  usedBytes(): number {
    let used = 0;
    for (const inode of new Set(this.names.values())) used += Math.ceil(inode.allocated / PAGE) * PAGE;
    return used;
  }
}
