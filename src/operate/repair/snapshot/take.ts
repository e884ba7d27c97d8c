import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { printInstant } from '../../../base/calendar.ts';
import type { Clock } from '../../../world/ports/clock.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import type { HostChanges } from '../../../world/ports/host-changes.ts';
import { giveLike } from '../data-places.ts';
import { snapshotFileBytesMax, snapshotFilesMax } from '../limits.ts';
import { type SnapshotFile, type SnapshotManifest, snapshotFormat } from './manifest.ts';

/** What taking and putting back stand on. */
export interface SnapshotWorld {
  readonly disk: Disk;
  readonly changes: HostChanges;
  readonly clock: Pick<Clock, 'wall'>;
}

/** A file that a snapshot shall hold. */
export interface Wanted {
  readonly path: string;
  readonly use: string;
  /** Whether its content is kept; else only owner, mode and times. */
  readonly content: boolean;
}

/** What a snapshot says besides its files. */
export interface SnapshotFacts {
  readonly by: 'record' | 'repair' | 'restore' | 'migration';
  readonly why: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly host: Readonly<Record<string, string>>;
  readonly listeners: readonly string[];
}

/** A snapshot in memory: its manifest and the contents by number. */
export interface Snapshot {
  readonly manifest: SnapshotManifest;
  readonly contents: readonly Buffer[];
}

const sha256 = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex');

async function look(world: SnapshotWorld, wanted: Wanted, contents: Buffer[]): Promise<SnapshotFile> {
  const { path, use } = wanted;
  const entry = await world.changes.entry(path);
  if (!entry.ok) {
    if (entry.errno === 'ENOENT' || entry.errno === 'ENOTDIR') return { path, use, kind: 'absent' };
    throw Object.assign(new Error(`${path} cannot be looked at (${entry.errno})`), { code: entry.errno });
  }
  const { names: _names, ...facts } = entry.value;
  const seen: SnapshotFile = { path, use, ...facts };
  if (!wanted.content || entry.value.kind !== 'file') return seen;
  if (entry.value.sizeBytes > snapshotFileBytesMax || contents.length >= snapshotFilesMax)
    throw Object.assign(new Error(`${path} is too large to be kept in a snapshot`), { code: 'EFBIG' });
  const octets = await world.disk.readFile(path);
  contents.push(octets);
  return { ...seen, sha256: sha256(octets), stored: contents.length - 1 };
}

/** Looks at files and keeps what they are; writes nothing. Rejects where one that must be kept cannot be read. */
export async function lookAt(world: SnapshotWorld, wanted: readonly Wanted[], facts: SnapshotFacts): Promise<Snapshot> {
  const takenAtMs = world.clock.wall();
  const contents: Buffer[] = [];
  const files: SnapshotFile[] = [];
  const seen = new Set<string>();
  for (const one of wanted) {
    if (seen.has(one.path)) continue;
    seen.add(one.path);
    files.push(await look(world, one, contents));
  }
  const id = `${printInstant(takenAtMs).slice(0, 19).replace(/[-:]/g, '')}Z-${facts.by}`;
  const { by, why, versions, host, listeners } = facts;
  const manifest = { format: snapshotFormat, id, takenAtMs, by, why, versions, host, listeners: [...listeners], files };
  return { manifest: { ...manifest, why: why.slice(0, 500), versions: { ...versions }, host: { ...host } }, contents };
}

/** Writes a snapshot into a directory of its own and returns where; the manifest comes last, so that one without it is none. */
export async function writeSnapshot(world: SnapshotWorld, directory: string, snapshot: Snapshot): Promise<string> {
  const { disk } = world;
  await disk.makeDirectory(directory, 0o700);
  let { id } = snapshot.manifest;
  for (let n = 2; (await disk.entry(`${directory}/${id}`)) !== undefined; n += 1) id = `${snapshot.manifest.id}-${n}`;
  const path = `${directory}/${id}`;
  await disk.makeDirectory(`${path}/files`, 0o700);
  for (const [number, octets] of snapshot.contents.entries()) await disk.replaceFile(`${path}/files/${number}`, octets);
  await disk.replaceFile(`${path}/manifest.json`, `${JSON.stringify({ ...snapshot.manifest, id }, undefined, 1)}\n`);
  await giveSnapshot(world, path);
  return path;
}

/** What root writes below the data directory belongs to its owner, who shall read it later. */
export async function giveSnapshot(
  { changes, disk }: Pick<SnapshotWorld, 'changes' | 'disk'>,
  path: string,
): Promise<void> {
  const directory = dirname(path);
  const files = (await disk.list(`${path}/files`)).map((name) => `${path}/files/${name}`);
  await giveLike(changes, dirname(directory), [directory, path, `${path}/manifest.json`, `${path}/files`, ...files]);
}
