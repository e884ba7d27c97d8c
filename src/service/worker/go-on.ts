import type { Scheduler } from '../../flow/scheduler/port.ts';
import type { Clock } from '../../world/ports/clock.ts';

/** By then the outcome is recorded of an attempt that met the trouble just before it was over. */
const LATECOMERS_MS = 3000;

/** Lets mail go on that waits for a proxy or gateway which works again, also what comes to wait for it in this moment. */
export function letGoOn(
  clock: Pick<Clock, 'after'>,
  shards: readonly { readonly scheduler: Pick<Scheduler, 'again'> }[],
  cause: string,
): void {
  const again = (): void => {
    for (const { scheduler } of shards) void scheduler.again(cause);
  };
  again();
  clock.after(LATECOMERS_MS, again);
}
