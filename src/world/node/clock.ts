import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from '../ports/clock.ts';

/** Timers over 2^31 ms fire at once in Node: longer ones are walked in steps. */
const STEP_MS = 2_000_000_000;

class LongTimer implements Timer {
  #timer: NodeJS.Timeout;

  constructor(ms: number, fn: () => void) {
    this.#timer = this.#set(ms, fn);
  }

  #set(ms: number, fn: () => void): NodeJS.Timeout {
    if (ms <= STEP_MS) return setTimeout(fn, Math.max(0, ms));
    return setTimeout(() => {
      this.#timer = this.#set(ms - STEP_MS, fn);
    }, STEP_MS);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}

/** The machine's clocks. */
export const nodeClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, fn) => new LongTimer(ms, fn),
  soon: (fn) => void setImmediate(fn),
};
