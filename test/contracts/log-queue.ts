import type { EventName } from '../../src/events/journal.ts';
import type { LogQueue, LogQueueOptions } from '../../src/flow/queue/log/engine.ts';
import { openLogQueue } from '../../src/flow/queue/log/engine.ts';
import type { LogGeometry } from '../../src/flow/queue/limits.ts';
import type { Disk } from '../../src/world/ports/disk.ts';
import { TestClock } from './clock.ts';

/** Sizes that bring out rotation, compaction and big files with a few messages. */
export const smallGeometry: LogGeometry = {
  segmentBytes: 32 * 1024,
  batchBytes: 16 * 1024,
  inlineBytes: 4 * 1024,
  slackBytes: 64 * 1024,
  spareSegments: 2,
  reserveSegments: 1,
};

/** An engine on a disk, with what a test looks at. */
export interface OpenedLog {
  readonly queue: LogQueue;
  readonly clock: TestClock;
  readonly events: EventName[];
}

/** Opens the log engine on a disk with small sizes and waits for its recovery. */
export async function openLog(
  disk: Disk,
  change: Partial<LogQueueOptions> = {},
  clock = new TestClock(),
): Promise<OpenedLog> {
  const events: EventName[] = [];
  const queue = await openLogQueue({
    world: { clock, disk },
    directory: '/queue',
    shard: 0,
    bodyMemoryMax: 1024 ** 2,
    previousEnd: 'killed',
    geometry: smallGeometry,
    settings: { spaceFloor: 1024 ** 2, spaceResume: 2 * 1024 ** 2, freshCache: 64 * 1024, messagesMax: 1_000_000 },
    journal: { emit: (name) => void events.push(name) },
    ...change,
  });
  await queue.recovered;
  return { queue, clock, events };
}
