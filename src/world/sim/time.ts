/** Something that happens at a moment of simulated time. */
export interface Moment {
  readonly at: number;
  readonly order: number;
  fn: (() => void) | undefined;
}

/**
 * Simulated time: everything that happens is a moment in one heap, in the order of time and, at the same time, of arrangement.
 * Nothing passes between moments, so a run takes as long as it computes.
 */
export class SimTime {
  #now = 0;
  #order = 0;
  /** Moments that have been. */
  count = 0;
  readonly #heap: Moment[] = [];

  get now(): number {
    return this.#now;
  }

  /** Arranges for `fn` to be called `ms` from now. */
  in(ms: number, fn: () => void): Moment {
    this.#order += 1;
    const moment: Moment = { at: this.#now + Math.max(0, ms), order: this.#order, fn };
    this.#push(moment);
    return moment;
  }

  /**
   * Lets time pass until `over` says so (looked at before every moment) or nothing is left to happen. `turn` must resolve when all
   * promises that could be settled have been: a turn of the real event loop.
   */
  async run(turn: () => Promise<void>, over: () => boolean): Promise<'over' | 'nothing-left'> {
    await turn();
    while (!over()) {
      const moment = this.#pop();
      if (moment === undefined) return 'nothing-left';
      const { fn } = moment;
      if (fn === undefined) continue;
      this.#now = moment.at;
      this.count += 1;
      fn();
      await turn();
    }
    return 'over';
  }

  #push(moment: Moment): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(moment);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || before(parent, moment)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = moment;
  }

  #pop(): Moment | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      let child = heap[down];
      if (child === undefined) break;
      const right = heap[down + 1];
      if (right !== undefined && before(right, child)) {
        down += 1;
        child = right;
      }
      if (before(last, child)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Moment, b: Moment): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
