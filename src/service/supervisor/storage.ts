/** The storage that everything stands on: found, made at the first start, never made anew where a spool was. */
import { errnoOf } from '../../events/fault.ts';
import type { EventData } from '../../events/journal.ts';
import type { Evidence } from '../../operate/doctor/verdict.ts';
import {
  holdsSpool,
  newerSpoolMarker,
  printSpoolMarker,
  readSpoolMarker,
  spoolMarkerPath,
  spoolPath,
} from '../../operate/config/index.ts';
import type { Settings } from '../../settings/index.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { storageCure } from '../parts/storage-cures.ts';
import { eventDirectory, runDirectory } from '../paths.ts';

/** Why the data directory cannot be used. */
export type StorageTrouble = { readonly evidence: readonly Evidence[]; readonly cure: string } & (
  | { readonly event: 'service.spool-missing'; readonly data: EventData<'service.spool-missing'> }
  | { readonly event: 'service.storage-unavailable'; readonly data: EventData<'service.storage-unavailable'> }
  | { readonly event: 'formats.newer'; readonly data: EventData<'formats.newer'> }
);

/** Whether nothing but space is wanting. */
export function wantsSpace(trouble: StorageTrouble | undefined): boolean {
  return trouble?.event === 'service.storage-unavailable' && ['ENOSPC', 'EDQUOT'].includes(trouble.data.errno);
}

/** An owner who is not the one that the service works as. */
export interface Ownership {
  readonly found: number;
  readonly wanted: number;
  readonly words: string;
}

/** What looking for the storage needs. */
export interface StorageParts {
  readonly disk: Disk;
  readonly settings: Settings;
  readonly configurationPath: string;
  /** A new name for a spool. */
  readonly newId: () => string;
  readonly nowMs: number;
  /** Gives a directory to the user that the service works as. */
  readonly give: (directory: string) => void;
  /** Called where no sign of the spool could be left outside it: what an empty directory means at a later start stays open. */
  readonly unsigned: (why: string) => void;
  /** Writes what a new spool begins with: now, or, where there is no space for it, when there is, each in its turn. */
  readonly written: (write: () => Promise<void>) => Promise<void>;
  /** Who owns a path and who should, where they differ. */
  readonly ownership: (path: string) => Ownership | undefined;
}

/** Makes the data directory ready for use, or says why it is not. Nothing is made where a spool was and is not. */
export async function openStorage(parts: StorageParts): Promise<StorageTrouble | undefined> {
  const { disk, settings, configurationPath } = parts;
  const { data } = settings.server;
  const marker = spoolMarkerPath(configurationPath, data);
  let at = data;
  try {
    const newer = await newerSpoolMarker(disk, configurationPath, data);
    if (newer !== undefined) return newerFormat({ part: 'spool', ...newer }, '');
    const sign = marker === undefined ? undefined : await readSpoolMarker(disk, marker).catch(() => undefined); // unreadable: as if there were none
    if (marker !== undefined && sign?.data === data && !(await holdsSpool(disk, data)))
      return await missing(parts, marker, sign.madeAtMs);
    const run = runDirectory(settings);
    for (const directory of [data, run, ...['queue', 'events', 'timeline'].map((name) => `${data}/${name}`)])
      if ((await disk.entry(directory))?.kind === 'file') return inTheWay(parts, directory);
    // The last one so that what is made in it later has an owner who may look into it.
    for (const directory of [data, run, eventDirectory(settings, '')]) {
      at = directory;
      await disk.makeDirectory(directory, 0o700);
    }
    at = spoolPath(data);
    const own = (await readSpoolMarker(disk, at)) ?? { data, id: parts.newId(), madeAtMs: parts.nowMs };
    if ((await disk.entry(at)) === undefined)
      await parts.written(() => disk.replaceFile(spoolPath(data), printSpoolMarker(own), 0o600));
    for (const directory of [data, run]) {
      at = directory;
      parts.give(directory);
    }
    if (marker !== undefined && (sign?.data !== data || sign.id !== own.id))
      await parts.written(() =>
        disk
          .replaceFile(marker, printSpoolMarker({ ...own, data }), 0o644)
          .catch((error: unknown) => parts.unsigned(`${marker} cannot be written (${errnoOf(error)})`)),
      );
    return undefined;
  } catch (error) {
    // A link to where nothing is stands in the way like a file; moving it away would hide the volume that it waits for.
    const dangles = errnoOf(error) === 'EEXIST' && (await disk.entry(at).catch(() => error)) === undefined;
    return unusable(parts, at, dangles ? Object.assign(new Error('a link to nothing'), { code: 'ENOENT' }) : error);
  }
}

/** Says that where a spool was there is none. */
export async function missing(
  { disk, settings }: Pick<StorageParts, 'disk' | 'settings'>,
  marker: string,
  made: number,
): Promise<StorageTrouble> {
  const { data: path } = settings.server;
  const there = await disk.entry(path);
  if (there?.kind === 'file') return inTheWay({ settings, ownership: () => undefined }, path);
  return {
    event: 'service.spool-missing',
    data: { path, made, marker },
    evidence: [
      { what: path, expected: 'holds a spool', seen: there === undefined ? 'not there' : 'no spool in it' },
      { what: marker, expected: 'agrees', seen: `says that a spool was made in ${path}` },
    ],
    cure: `findmnt -T ${path} (mount what is missing there; nothing else is needed)`,
  };
}

/** Says that a newer version wrote a part of the storage: this one must not guess at it. */
export function newerFormat(data: EventData<'formats.newer'>, writtenBy: string): StorageTrouble {
  const { part, found, known } = data;
  return {
    event: 'formats.newer',
    data,
    evidence: [{ what: `format of ${part}`, expected: `${known} or earlier`, seen: String(found) }],
    cure: `ims verify (then start ${writtenBy === '' ? 'the newer version' : `version ${writtenBy}`}, which wrote it)`,
  };
}

const WORDS: Readonly<Record<string, (path: string) => string>> = {
  EEXIST: (path) => `${path}, which has to be a directory, is a file`,
  ENOENT: (path) => `${path} leads by a symbolic link to a place that is not there`,
  EFBIG: (path) => `${path} cannot be written, since the size of files is limited (RLIMIT_FSIZE, ulimit -f)`,
  ELOOP: (path) => `${path} is behind symbolic links that lead round in a circle`,
};

/** Says that a file is where a directory has to be. */
function inTheWay(parts: Pick<StorageParts, 'settings' | 'ownership'>, path: string): StorageTrouble {
  return unusable(parts, path, Object.assign(new Error(path), { code: 'EEXIST' }));
}

/** Says why a place of the storage cannot be used, by the error that it gave. */
export function unusable(
  { settings, ownership }: Pick<StorageParts, 'settings' | 'ownership'>,
  at: string,
  error: unknown,
): StorageTrouble {
  const errno = errnoOf(error) || 'EUNKNOWN';
  const { data } = settings.server;
  const denied = errno === 'EACCES' || errno === 'EPERM';
  const owner = denied ? (ownership(at) ?? ownership(data)) : undefined;
  const seen = WORDS[errno]?.(at) ?? `${at} cannot be made or written`;
  return {
    event: 'service.storage-unavailable',
    data: { path: data, errno, cause: owner === undefined ? seen : `${seen}, since ${owner.words}` },
    evidence: [
      { what: at, expected: 'can be made and written', seen: errno },
      ...(owner === undefined ? [] : [{ what: 'owner', expected: `uid ${owner.wanted}`, seen: `uid ${owner.found}` }]),
    ],
    cure: owner === undefined ? (storageCure(errno, at) ?? `ls -ld ${at}`) : `chown -R ${owner.wanted} ${data}`,
  };
}
