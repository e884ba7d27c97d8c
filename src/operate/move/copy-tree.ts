/** A directory copied as it is: octets, modes, owners and times, on stable storage and compared with what was read. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { errnoOf } from '../../events/fault.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { HostChanges, HostEntry } from '../../world/ports/host-changes.ts';

/** What copies. */
export interface TreeWorld {
  readonly disk: Pick<Disk, 'open' | 'list' | 'makeDirectory' | 'syncDirectory' | 'unlink'>;
  readonly changes: Pick<HostChanges, 'entry' | 'setMode' | 'setOwner' | 'setModified' | 'removeDirectory'>;
}

/** A file or directory below the top, its own name first; directories stand before what is in them. */
export interface TreeEntry {
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly entry: HostEntry;
}

/** What was found. */
export type FoundTree =
  | { readonly ok: true; readonly entries: readonly TreeEntry[]; readonly bytes: number; readonly files: number }
  | { readonly ok: false; readonly why: string };

/** Entries of one tree; a data directory with more is moved by other means. */
const ENTRIES_MAX = 5_000_000;
const CHUNK_BYTES = 1024 ** 2;

/** Lists a tree. Sockets belong to processes and are left out; links and devices are no part of a data directory. */
export async function findTree(
  { disk, changes }: TreeWorld,
  top: string,
  leaveOut: (path: string) => boolean,
): Promise<FoundTree> {
  const entries: TreeEntry[] = [];
  const directories = [''];
  let bytes = 0;
  for (const directory of directories) {
    for (const name of (await disk.list(join(top, directory))).sort()) {
      const path = directory === '' ? name : `${directory}/${name}`;
      if (leaveOut(path)) continue;
      const read = await changes.entry(join(top, path));
      if (!read.ok) return { ok: false, why: `${join(top, path)} cannot be looked at (${read.errno})` };
      const { kind, sizeBytes } = read.value;
      if (kind === 'socket') continue;
      if (kind === 'link' || kind === 'other')
        return {
          ok: false,
          why: `${join(top, path)} is a ${kind === 'link' ? 'symbolic link' : 'special file'}; move it away first`,
        };
      if (entries.length >= ENTRIES_MAX) return { ok: false, why: `${top} holds more than ${ENTRIES_MAX} files` };
      entries.push({ path, kind, entry: read.value });
      if (kind === 'directory') directories.push(path);
      else bytes += sizeBytes;
    }
  }
  return { ok: true, entries, bytes, files: entries.filter(({ kind }) => kind === 'file').length };
}

/** Copies what was found, and compares every octet that is read back. Rejects where it cannot, or where they differ. */
export async function copyTree(
  world: TreeWorld,
  from: string,
  to: string,
  entries: readonly TreeEntry[],
  copied: (files: number) => void = () => undefined,
): Promise<void> {
  const { disk, changes } = world;
  let files = 0;
  for (const { path, kind, entry } of entries) {
    const target = join(to, path);
    if (kind === 'directory') {
      await disk.makeDirectory(target, 0o700);
      continue;
    }
    const written = await copyFile(disk, join(from, path), target);
    if ((await hashOf(disk, target)) !== written) throw new Error(`${target} does not read back as it was written`);
    await likeness(changes, target, entry);
    files += 1;
    copied(files);
  }
  // From the inside out: a directory's time changes with what is made in it.
  for (const { path, kind, entry } of [...entries].reverse()) {
    if (kind !== 'directory') continue;
    await disk.syncDirectory(join(to, path));
    await likeness(changes, join(to, path), entry);
  }
  await disk.syncDirectory(to);
}

/** Gives a path the owner, mode and time of another. */
export async function likeness(changes: TreeWorld['changes'], path: string, like: HostEntry): Promise<void> {
  const own = await changes.entry(path);
  if (!own.ok || own.value.uid !== like.uid || own.value.gid !== like.gid)
    await changes.setOwner(path, like.uid, like.gid);
  await changes.setMode(path, like.mode);
  await changes.setModified(path, like.modifiedMs);
}

/** What removing meets where a file was not made yet, or something lies beside it. */
const NOT_OURS: ReadonlySet<string> = new Set(['ENOENT', 'ENOTEMPTY']);

/** Removes a copy; what is not of it stays. Rejects where something of it stays, too. */
export async function removeTree(
  { disk, changes }: TreeWorld,
  top: string,
  entries: readonly TreeEntry[],
): Promise<void> {
  let failed: unknown;
  for (const { path, kind } of [...entries].reverse()) {
    const gone = kind === 'directory' ? changes.removeDirectory(join(top, path)) : disk.unlink(join(top, path));
    await gone.catch((error: unknown) => {
      if (!NOT_OURS.has(errnoOf(error))) failed ??= error;
    });
  }
  if (failed !== undefined) throw failed;
}

async function copyFile(disk: TreeWorld['disk'], from: string, to: string): Promise<string> {
  const hash = createHash('sha256');
  const source = await disk.open(from, 'read');
  try {
    const target = await disk.open(to, 'create', 0o600);
    try {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      for (let at = 0; ; ) {
        const length = await source.read(chunk, 0, CHUNK_BYTES, at);
        if (length === 0) break;
        const octets = chunk.subarray(0, length);
        hash.update(octets);
        for (let done = 0; done < length; ) done += await target.writev([octets.subarray(done)], at + done);
        at += length;
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  return hash.digest('hex');
}

async function hashOf(disk: TreeWorld['disk'], path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await disk.open(path, 'read');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let at = 0; ; ) {
      const length = await file.read(chunk, 0, CHUNK_BYTES, at);
      if (length === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, length));
      at += length;
    }
  } finally {
    await file.close();
  }
}
