/**
 * The sign, outside the data directory, that there was a spool in it: a file beside the configuration. Where it says so and the
 * directory is empty or missing, a file system is not mounted, and nothing may be made anew in its place.
 */
import { dirname } from 'node:path';
import type { Disk } from '../../world/ports/disk.ts';

/** What the sign says. */
export interface SpoolMarker {
  /** The data directory. */
  readonly data: string;
  /** The spool's name for itself, also in the file `spool` of the data directory. */
  readonly id: string;
  readonly madeAtMs: number;
}

const FORMAT = 1;
const MARKER_BYTES_MAX = 4096;
const EXPLANATION =
  '# Written by ims: the data directory named here holds a spool. Where it is empty or missing at a start, nothing is made anew.\n# Remove this file only where that spool is given up.\n';

/** The name of the sign beside a configuration. */
export function spoolMarkerName(configurationPath: string): string {
  return `${configurationPath}.spool`;
}

/** Where the sign of a configuration's spool is; undefined where it would lie in the data directory itself. */
export function spoolMarkerPath(configurationPath: string, data: string): string | undefined {
  const directory = dirname(configurationPath);
  return directory === data || directory.startsWith(`${data}/`) ? undefined : spoolMarkerName(configurationPath);
}

/** The file by which a spool knows itself. */
export function spoolPath(data: string): string {
  return `${data}/spool`;
}

/** Prints the sign, or the spool's own file. */
export function printSpoolMarker({ data, id, madeAtMs }: SpoolMarker): string {
  return `${EXPLANATION}format ${FORMAT}\ndata ${data}\nid ${id}\nmade ${madeAtMs}\n`;
}

/** Reads either; undefined where it is not there, or is none. */
export async function readSpoolMarker(
  disk: Pick<Disk, 'readFile' | 'entry'>,
  path: string,
): Promise<SpoolMarker | undefined> {
  const entry = await disk.entry(path);
  if (entry?.kind !== 'file' || entry.sizeBytes > MARKER_BYTES_MAX) return undefined;
  const lines = (await disk.readFile(path)).toString('utf8').split('\n');
  const value = (key: string): string | undefined =>
    lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
  const [data, id, made] = [value('data'), value('id'), Number(value('made'))];
  return data === undefined || id === undefined || !Number.isSafeInteger(made)
    ? undefined
    : { data, id, madeAtMs: made };
}

/** The signs of a configuration that a newer version wrote, the one outside first: where, and in which format. */
export async function newerSpoolMarker(
  disk: Pick<Disk, 'readFile' | 'entry'>,
  configurationPath: string,
  data: string,
): Promise<{ readonly path: string; readonly found: number; readonly known: number } | undefined> {
  for (const path of [spoolMarkerPath(configurationPath, data), spoolPath(data)]) {
    if (path === undefined || (await disk.entry(path))?.kind !== 'file') continue;
    const text = await disk.readFile(path).then(String, () => ''); // unreadable: as if there were none
    const found = Number(/^format (\d{1,9})$/m.exec(text)?.[1] ?? 0);
    if (found > FORMAT) return { path, found, known: FORMAT };
  }
  return undefined;
}

/** Whether a data directory holds a spool: its file, or a queue from before there was one. */
export async function holdsSpool(disk: Pick<Disk, 'entry'>, data: string): Promise<boolean> {
  return (await disk.entry(spoolPath(data))) !== undefined || (await disk.entry(`${data}/queue`)) !== undefined;
}
