import { openEventLog } from '../../operate/journal/event-log.ts';
import { createJournal, type RunningJournal } from '../../operate/journal/journal.ts';
import { outputWriter } from '../../operate/journal/output-writer.ts';
import type { Settings } from '../../settings/index.ts';
import type { Output } from '../../world/ports/output.ts';
import type { World } from '../../world/world.ts';
import type { Board } from '../parts/board.ts';
import { heardBy } from '../parts/from-events.ts';
import { eventDirectory } from '../paths.ts';
import { RecentEvents } from '../recent-events.ts';
import { Tally } from './tally.ts';

/** Where a worker tells what happens, from before it has its queue. */
export interface WorkerVoice {
  readonly journal: RunningJournal;
  readonly recent: RecentEvents;
  /** What this worker counts, the events too. */
  readonly tally: Tally;
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The name of the part that is a worker's queue. */
export function queueOf(worker: number): string {
  return `queue of worker ${worker}`;
}

/** Opens it. The board hears the events too. */
export function openVoice(
  { world, output }: { readonly world: Pick<World, 'clock' | 'disk'>; readonly output: Output },
  settings: Settings,
  shard: number,
  board: Board,
  layer?: string,
): WorkerVoice {
  const recent = new RecentEvents();
  const tally = new Tally(world.clock);
  const plain = createJournal({
    clock: world.clock,
    process: { role: 'worker', shard },
    levels: settings.events.levels,
    writers: [outputWriter(output, settings.events.format, 'standard output', () => journal), recent],
    heard: tally.heard,
  });
  const journal = heardBy(layer === undefined ? plain : behindLayer(plain, layer), board, queueOf(shard));
  const log = openEventLog({
    world,
    directory: eventDirectory(settings, `worker-${shard}`),
    settings: settings.events,
    journal: () => journal,
  });
  journal.add(log);
  return { journal, recent, tally, flush: () => log.flush(), close: () => log.close() };
}

/** Where no name server answers behind a layer over the sockets, the layer is the first to ask. */
function behindLayer(journal: RunningJournal, layer: string): RunningJournal {
  return {
    emit(name, data) {
      journal.emit(name, data);
      if (name === 'names.unavailable' && 'reason' in data)
        journal.emit('service.look-ups-diverted', { reason: String(data.reason), layer });
    },
    wants: (name) => name === 'names.unavailable' || journal.wants(name),
    setLevels: (levels) => journal.setLevels(levels),
    add: (writer) => journal.add(writer),
    get failedWrites() {
      return journal.failedWrites;
    },
  };
}
