import type { Clock } from '../ports/clock.ts';
import type { SimTime } from './time.ts';

/**
 * A simulated process: an identity whose timers, streams and unfinished disk operations stop at once when it ends, and are never
 * called again.
 */
export class SimProcess {
  readonly pid: number;
  readonly name: string;
  #alive = true;
  readonly #host: { readonly powered: boolean };
  readonly #ends = new Set<(how: 'ended' | 'lost-power') => void>();

  constructor(pid: number, name: string, host: { readonly powered: boolean }) {
    this.pid = pid;
    this.name = name;
    this.#host = host;
  }

  /** Whether its machine runs, whether or not this process does. */
  get powered(): boolean {
    return this.#host.powered;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Ends it: by itself or killed, when its system cleans up after it, or with the power, when nothing does. */
  end(how: 'ended' | 'lost-power'): void {
    if (!this.#alive) return;
    this.#alive = false;
    const ends = [...this.#ends];
    this.#ends.clear();
    for (const end of ends) end(how);
  }

  /** Calls `fn` once when it ends; the answer takes that back. */
  onEnd(fn: (how: 'ended' | 'lost-power') => void): () => void {
    this.#ends.add(fn);
    return () => void this.#ends.delete(fn);
  }
}

/** The clock of a process; `wall` is that of its machine. */
export function processClock(time: SimTime, process: SimProcess, wall: () => number): Clock {
  return {
    now: () => time.now,
    wall,
    after(ms, fn) {
      const moment = time.in(ms, () => {
        if (process.alive) fn();
      });
      return {
        cancel() {
          moment.fn = undefined;
        },
      };
    },
    soon(fn) {
      time.in(0, () => {
        if (process.alive) fn();
      });
    },
  };
}
