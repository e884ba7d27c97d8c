/** What a worker may do with the file descriptors that are allowed to it: the queue keeps its own, sessions and deliveries get the rest. */
import { descriptorsReserveOf } from '../../flow/reception/limits.ts';
import type { Journal } from '../../events/journal.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Generation } from './generation.ts';

/** The descriptors of this process. */
export interface Descriptors {
  used(): number;
  readonly limit: number;
}

/** Below this limit (RLIMIT_NOFILE) it is said what it leaves room for, and fewer deliveries run at a time. */
const ENOUGH = 512;

/** An attempt has a connection and files, and slow ones wait beside it. */
const PER_ATTEMPT = 32;

const LOOK_MS = 5_000;

/** How many attempts may run at once under a limit of descriptors, where the settings allow `wanted`. */
export function attemptsWithin(limit: number, wanted: number): number {
  return limit >= ENOUGH ? wanted : Math.max(1, Math.min(wanted, Math.floor(limit / PER_ATTEMPT)));
}

/** Sessions that there is room for besides what the process has open without them. */
export function sessionsWithin({ limit, used }: Descriptors): number {
  return Math.max(0, limit - descriptorsReserveOf(limit) - used());
}

/** What watching the descriptors needs of a worker that runs. */
export interface Watched {
  readonly generation: Pick<Generation, 'attemptsMax'>;
  readonly workers: number;
  readonly journal: Journal;
  /** Called when another limit holds: more or fewer deliveries may run. */
  readonly limitChanged: () => void;
}

/**
 * Says what few descriptors leave room for, once for all workers, and when there are enough. A limit may be changed while the process
 * runs (prlimit): the worker takes it without a restart.
 */
export function watchDescriptors(
  {
    world,
    descriptors,
  }: { readonly world: { readonly clock: Pick<Clock, 'after'> }; readonly descriptors: Descriptors },
  running: Watched,
  worker: number,
): void {
  let { limit } = descriptors;
  const tell = (before: number): void => {
    if (worker !== 0) return;
    const { journal, generation, workers } = running;
    if (limit < ENOUGH) {
      const attempts = generation.attemptsMax() * workers;
      journal.emit('service.descriptors-few', { limit, sessions: sessionsWithin(descriptors) * workers, attempts });
    } else if (before < ENOUGH) journal.emit('service.descriptors-enough', { limit });
  };
  tell(limit);
  const look = (): void => {
    const before = limit;
    limit = descriptors.limit;
    if (limit !== before) {
      running.limitChanged();
      tell(before);
    }
    world.clock.after(LOOK_MS, look);
  };
  world.clock.after(LOOK_MS, look);
}
