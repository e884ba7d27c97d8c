import type { DequeueEntry } from '../../settings/dequeue.ts';
import { RETRY_FIRST_MS, RETRY_MAX_MS, USUAL_EVERY_MS } from './limits.ts';

const DAYS_LOOKED_AT = 3;

/** The time between runs of an entry; undefined where only times of day are given. */
export function intervalOf({ every, at }: Pick<DequeueEntry, 'every' | 'at'>): number | undefined {
  return every ?? (at === undefined ? USUAL_EVERY_MS : undefined);
}

/** The first of some times of day after a moment, by the time zone of the host; undefined where there are none. */
export function nextTimeOfDay(at: readonly string[], afterMs: number): number | undefined {
  const start = new Date(afterMs);
  let first: number | undefined;
  for (const text of at) {
    const [hour = 0, minute = 0] = text.split(':').map(Number);
    // A day on which that time does not exist, because the clocks are put forward, has it an hour later.
    for (let day = 0; day < DAYS_LOOKED_AT; day += 1) {
      const time = new Date(start.getFullYear(), start.getMonth(), start.getDate() + day, hour, minute).getTime();
      if (time <= afterMs) continue;
      if (first === undefined || time < first) first = time;
      break;
    }
  }
  return first;
}

/** The wait after so many failed runs in a row: soon again, then less and less often. */
export function retryWait(failures: number): number {
  return Math.min(RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 10), RETRY_MAX_MS);
}
