/**
 * One coarse timer for thousands of deadlines. Setting a later deadline costs one assignment: the entry stays in its slot
 * and is looked at again when the slot comes round. The only timer of the clock runs while there are entries.
 */
import type { Clock, Timer } from '../../world/ports/clock.ts';
import { tickMs, wheelSlots } from './limits.ts';

/** Something with a deadline. Owned by the wheel between `set` and `forget`. */
export class Deadline {
  /** What to do when it has passed; called at most once per `set`. */
  readonly expired: () => void;
  /** Monotonic; Infinity while none is set. */
  atMs = Infinity;
  slot = -1;

  constructor(expired: () => void) {
    this.expired = expired;
  }
}

/** The wheel. Deadlines pass up to one tick late, never early. */
export class TimerWheel {
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #slots: (Set<Deadline> | undefined)[] = new Array<Set<Deadline> | undefined>(wheelSlots).fill(undefined);
  #count = 0;
  /** Number of the tick that was handled last. */
  #tick = 0;
  #timer: Timer | undefined;

  constructor(clock: Pick<Clock, 'now' | 'after'>) {
    this.#clock = clock;
  }

  /** Entries with a deadline. */
  get size(): number {
    return this.#count;
  }

  /** Sets or moves a deadline. */
  set(deadline: Deadline, atMs: number): void {
    deadline.atMs = atMs;
    if (deadline.slot === -1) {
      if (this.#count === 0) this.#tick = Math.floor(this.#clock.now() / tickMs);
      this.#count += 1;
      this.#insert(deadline);
      this.#timer ??= this.#clock.after(tickMs, () => this.#turn());
      return;
    }
    const slot = this.#slotOf(atMs);
    // Later ones wait for their old slot; only an earlier one must move.
    if (this.#distance(slot) < this.#distance(deadline.slot)) {
      this.#slots[deadline.slot]?.delete(deadline);
      this.#insert(deadline);
    }
  }

  /** Takes a deadline out. */
  forget(deadline: Deadline): void {
    if (deadline.slot === -1) return;
    this.#slots[deadline.slot]?.delete(deadline);
    deadline.slot = -1;
    deadline.atMs = Infinity;
    this.#count -= 1;
    if (this.#count === 0) this.stop();
  }

  /** Ends the timer; entries stay without one. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #slotOf(atMs: number): number {
    const tick = Math.ceil(atMs / tickMs);
    const ahead = Math.min(Math.max(tick - this.#tick, 1), wheelSlots - 1);
    return (this.#tick + ahead) % wheelSlots;
  }

  #distance(slot: number): number {
    return (slot - (this.#tick % wheelSlots) + wheelSlots) % wheelSlots;
  }

  #insert(deadline: Deadline): void {
    const slot = this.#slotOf(deadline.atMs);
    deadline.slot = slot;
    const set = this.#slots[slot];
    if (set === undefined) this.#slots[slot] = new Set([deadline]);
    else set.add(deadline);
  }

  #turn(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    const until = Math.floor(now / tickMs);
    // After a long stop of the process every slot has come round once; going round again would find nothing.
    const from = Math.max(this.#tick + 1, until - wheelSlots + 1);
    const due: Deadline[] = [];
    for (let tick = from; tick <= until; tick += 1) {
      const set = this.#slots[tick % wheelSlots];
      if (set === undefined) continue;
      this.#slots[tick % wheelSlots] = undefined;
      for (const deadline of set) due.push(deadline);
    }
    this.#tick = Math.max(this.#tick, until);
    for (const deadline of due) deadline.slot = -1;
    const passed: Deadline[] = [];
    for (const deadline of due) {
      if (deadline.atMs > now) this.#insert(deadline);
      else passed.push(deadline);
    }
    this.#count -= passed.length;
    if (this.#count > 0) this.#timer = this.#clock.after(tickMs, () => this.#turn());
    for (const deadline of passed) {
      if (deadline.slot !== -1) continue;
      deadline.atMs = Infinity;
      deadline.expired();
    }
  }
}
