import type { Clock, Timer } from '../../world/ports/clock.ts';

/** When the next attempt begins beside one that has not ended. */
export interface Overlap {
  readonly ms: number;
  readonly clock: Pick<Clock, 'after'>;
}

/**
 * Makes attempts in turn until one is good, and resolves with that, else with the one that ended last. With an overlap the next one also
 * begins while those before may still end well: who is slow is not given up, and whoever comes after is not kept waiting.
 */
export function firstGood<T>(
  count: number,
  attempt: (index: number) => Promise<T>,
  isGood: (end: T) => boolean,
  overlap?: Overlap,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let begun = 0;
    let open = 0;
    let over = false;
    let timer: Timer | undefined;
    const begin = (): void => {
      timer?.cancel();
      const index = begun;
      begun += 1;
      open += 1;
      if (overlap !== undefined && begun < count) timer = overlap.clock.after(overlap.ms, begin);
      attempt(index).then((end) => {
        open -= 1;
        if (over) return;
        if (!isGood(end) && begun < count) return begin();
        if (!isGood(end) && open > 0) return;
        over = true;
        timer?.cancel();
        resolve(end);
      }, reject);
    };
    begin();
  });
}
