import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
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

/** A disk on which what is made belongs to the owner of a directory: what root writes there others must be able to read. */
export async function diskOfOwner(disk: Disk, changes: HostChanges, directory: string): Promise<Disk> {
  const entry = await changes.entry(directory);
  if (!entry.ok) return disk;
  const { uid, gid } = entry.value;
  const give = async (path: string): Promise<void> => {
    const own = await changes.entry(path);
    if (own.ok && (own.value.uid !== uid || own.value.gid !== gid)) await changes.setOwner(path, uid, gid);
  };
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
