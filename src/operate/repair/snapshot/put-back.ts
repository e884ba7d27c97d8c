import { createHash } from 'node:crypto';
import { errnoOf } from '../../../events/fault.ts';
import type { SnapshotFile } from './manifest.ts';
import type { Snapshot, SnapshotWorld } from './take.ts';

/** How one file of a snapshot differs from what is there now. */
export interface Difference {
  readonly path: string;
  readonly use: string;
  /** 'content', 'mode 600, was 644', 'gone', 'was not there' ... */
  readonly what: readonly string[];
}

const octal = (mode: number | undefined): string => (mode ?? 0).toString(8).padStart(3, '0');

async function differences(world: SnapshotWorld, file: SnapshotFile): Promise<readonly string[]> {
  const now = await world.changes.entry(file.path);
  if (!now.ok) {
    if (now.errno !== 'ENOENT' && now.errno !== 'ENOTDIR') return [`cannot be looked at (${now.errno})`];
    return file.kind === 'absent' ? [] : ['is gone'];
  }
  if (file.kind === 'absent') return ['was not there'];
  const { kind, uid, gid, mode } = now.value;
  if (kind !== file.kind) return [`is a ${kind}, was a ${file.kind}`];
  const out: string[] = [];
  if (uid !== file.uid || gid !== file.gid) out.push(`owner ${uid}:${gid}, was ${file.uid}:${file.gid}`);
  if (mode !== file.mode) out.push(`mode ${octal(mode)}, was ${octal(file.mode)}`);
  if (file.sha256 !== undefined) {
    const octets = await world.disk.readFile(file.path).catch((error: unknown) => errnoOf(error));
    if (typeof octets === 'string') out.push(`cannot be read (${octets})`);
    else if (createHash('sha256').update(octets).digest('hex') !== file.sha256) out.push('content');
  } else if (file.kind === 'file' && file.modifiedMs !== now.value.modifiedMs) out.push('changed since');
  return out;
}

/** What is not as it was. */
export async function compare(
  world: SnapshotWorld,
  { manifest }: Pick<Snapshot, 'manifest'>,
): Promise<readonly Difference[]> {
  const out: Difference[] = [];
  for (const file of manifest.files) {
    const what = await differences(world, file);
    if (what.length > 0) out.push({ path: file.path, use: file.use, what });
  }
  return out;
}

/** Makes one file what it was. A directory or file that was not there goes, a directory only where nothing is in it. */
export async function putBack(world: SnapshotWorld, file: SnapshotFile, content: Buffer | undefined): Promise<void> {
  const { disk, changes } = world;
  const now = await changes.entry(file.path);
  if (file.kind === 'absent') {
    if (!now.ok) return;
    if (now.value.kind === 'directory') await changes.removeDirectory(file.path);
    else await disk.unlink(file.path);
    return;
  }
  if (content !== undefined) {
    const same =
      now.ok && now.value.kind === 'file' && (await disk.readFile(file.path).catch(() => undefined))?.equals(content);
    if (same !== true) await disk.replaceFile(file.path, content, file.mode ?? 0o600);
  } else if (!now.ok) {
    // A dead socket is not missed; a directory comes back empty.
    if (file.kind !== 'directory') return;
    await disk.makeDirectory(file.path, file.mode ?? 0o700);
  }
  const there = await changes.entry(file.path);
  if (!there.ok || there.value.kind === 'link') return;
  const { uid, gid, mode, modifiedMs } = file;
  if (uid !== undefined && gid !== undefined && (there.value.uid !== uid || there.value.gid !== gid))
    await changes.setOwner(file.path, uid, gid);
  // Giving a file away takes its set-user-id bits: the mode comes after the owner.
  if (mode !== undefined && (await modeOf(world, file.path)) !== mode) await changes.setMode(file.path, mode);
  if (modifiedMs !== undefined && content !== undefined) await changes.setModified(file.path, modifiedMs);
}

async function modeOf({ changes }: SnapshotWorld, path: string): Promise<number | undefined> {
  const entry = await changes.entry(path);
  return entry.ok ? entry.value.mode : undefined;
}
