/** The last configuration that loaded, kept in the data directory, for a start when the file does not load any more. */
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Disk } from '../../world/ports/disk.ts';
import { FILE_BYTES_MAX } from './limits.ts';
import { loadConfigurationText, type LoadedFile } from './load-file.ts';
import { readSpoolMarker, spoolMarkerName } from './spool-marker.ts';

/** A configuration that was in use. */
export interface LastGood {
  /** The file that it was read from. */
  readonly path: string;
  readonly savedAtMs: number;
  readonly text: string;
}

/** Where the last good configuration is kept. */
export function lastGoodPath(data: string): string {
  return `${data}/last-good.json`;
}

/** Keeps a configuration that is in use. It may hold passwords: only its owner may read it. */
export async function keepLastGood(disk: Pick<Disk, 'replaceFile'>, data: string, kept: LastGood): Promise<void> {
  await disk.replaceFile(lastGoodPath(data), `${JSON.stringify({ format: 1, ...kept })}\n`, 0o600);
}

/** Reads what was kept of a configuration file; undefined where nothing is, or it belongs to another file. */
export async function readLastGood(
  disk: Pick<Disk, 'readFile' | 'entry'>,
  data: string,
  configurationPath: string,
): Promise<LastGood | undefined> {
  const path = lastGoodPath(data);
  try {
    const entry = await disk.entry(path);
    if (entry?.kind !== 'file' || entry.sizeBytes > FILE_BYTES_MAX * 2) return undefined;
    const kept: unknown = JSON.parse((await disk.readFile(path)).toString('utf8'));
    return isLastGood(kept) && kept.path === configurationPath ? kept : undefined;
  } catch {
    return undefined; // what cannot be read is not there: the caller says that no last good one is
  }
}

function isLastGood(value: unknown): value is LastGood {
  return (
    typeof value === 'object' &&
    value !== null &&
    'path' in value &&
    typeof value.path === 'string' &&
    'text' in value &&
    typeof value.text === 'string' &&
    'savedAtMs' in value &&
    typeof value.savedAtMs === 'number'
  );
}

const DATA = /^ +data: *('[^']*'|"[^"\\]*"|[^'"&*!|>{[\s#][^#]*?) *(?:#.*)?$/m;
const DEFAULT_DATA = 'data';

/** Where the data directory of a configuration that does not load may be: as the sign beside it says, as its text says, else the default. */
export async function dataDirectoriesOf(
  disk: Pick<Disk, 'readFile' | 'entry'>,
  configurationPath: string,
  text: string | undefined,
): Promise<readonly string[]> {
  const from = (path: string): string => (isAbsolute(path) ? path : resolve(dirname(configurationPath), path));
  const marked = await readSpoolMarker(disk, spoolMarkerName(configurationPath)).catch(() => undefined); // then the text says it
  const written = DATA.exec(text ?? '')?.[1]
    ?.replace(/^(['"])(.*)\1$/, '$2')
    .trim();
  const all = [marked?.data, written, DEFAULT_DATA, dirname(configurationPath)];
  return [...new Set(all.flatMap((path) => (path === undefined ? [] : [from(path)])))];
}

/** A last good configuration that loads. */
export interface UsableLastGood {
  readonly kept: LastGood;
  readonly file: LoadedFile;
}

/**
 * Finds the last good configuration of a file that does not load. `mayUse` judges the file before it is read: what another user
 * could have written must not decide as whom we work.
 */
export async function findLastGood(
  disk: Pick<Disk, 'readFile' | 'entry'>,
  broken: Pick<LoadedFile, 'path' | 'text'>,
  mayUse: (path: string) => boolean = () => true,
): Promise<UsableLastGood | undefined> {
  for (const data of await dataDirectoriesOf(disk, broken.path, broken.text)) {
    if (!mayUse(lastGoodPath(data))) continue;
    const kept = await readLastGood(disk, data, broken.path);
    if (kept === undefined) continue;
    const file = await loadConfigurationText(disk, broken.path, kept.text);
    if (file.loaded.ok) return { kept, file };
  }
  return undefined;
}
