import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { errnoOf } from '../../events/fault.ts';
import type { Settings } from '../../settings/index.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { HostChanges } from '../../world/ports/host-changes.ts';

/** The data directory that a configuration names, also where it does not load. */
export function dataDirectoryOf(path: string, text: string | undefined, settings: Settings | undefined): string {
  if (settings !== undefined) return settings.server.data;
  let named: unknown;
  if (text !== undefined) named = parseDocument(text).getIn(['server', 'data']);
  const data = typeof named === 'string' && named !== '' ? named : './data';
  return isAbsolute(data) ? data : resolve(dirname(path), data);
}

/**
 * Where snapshots are kept: in the data directory; where that is not there, beside the configuration. A data directory is
 * never made here: an unmounted volume would look like a new one.
 */
export async function snapshotsDirectory(
  disk: Pick<Disk, 'entry'>,
  data: string,
  configuration: string,
): Promise<string> {
  const entry = await disk.entry(data).catch(() => undefined);
  return entry?.kind === 'directory' ? join(data, 'snapshots') : join(dirname(configuration), 'snapshots');
}

/** Gives paths to the owner of a directory; whoever may not leaves them as they are. */
export async function giveLike(changes: HostChanges, directory: string, paths: readonly string[]): Promise<void> {
  const owner = await changes.entry(directory);
  if (!owner.ok) return;
  const { uid, gid } = owner.value;
  for (const path of paths) {
    const own = await changes.entry(path);
    if (!own.ok || (own.value.uid === uid && own.value.gid === gid)) continue;
    await changes.setOwner(path, uid, gid).catch((error: unknown) => {
      // Whoever is not root leaves it his own.
      if (errnoOf(error) !== 'EPERM') throw error;
    });
  }
}

/** A disk on which what is made belongs to the owner of a directory: what root writes there others must be able to read. */
export function diskOfOwner(disk: Disk, changes: HostChanges, directory: string): Disk {
  // Asked each time: the directory itself may be what is given to somebody.
  const give = (path: string): Promise<void> => giveLike(changes, directory, [path]);
  return {
    ...disk,
    async open(path, how, mode) {
      const file = await disk.open(path, how, mode);
      if (how !== 'read') await give(path);
      return file;
    },
    async makeDirectory(path, mode) {
      await disk.makeDirectory(path, mode);
      await give(path);
    },
  };
}
