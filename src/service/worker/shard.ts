import { dirname } from 'node:path';
import type { Journal } from '../../events/journal.ts';
import type { NextHop } from '../../mail/next-hop.ts';
import type { Timeline } from '../../mail/timeline.ts';
import { openLogQueue } from '../../flow/queue/log/engine.ts';
import type { LogGeometry } from '../../flow/queue/limits.ts';
import type { Queue } from '../../flow/queue/port.ts';
import { type ConfigurableScheduler, createScheduler, type SchedulerChanges } from '../../flow/scheduler/scheduler.ts';
import type { World } from '../../world/world.ts';
import type { PreviousEnd } from '../messages.ts';
import type { Generation } from './generation.ts';

/** A shard of the queue with the scheduler that empties it. */
export interface Shard {
  readonly number: number;
  readonly queue: Queue;
  readonly scheduler: ConfigurableScheduler;
}

/** What a shard is opened with. */
export interface ShardParts {
  readonly world: World;
  readonly journal: Journal;
  readonly timeline: Timeline;
  readonly directory: string;
  readonly previousEnd: PreviousEnd;
  /** Attempts under way to a next hop by the other shards of this worker. */
  readonly activeElsewhere: (nextHop: NextHop) => number;
  /** Called at the first attempt in a row that did not reach a next hop. */
  readonly unreached: (nextHop: NextHop) => void;
  /** Sizes of the log other than the usual ones. */
  readonly geometry?: Partial<LogGeometry>;
}

/** Levels above a shard that the service makes: the folder of all shards, the data directory, and what that lies in. */
const LEVELS = 3;

/** Opens the shard's queue and makes its scheduler, not yet started. Rejects with a `Fault` where the storage cannot be used. */
export async function openShard(number: number, generation: Generation, parts: ShardParts): Promise<Shard> {
  const { world, journal, timeline, directory } = parts;
  await world.disk.makeDirectory(directory);
  // What another process has made on the way here may not be stable yet, and what this one acknowledges hangs from it.
  for (let level = 0, at = dirname(directory); level < LEVELS; level += 1, at = dirname(at))
    await world.disk.syncDirectory(at);
  const queue = await openLogQueue({
    world,
    directory,
    shard: number,
    settings: generation.settings.queue,
    bodyMemoryMax: generation.settings.reception.bodyMemoryMax,
    journal,
    timeline,
    previousEnd: parts.previousEnd,
    ...(parts.geometry === undefined ? {} : { geometry: parts.geometry }),
  });
  const scheduler = createScheduler({
    world,
    queue,
    journal,
    timeline,
    activeElsewhere: parts.activeElsewhere,
    unreached: parts.unreached,
    ...schedulerPart(generation),
  });
  return { number, queue, scheduler };
}

/** What a scheduler takes from a configuration. */
export function schedulerPart(generation: Generation): SchedulerChanges {
  const { settings, router, courier, reporter, bounds, wantMore } = generation;
  return {
    settings: settings.scheduler,
    router,
    courier,
    reporter,
    bounds,
    wantMore,
    attemptsMax: generation.attemptsMax(),
  };
}
