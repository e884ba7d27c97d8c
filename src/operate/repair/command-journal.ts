import type { Journal } from '../../events/journal.ts';
import type { HostChanges } from '../../world/ports/host-changes.ts';
import type { World } from '../../world/world.ts';
import type { LoadedFile } from '../config/load-file.ts';
import { openEventLog } from '../journal/event-log.ts';
import { createJournal } from '../journal/journal.ts';
import { diskOfOwner, giveLike } from './data-places.ts';

/** A journal for one run of a command. */
export interface CommandJournal {
  readonly journal: Journal;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}

/** Events of a command stand beside those of the service; without a data directory or settings they are not kept. */
export async function openCommandJournal(
  { disk, clock }: Pick<World, 'disk' | 'clock'>,
  changes: HostChanges,
  data: string,
  file: LoadedFile,
): Promise<CommandJournal> {
  const journal = createJournal({ clock, process: { role: 'command' }, levels: {}, writers: [] });
  const there = (await disk.entry(data).catch(() => undefined))?.kind === 'directory';
  if (!there || !file.loaded.ok) return { journal, close: async () => undefined };
  const directory = `${data}/events/command`;
  const log = openEventLog({
    world: { clock, disk: diskOfOwner(disk, changes, data) },
    directory,
    settings: file.loaded.settings.events,
    journal: () => journal,
  });
  journal.add(log);
  return {
    journal,
    async close() {
      await log.close();
      // The operator process reads it, whoever the directory belonged to when it was written.
      const names = await disk.list(directory).catch(() => []);
      const files = names.map((name) => `${directory}/${name}`);
      await giveLike(changes, data, [`${data}/events`, directory, ...files]);
    },
  };
}
