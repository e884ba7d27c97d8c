import type { Clock, Timer } from '../../src/world/ports/clock.ts';

/** Time that moves only when told to. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #epoch: number;
  #timers: { at: number; fn: () => void }[] = [];

  constructor(epoch = 1_700_000_000_000) {
    this.#epoch = epoch;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#epoch + this.#now;
  }

  after(ms: number, fn: () => void): Timer {
    const timer = { at: this.#now + ms, fn };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  soon(fn: () => void): void {
    setImmediate(fn);
  }

  /** Timers that have been set and have not fired. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets time pass, firing what becomes due in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
    }
    this.#now = end;
  }
}
