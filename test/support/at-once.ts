import type { Clock } from '../../src/world/ports/clock.ts';

/** A clock on which everything that is waited for happens at once. */
export const atOnce: Clock = {
  now: () => 0,
  wall: () => 0,
  soon: (fn) => fn(),
  after(_ms, fn) {
    fn();
    return { cancel() {} };
  },
};
