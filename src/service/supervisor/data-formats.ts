/** The formats of the data directory at a start: brought to those of this version, or refused where they are newer. */
import type { Journal } from '../../events/journal.ts';
import { registerPath } from '../../operate/formats/formats.ts';
import { openFormats } from '../../operate/formats/migrate.ts';
import { lookAt, writeSnapshot } from '../../operate/repair/snapshot/take.ts';
import { nodeHostChanges } from '../../world/node/host-changes.ts';
import { nodeWorld } from '../../world/node/world.ts';
import { VERSION } from '../version.ts';
import { newerFormat, type StorageParts, type StorageTrouble, unusable } from './storage.ts';

/** Looks at the formats, with the lock of the data directory held; says why the storage cannot be used as it is. */
export async function openDataFormats(look: StorageParts, journal: Journal): Promise<StorageTrouble | undefined> {
  const { disk, settings } = look;
  const { data } = settings.server;
  const path = registerPath(data);
  const world = { disk, changes: nodeHostChanges, clock: nodeWorld.clock };
  try {
    const opened = await openFormats({
      disk,
      data,
      version: VERSION,
      written: look.written,
      migrated: (step) => journal.emit('formats.migrated', step),
      async snapshot(paths, why) {
        const wanted = paths.map((one) => ({ path: one, use: '', content: true }));
        const facts = { by: 'migration' as const, why, versions: { ims: VERSION }, host: {}, listeners: [] };
        const snapshot = await lookAt(world, wanted, facts);
        const at = await writeSnapshot(world, `${data}/snapshots`, snapshot);
        journal.emit('repair.snapshot-taken', { path: at, files: paths.length, why });
        return at;
      },
    });
    if (opened.kind === 'newer') {
      const { part, found, known, writtenBy } = opened;
      return newerFormat({ part, path, found, known }, writtenBy);
    }
    if (opened.kind === 'unreadable')
      return {
        event: 'service.storage-unavailable',
        data: { path: data, errno: '', cause: opened.why },
        evidence: [{ what: path, expected: 'a register of formats', seen: opened.why }],
        cure: `mv ${path} ${path}.damaged (it is written anew)`,
      };
    // Made by root; the operator process reads it.
    if ((await disk.entry(path)) !== undefined) look.give(path);
    return undefined;
  } catch (error) {
    return unusable(look, path, error);
  }
}
