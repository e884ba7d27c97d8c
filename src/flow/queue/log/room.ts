import type { Journal } from '../../../events/journal.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import type { LogGeometry } from '../limits.ts';

/** Whether a file of a shard's directory is an allocated empty segment. */
export const isSpare = (name: string): boolean => /^\d+\.free$/.test(name);

/** The directory of a shard that cannot be opened for want of space. */
export interface FullShard {
  readonly disk: Pick<Disk, 'list' | 'entry' | 'unlink'>;
  readonly directory: string;
  readonly geometry: Pick<LogGeometry, 'segmentBytes'>;
  readonly journal: Journal;
}

/** Gives empty segments back to a file system that is full; false where there are none. */
export async function makeRoom({ disk, directory, geometry, journal }: FullShard): Promise<boolean> {
  const spares: { readonly path: string; readonly sizeBytes: number }[] = [];
  for (const name of (await disk.list(directory)).filter(isSpare)) {
    const path = `${directory}/${name}`;
    spares.push({ path, sizeBytes: (await disk.entry(path))?.sizeBytes ?? 0 });
  }
  const cut = spares.filter(({ sizeBytes }) => sizeBytes !== geometry.segmentBytes);
  // Of whole ones no more than it takes: they are the room for outcomes.
  const given = cut.length > 0 ? cut : spares.slice(0, 1);
  if (given.length === 0) return false;
  for (const { path } of given) await disk.unlink(path);
  const freed = given.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  journal.emit('queue.room-made', { path: directory, freed });
  return true;
}
