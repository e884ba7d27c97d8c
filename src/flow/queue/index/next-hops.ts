import type { NextHop } from '../../../mail/next-hop.ts';
import { queueLimits } from '../limits.ts';
import type { Deliveries } from './deliveries.ts';
import { PairingHeaps } from './pairing-heap.ts';
import { Table, widened } from './table.ts';

const CLASSES = 3;

/**
 * The next hops that deliveries wait for. Each has a heap of its deliveries per class; those that nobody has taken are
 * themselves in a heap by the time from which they may be tried. A resting next hop costs nothing, however much waits for it.
 */
export class NextHops extends Table {
  readonly names: NextHop[] = [''];
  readonly #rows = new Map<NextHop, number>();
  readonly #deliveries: Deliveries;
  /** Roots of the heaps of waiting deliveries, one per class. */
  #roots = new Uint32Array(64 * CLASSES);
  #notBefore = new Float64Array(64);
  #eligible = new Float64Array(64);
  #taken = new Uint8Array(64);
  #queued = new Uint8Array(64);
  /** Deliveries that name the next hop. */
  #references = new Uint32Array(64);
  readonly #heap: PairingHeaps;
  #root = 0;
  /** Rows without deliveries, kept for their rest. */
  #idle = 0;

  constructor(deliveries: Deliveries) {
    super(64);
    this.#deliveries = deliveries;
    this.#heap = new PairingHeaps(64, (a, b) => {
      const eligibleA = this.#eligible[a] ?? 0;
      const eligibleB = this.#eligible[b] ?? 0;
      return eligibleA !== eligibleB ? eligibleA < eligibleB : a < b;
    });
  }

  /** How many have deliveries. */
  get used(): number {
    return this.count - this.#idle;
  }

  /** The row of a next hop, 0 where it is not known. */
  find(name: NextHop): number {
    return this.#rows.get(name) ?? 0;
  }

  /** The row of a next hop for one more delivery. */
  refer(name: NextHop): number {
    const known = this.#rows.get(name);
    if (known !== undefined) {
      if (this.#references[known] === 0) this.#idle -= 1;
      this.#references[known] = (this.#references[known] ?? 0) + 1;
      return known;
    }
    const row = this.take();
    this.names[row] = name;
    this.#rows.set(name, row);
    this.#roots.fill(0, row * CLASSES, row * CLASSES + CLASSES);
    this.#notBefore[row] = 0;
    this.#taken[row] = 0;
    this.#queued[row] = 0;
    this.#references[row] = 1;
    return row;
  }

  /** One delivery less; a next hop without deliveries is forgotten once it neither rests nor is taken. */
  unrefer(row: number, nowMs: number): void {
    this.#references[row] = (this.#references[row] ?? 1) - 1;
    if (this.#references[row] !== 0) return;
    this.#idle += 1;
    if (this.#taken[row] === 0 && (this.#notBefore[row] ?? 0) <= nowMs) this.#forget(row);
    else if (this.#idle > queueLimits.restingNextHops && this.#idle > this.count / 2) this.#sweep(nowMs);
  }

  /** Adds a waiting delivery; whether somebody who waits for `nextDueMs` must hear of it. */
  wait(delivery: number): boolean {
    const row = this.#deliveries.nextHop[delivery] ?? 0;
    const slot = row * CLASSES + (this.#deliveries.class[delivery] ?? 0);
    this.#roots[slot] = this.#deliveries.heaps.insert(this.#roots[slot] ?? 0, delivery);
    if (this.#taken[row] === 1) return true;
    const before = this.nextDueMs() ?? Number.POSITIVE_INFINITY;
    this.#update(row);
    return (this.nextDueMs() ?? Number.POSITIVE_INFINITY) < before;
  }

  /** Takes a waiting delivery out. */
  unwait(delivery: number): void {
    const row = this.#deliveries.nextHop[delivery] ?? 0;
    const slot = row * CLASSES + (this.#deliveries.class[delivery] ?? 0);
    this.#roots[slot] = this.#deliveries.heaps.remove(this.#roots[slot] ?? 0, delivery);
    this.#update(row);
  }

  /** Takes out the delivery to try first, of those due; 0 where none is. */
  popDue(row: number, nowMs: number): number {
    for (let slot = row * CLASSES; slot < row * CLASSES + CLASSES; slot += 1) {
      const root = this.#roots[slot] ?? 0;
      if (root === 0 || (this.#deliveries.due[root] ?? 0) > nowMs) continue;
      this.#roots[slot] = this.#deliveries.heaps.pop(root);
      if (this.#taken[row] === 0) this.#update(row);
      return root;
    }
    return 0;
  }

  /** Takes the next hop that has been eligible longest; 0 where none is. */
  takeDue(nowMs: number): number {
    const row = this.#root;
    if (row === 0 || (this.#eligible[row] ?? 0) > nowMs) return 0;
    this.takeRow(row);
    return row;
  }

  /** Takes one next hop, whether it is due or not. */
  takeRow(row: number): void {
    this.#taken[row] = 1;
    this.#unqueue(row);
  }

  /** When a next hop may be tried, by its deliveries and its rest; never while it is taken. */
  eligibleMs(row: number): number {
    return this.#queued[row] === 1 ? (this.#eligible[row] ?? 0) : Number.POSITIVE_INFINITY;
  }

  /** Gives a next hop back. */
  rearm(row: number, notBeforeMs: number, nowMs: number): void {
    this.#taken[row] = 0;
    this.#notBefore[row] = notBeforeMs;
    if (this.#references[row] === 0 && notBeforeMs <= nowMs) this.#forget(row);
    else this.#update(row);
  }

  /** The next hop that `nextDueMs` speaks of. */
  firstDue(): NextHop | undefined {
    return this.#root === 0 ? undefined : this.names[this.#root];
  }

  nextDueMs(): number | undefined {
    return this.#root === 0 ? undefined : this.#eligible[this.#root];
  }

  #update(row: number): void {
    if (this.#taken[row] === 1) return;
    let due = Number.POSITIVE_INFINITY;
    for (let slot = row * CLASSES; slot < row * CLASSES + CLASSES; slot += 1) {
      const root = this.#roots[slot] ?? 0;
      if (root !== 0) due = Math.min(due, this.#deliveries.due[root] ?? 0);
    }
    if (due === Number.POSITIVE_INFINITY) return this.#unqueue(row);
    const eligible = Math.max(due, this.#notBefore[row] ?? 0);
    if (this.#queued[row] === 1) {
      if (this.#eligible[row] === eligible) return;
      this.#unqueue(row);
    }
    this.#eligible[row] = eligible;
    this.#queued[row] = 1;
    this.#root = this.#heap.insert(this.#root, row);
  }

  #unqueue(row: number): void {
    if (this.#queued[row] === 0) return;
    this.#queued[row] = 0;
    this.#root = this.#heap.remove(this.#root, row);
  }

  #forget(row: number): void {
    this.#unqueue(row);
    this.#rows.delete(this.names[row] ?? '');
    this.names[row] = '';
    this.#idle -= 1;
    this.give(row);
  }

  #sweep(nowMs: number): void {
    for (const row of [...this.#rows.values()]) {
      if (this.#references[row] === 0 && this.#taken[row] === 0 && (this.#notBefore[row] ?? 0) <= nowMs)
        this.#forget(row);
    }
  }

  protected override widen(capacity: number): void {
    this.#roots = widened(this.#roots, Uint32Array, capacity * CLASSES);
    this.#notBefore = widened(this.#notBefore, Float64Array, capacity);
    this.#eligible = widened(this.#eligible, Float64Array, capacity);
    this.#taken = widened(this.#taken, Uint8Array, capacity);
    this.#queued = widened(this.#queued, Uint8Array, capacity);
    this.#references = widened(this.#references, Uint32Array, capacity);
    this.#heap.grow(capacity);
  }
}
