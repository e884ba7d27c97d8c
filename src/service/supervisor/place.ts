/** The directory of control socket and locks: the configured one, or, while that cannot be used, one that needs no storage of ours. */
import * as fs from 'node:fs';
import { fallbackDirectories } from '../../operate/control/fallback.ts';
import { type InstanceLock, takeLock } from '../../world/node/instance-lock.ts';
import { giveTo, type HostUser } from '../../world/node/privileges.ts';
import type { Ownership } from './storage.ts';

/** A directory that is ours alone, with the lock in it. */
export interface Place {
  readonly directory: string;
  readonly lock: InstanceLock;
  /** Removes it at its release. */
  readonly temporary?: boolean;
}

/** Gives a place back; one that stood in for another is removed. */
export function leavePlace({ directory, lock, temporary }: Place): void {
  lock.release();
  if (temporary !== true) return;
  try {
    fs.rmSync(directory, { recursive: true, force: true });
  } catch {
    // A name that is left behind harms nobody: the next one takes it over.
  }
}

const OTHERS = 0o077;

/** Takes the lock of a directory that is there. */
export async function takePlace(directory: string): Promise<Place | 'held'> {
  const lock = await takeLock(`${directory}/lock`);
  return lock === 'held' ? 'held' : { directory, lock };
}

/** Takes the first of the other places that can be had; undefined where none can. */
export async function takeFallback(
  configurationPath: string,
  user: HostUser | undefined,
): Promise<Place | 'held' | undefined> {
  for (const directory of fallbackDirectories(configurationPath, process.getuid?.() ?? 0)) {
    try {
      fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
      if (!isOurs(directory, user)) continue;
      if (user !== undefined) giveTo(directory, user);
      const place = await takePlace(directory);
      return place === 'held' ? place : { ...place, temporary: true };
    } catch {
      // The next one may be better; the caller says when none is.
    }
  }
  return undefined;
}

/** Whether a directory that others might have made before us is ours alone. */
function isOurs(directory: string, user: HostUser | undefined): boolean {
  const stats = fs.lstatSync(directory);
  const ours = stats.uid === process.getuid?.() || (user !== undefined && stats.uid === user.uid);
  return stats.isDirectory() && ours && (stats.mode & OTHERS) === 0;
}

/** Who owns a path and who should, where they differ; undefined where it cannot be seen or is the same. */
export function ownershipOf(path: string, user: HostUser | undefined): Ownership | undefined {
  let stats: fs.Stats | undefined;
  try {
    stats = fs.lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // the way to it is closed: nothing is known of its owner
  }
  const uid = user?.uid ?? process.getuid?.();
  if (stats === undefined || uid === undefined || stats.uid === uid) return undefined;
  const mode = (stats.mode & 0o7777).toString(8);
  const words = `${path} belongs to uid ${stats.uid} (mode ${mode}), and the service runs as uid ${uid}`;
  return { found: stats.uid, wanted: uid, words };
}
