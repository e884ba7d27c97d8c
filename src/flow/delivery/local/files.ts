import { errnoOf } from '../../../events/fault.ts';
import type { Disk, DiskFile } from '../../../world/ports/disk.ts';
import type { Content } from '../../queue/port.ts';

/** The queue could not give the content; told apart from errors of the mailbox's disk. */
export class ContentUnreadable extends Error {
  override readonly name = 'ContentUnreadable';
}

/** Writes prefix and content to a new file and makes it stable. A file left by an attempt that a crash ended is replaced. */
export async function writeStable(disk: Disk, path: string, prefix: Buffer, content: Content): Promise<void> {
  const file = await createAnew(disk, path);
  try {
    await writeContent(file, prefix, content);
    await file.sync();
  } catch (error) {
    await file.close();
    await disk.unlink(path).catch(() => undefined); // the first error is the one that counts
    throw error;
  }
  await file.close();
}

async function createAnew(disk: Disk, path: string): Promise<DiskFile> {
  try {
    return await disk.open(path, 'create', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    await disk.unlink(path);
    return disk.open(path, 'create', 0o600);
  }
}

async function writeContent(file: DiskFile, prefix: Buffer, content: Content): Promise<void> {
  if (content.whole !== undefined) {
    await writeAll(file, [prefix, content.whole], 0);
    return;
  }
  let position = await writeAll(file, [prefix], 0);
  const chunks = content.chunks()[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((cause: unknown) => {
        throw new ContentUnreadable(cause instanceof Error ? cause.message : String(cause), { cause });
      });
      if (next.done === true) return;
      position = await writeAll(file, [next.value], position);
    }
  } finally {
    await chunks.return?.();
  }
}

/** Writes all of it, however little the system takes at once. Returns the position after it. */
async function writeAll(file: DiskFile, buffers: readonly Buffer[], position: number): Promise<number> {
  let rest = buffers;
  let at = position;
  while (rest.length > 0) {
    let written = await file.writev(rest, at);
    at += written;
    const left: Buffer[] = [];
    for (const buffer of rest) {
      if (written >= buffer.length) written -= buffer.length;
      else {
        left.push(written === 0 ? buffer : buffer.subarray(written));
        written = 0;
      }
    }
    rest = left;
  }
  return at;
}

/** Syncs directories so that deliveries that wait at the same time share one sync. */
export class DirectorySyncs {
  readonly #disk: Pick<Disk, 'syncDirectory'>;
  /** The sync that has not begun yet, by directory: whoever comes before it begins may share it. */
  readonly #waiting = new Map<string, Promise<void>>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(disk: Pick<Disk, 'syncDirectory'>) {
    this.#disk = disk;
  }

  /** Resolves when all names made in the directory before the call are stable. */
  sync(directory: string): Promise<void> {
    const waiting = this.#waiting.get(directory);
    if (waiting !== undefined) return waiting;
    const running = this.#running.get(directory);
    if (running === undefined) return this.#begin(directory);
    const next = running.then(
      () => this.#begin(directory),
      () => this.#begin(directory),
    );
    this.#waiting.set(directory, next);
    return next;
  }

  #begin(directory: string): Promise<void> {
    this.#waiting.delete(directory);
    const sync = this.#disk.syncDirectory(directory).finally(() => {
      if (this.#running.get(directory) === sync) this.#running.delete(directory);
    });
    this.#running.set(directory, sync);
    return sync;
  }
}
