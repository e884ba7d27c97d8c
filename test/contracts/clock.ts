import type { Clock, Timer } from '../../src/world/ports/clock.ts';

/** A clock for tests: the wall stands still until it is set; a timer fires as soon as nothing else is to be done, whatever its length. */
export class TestClock implements Clock {
  readonly #timers = new Set<{ readonly atMs: number; readonly fn: () => void }>();
  #nowMs = 0;
  #armed = false;
  #stopped = false;
  wallMs = 1_800_000_000_000;

  now(): number {
    return this.#nowMs;
  }

  wall(): number {
    return this.wallMs;
  }

  soon(fn: () => void): void {
    setImmediate(fn);
  }

  after(ms: number, fn: () => void): Timer {
    const timer = { atMs: this.#nowMs + ms, fn };
    this.#timers.add(timer);
    this.#arm();
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** No timer fires any more: the process that set them is gone. */
  stop(): void {
    this.#stopped = true;
    this.#timers.clear();
  }

  #arm(): void {
    if (this.#armed || this.#stopped) return;
    this.#armed = true;
    setImmediate(() => setImmediate(() => this.#fire()));
  }

  #fire(): void {
    this.#armed = false;
    const first = [...this.#timers].sort((a, b) => a.atMs - b.atMs)[0];
    if (first === undefined) return;
    this.#timers.delete(first);
    this.#nowMs = Math.max(this.#nowMs, first.atMs);
    first.fn();
    this.#arm();
  }
}

/** Chance that a seed decides. */
export function seeded(seed: number): { fraction(): number } {
  let state = (seed * 2654435761 + 1) >>> 0;
  return {
    fraction() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    },
  };
}
