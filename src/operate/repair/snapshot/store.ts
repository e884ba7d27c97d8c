import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { errnoOf } from '../../../events/fault.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import type { HostChanges } from '../../../world/ports/host-changes.ts';
import { exportBytesMax, snapshotsKept } from '../limits.ts';
import { parseManifest, type SnapshotManifest } from './manifest.ts';
import type { Snapshot } from './take.ts';

/** A snapshot that was found, or why it cannot be used. */
export type FoundSnapshot =
  | { readonly ok: true; readonly snapshot: Snapshot; readonly path: string }
  | { readonly ok: false; readonly why: string; readonly newer?: { readonly found: number; readonly known: number } };

/** One line of the list. */
export interface ListedSnapshot {
  readonly id: string;
  readonly path: string;
  readonly takenAtMs: number;
  readonly by: string;
  readonly why: string;
  readonly files: number;
  readonly version: string;
  /** Why it cannot be used, where it cannot. */
  readonly fault?: string;
}

type ReadingDisk = Pick<Disk, 'readFile' | 'entry' | 'list'>;

async function textOf(disk: ReadingDisk, path: string): Promise<{ readonly text: string } | { readonly why: string }> {
  try {
    const entry = await disk.entry(path);
    if (entry === undefined) return { why: 'it is not there' };
    if (entry.sizeBytes > exportBytesMax) return { why: 'it is too large' };
    return { text: (await disk.readFile(path)).toString('utf8') };
  } catch (error) {
    return { why: `it cannot be read (${errnoOf(error)})` };
  }
}

/** All snapshots of a directory, the newest first. */
export async function listSnapshots(disk: ReadingDisk, directory: string): Promise<readonly ListedSnapshot[]> {
  if ((await disk.entry(directory).catch(() => undefined))?.kind !== 'directory') return [];
  const out: ListedSnapshot[] = [];
  for (const id of (await disk.list(directory)).sort().reverse()) {
    const path = join(directory, id);
    const read = await textOf(disk, join(path, 'manifest.json'));
    const parsed = 'text' in read ? parseManifest(read.text) : { ok: false as const, why: read.why };
    if (!parsed.ok) {
      out.push({ id, path, takenAtMs: 0, by: '', why: '', files: 0, version: '', fault: parsed.why });
      continue;
    }
    const { takenAtMs, by, why, files, versions } = parsed.manifest;
    out.push({ id, path, takenAtMs, by, why, files: files.length, version: versions['ims'] ?? '' });
  }
  return out.sort((a, b) => b.takenAtMs - a.takenAtMs);
}

/** The contents of a manifest, each compared with its hash. */
async function contentsOf(
  manifest: SnapshotManifest,
  read: (number: number, content: string | undefined) => Promise<Buffer>,
): Promise<readonly Buffer[] | string> {
  const contents: Buffer[] = [];
  for (const { path, stored, content, sha256 } of manifest.files) {
    if (stored === undefined) continue;
    const octets = await read(stored, content).catch((error: unknown) => errnoOf(error));
    if (typeof octets === 'string') return `the content of ${path} cannot be read (${octets})`;
    if (createHash('sha256').update(octets).digest('hex') !== sha256) return `the content of ${path} was changed`;
    contents[stored] = octets;
  }
  return contents;
}

/** Opens a snapshot by its id in a directory, by the path of its own, or of an export. Every content is compared with its hash. */
export async function openSnapshot(disk: ReadingDisk, directory: string, name: string): Promise<FoundSnapshot> {
  const isId = !name.includes('/') && (await disk.entry(join(directory, name, 'manifest.json'))) !== undefined;
  const path = isId ? join(directory, name) : name;
  const whole = (await disk.entry(path).catch(() => undefined))?.kind === 'file';
  const read = await textOf(disk, whole ? path : join(path, 'manifest.json'));
  if ('why' in read) return { ok: false, why: `${path} is no snapshot: ${read.why}` };
  const parsed = parseManifest(read.text);
  if (!parsed.ok) return { ...parsed, why: `${path}: ${parsed.why}` };
  const contents = await contentsOf(parsed.manifest, async (number, content) =>
    whole ? Buffer.from(content ?? '', 'base64') : disk.readFile(join(path, 'files', String(number))),
  );
  if (typeof contents === 'string') return { ok: false, why: `${path} is damaged: ${contents}` };
  return { ok: true, path, snapshot: { manifest: parsed.manifest, contents } };
}

/** A snapshot as one text, to take elsewhere. */
export function printExport({ manifest, contents }: Snapshot): string {
  const files = manifest.files.map((file) => {
    const content = file.stored === undefined ? undefined : contents[file.stored]?.toString('base64');
    return content === undefined ? file : { ...file, content };
  });
  return `${JSON.stringify({ ...manifest, files }, undefined, 1)}\n`;
}

const PASSING = new Set(['repair', 'restore']);

/** Removes the oldest snapshots that repairs took, where there are more than are kept. */
export async function dropOldSnapshots(
  { disk, changes }: { readonly disk: Disk; readonly changes: Pick<HostChanges, 'removeDirectory'> },
  directory: string,
  kept = snapshotsKept,
): Promise<void> {
  const passing = (await listSnapshots(disk, directory)).filter(({ by }) => PASSING.has(by));
  for (const { path } of passing.slice(kept)) {
    // Without its manifest it is none: what is interrupted here is never taken for a whole one.
    await disk.unlink(join(path, 'manifest.json'));
    for (const name of await disk.list(join(path, 'files'))) await disk.unlink(join(path, 'files', name));
    await changes.removeDirectory(join(path, 'files'));
    await changes.removeDirectory(path);
  }
}
