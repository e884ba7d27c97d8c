/**
 * Deliveries that were in work when the worker crashed. They are tried again one at a time; one that was in work in two crashes
 * is tried while nothing else is in work; one that was alone in work in two crashes is held for a person to look at.
 */
import type { Journal } from '../../../events/journal.ts';
import type { Timeline } from '../../../mail/timeline.ts';
import { deliveryFlag } from '../index/deliveries.ts';
import type { LogStore } from './store.ts';
import type { WorkMark, WorkMarks } from './work-marks.ts';

/** How the run before ended. A kill from outside is nobody's fault. */
export type PreviousEnd = 'clean' | 'killed' | 'crashed';

interface Suspect {
  readonly row: number;
  readonly mark: WorkMark;
}

export class Suspects {
  readonly #store: LogStore;
  readonly #marks: WorkMarks;
  readonly #journal: Journal;
  readonly #timeline: Timeline | undefined;
  readonly #wanted = new Map<string, WorkMark>();
  readonly #oldSlots: number;
  readonly #crashed: boolean;
  #found: Suspect[] = [];
  #current: Suspect | undefined;
  /** The current one has been put where `claim` finds it. */
  #offered = false;

  constructor(options: {
    readonly store: LogStore;
    readonly marks: WorkMarks;
    readonly left: readonly WorkMark[];
    readonly previousEnd: PreviousEnd;
    readonly journal: Journal;
    readonly timeline: Timeline | undefined;
  }) {
    this.#store = options.store;
    this.#marks = options.marks;
    this.#journal = options.journal;
    this.#timeline = options.timeline;
    this.#oldSlots = options.marks.slots;
    this.#crashed = options.previousEnd === 'crashed';
    for (const mark of options.left) {
      if (mark.kind === 'suspect' || mark.crashes > 0 || this.#crashed)
        this.#wanted.set(`${mark.id}.${mark.ordinal}`, mark);
    }
  }

  /** Whether nothing but the current suspect may be claimed. */
  get exclusive(): boolean {
    return this.#current !== undefined && this.#current.mark.crashes > 1;
  }

  /** The row that alone may be claimed now; 0 while the work before it has not ended. */
  get exclusiveRow(): number {
    return this.exclusive && this.#offered ? (this.#current?.row ?? 0) : 0;
  }

  /** A delivery has been read back: whether it waits for its turn alone. */
  isSuspect(id: number, row: number): boolean {
    if (this.#wanted.size === 0) return false;
    const mark = this.#wanted.get(`${id}.${this.#store.index.deliveries.ordinal[row] ?? 0}`);
    if (mark === undefined) return false;
    this.#found.push({ row, mark });
    this.#store.index.deliveries.set(row, deliveryFlag.suspect);
    return true;
  }

  /** All has been read back: judges those found, and begins with the first. */
  recovered(): void {
    const { deliveries } = this.#store.index;
    const open = this.#found.filter(
      ({ row }) => deliveries.has(row, deliveryFlag.suspect) && !deliveries.has(row, deliveryFlag.ended),
    );
    const inWork = open.filter(({ mark }) => mark.kind === 'work').length;
    this.#found = [];
    this.#wanted.clear();
    for (const { row, mark } of open) {
      const guilty = this.#crashed && mark.kind === 'work';
      const after: WorkMark = {
        ...mark,
        kind: 'suspect',
        crashes: mark.crashes + Number(guilty),
        alone: mark.alone + Number(guilty && inWork === 1),
      };
      if (after.alone >= 2) this.#quarantine(row);
      else this.#found.push({ row, mark: after });
    }
    this.#marks.clearOld(this.#oldSlots);
    for (const { row, mark } of this.#found) this.#marks.set(row, mark);
    if (this.#found.length > 0) {
      this.#journal.emit('queue.suspects-found', { shard: this.#store.shard, deliveries: this.#found.length });
    }
    this.next();
  }

  /** Marks a delivery as in work. */
  begun(row: number): void {
    const { deliveries, messages } = this.#store.index;
    const { crashes, alone } = this.#current?.row === row ? this.#current.mark : NONE;
    const id = messages.id[deliveries.message[row] ?? 0] ?? 0;
    this.#marks.set(row, { kind: 'work', id, ordinal: deliveries.ordinal[row] ?? 0, crashes, alone });
  }

  /** Work on a delivery has ended, or it will not be tried. */
  over(row: number, ended: boolean): void {
    this.#marks.clear(row, ended);
    if (this.#current?.row === row) {
      const wasExclusive = this.exclusive;
      this.#current = undefined;
      this.next();
      if (wasExclusive && !this.exclusive) this.wakeAll();
    } else if (this.#found.length > 0 && this.#store.index.deliveries.has(row, deliveryFlag.suspect)) {
      this.#store.index.deliveries.clear(row, deliveryFlag.suspect);
      this.#found = this.#found.filter((one) => one.row !== row);
    } else if (this.exclusive && !this.#offered) {
      this.next();
    }
  }

  /** Offers the next suspect, where its turn has come. */
  next(): void {
    const { index } = this.#store;
    if (this.#current === undefined) {
      this.#current = this.#found.shift();
      this.#offered = false;
    }
    const current = this.#current;
    if (current === undefined || this.#offered || (this.exclusive && index.claimed > 0)) return;
    this.#offered = true;
    const { row } = current;
    index.deliveries.clear(row, deliveryFlag.suspect);
    index.deliveries.due[row] = Math.min(index.deliveries.due[row] ?? 0, this.#store.wallMs);
    if (index.deliveries.has(row, deliveryFlag.held)) return this.over(row, false);
    index.wait(row);
    index.announce(index.nextHops.names[index.deliveries.nextHop[row] ?? 0] ?? '');
  }

  /** What had to wait meanwhile is due: whoever waits hears of one next hop, and asks for all. */
  wakeAll(): void {
    const { index } = this.#store;
    const first = index.nextHops.firstDue();
    if (first !== undefined) index.announce(first);
  }

  #quarantine(row: number): void {
    const { index } = this.#store;
    const store = this.#store;
    const queueId = store.queueId(index.deliveries.message[row] ?? 0);
    const nextHop = index.nextHops.names[index.deliveries.nextHop[row] ?? 0] ?? '';
    index.deliveries.clear(row, deliveryFlag.suspect);
    index.mark(row, true, true);
    this.#journal.emit('queue.delivery-quarantined', { queueId, delivery: store.deliveryId(row), nextHop });
    this.#timeline?.add({
      atMs: store.wallMs,
      queueId,
      what: 'quarantined',
      why: 'alone in work in two crashes of the worker',
    });
    void this.#keep(row);
  }

  async #keep(row: number): Promise<void> {
    const store = this.#store;
    try {
      const { states, recipients, ownRecipients } = await store.load(row);
      store.committer.add(
        store.stateEntry(row, ownRecipients ? { states, recipients } : { states }, {}, () => undefined),
        'now',
      );
    } catch {
      // Damaged as well: it stays held in memory, and the next attempt to read it reports the damage.
    }
  }
}

const NONE = { crashes: 0, alone: 0 } as const;
