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

const LOOK_MS = 10_000;

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
  /** Called when there are enough: more deliveries may run. */
  readonly moreAttempts: () => void;
}

/**
 * Says what few descriptors leave room for, once for all workers, and when there are enough: a limit may be raised while the process
 * runs (prlimit).
 */
export function watchDescriptors(
  {
    world,
    descriptors,
  }: { readonly world: { readonly clock: Pick<Clock, 'after'> }; readonly descriptors: Descriptors },
  running: Watched,
  worker: number,
): void {
  const { limit } = descriptors;
  if (limit >= ENOUGH) return;
  if (worker === 0)
    running.journal.emit('service.descriptors-few', {
      limit,
      sessions: sessionsWithin(descriptors) * running.workers,
      attempts: running.generation.attemptsMax() * running.workers,
    });
  const look = (): void => {
    descriptors.used(); // reads the limit anew
    if (descriptors.limit < ENOUGH) return void world.clock.after(LOOK_MS, look);
    running.moreAttempts();
    if (worker === 0) running.journal.emit('service.descriptors-enough', { limit: descriptors.limit });
  };
  world.clock.after(LOOK_MS, look);
}
