/** The operator's side of the queue: what is in it, and changes to many deliveries at once. */
import { expandedHop, type NextHop } from '../../../mail/next-hop.ts';
import type { Clock } from '../../../world/ports/clock.ts';
import { deliveryFlag } from '../index/deliveries.ts';
import { needsEnvelope } from '../filter.ts';
import { queueLimits } from '../limits.ts';
import type { Content, Queue, QueueCounts, QueueFilter, QueueRow } from '../port.ts';
import { untried } from '../recipient-state.ts';
import { Matching } from './matching.ts';
import { rowOf } from './operator-row.ts';
import type { LoadedDelivery, LogStore } from './store.ts';
import type { DeliveryState } from './state.ts';
import type { Suspects } from './suspects.ts';
import { smallest } from '../index/smallest.ts';

type Options = { readonly offset: number; readonly most: number; readonly envelopes: boolean };

export class Operator {
  readonly #store: LogStore;
  readonly #suspects: Suspects;
  readonly #matching: Matching;

  constructor(store: LogStore, suspects: Suspects, clock: Clock) {
    this.#store = store;
    this.#suspects = suspects;
    this.#matching = new Matching(store, clock);
  }

  counts(): QueueCounts {
    const { index } = this.#store;
    const { messages } = index;
    let oldest = Number.POSITIVE_INFINITY;
    let live = 0;
    for (let row = 1; row < messages.end; row += 1) {
      if (messages.id[row] === 0 || messages.firstDelivery[row] === 0) continue;
      live += 1;
      oldest = Math.min(oldest, messages.arrivedS[row] ?? 0);
    }
    return {
      messages: live,
      deliveries: index.open,
      held: index.held,
      quarantined: index.quarantined,
      claimed: index.claimed,
      bytes: index.bytes,
      oldestArrivalMs: live === 0 ? undefined : oldest * 1000,
      nextHops: index.nextHops.used,
    };
  }

  async list(filter: QueueFilter, options: Options): Promise<readonly QueueRow[]> {
    if (!needsEnvelope(filter)) return this.#page(filter, options);
    const rows: QueueRow[] = [];
    let skip = options.offset;
    for await (const [row, loaded] of this.#matching.deliveries(filter)) {
      if (rows.length === options.most) break;
      if (skip > 0) skip -= 1;
      else rows.push(rowOf(this.#store, row, options.envelopes ? loaded : undefined));
    }
    return rows;
  }

  /** A page of what the index alone can find: nothing before it is visited. */
  async #page(filter: QueueFilter, { offset, most, envelopes }: Options): Promise<readonly QueueRow[]> {
    const { messages } = this.#store.index;
    const ids = smallest(this.#matching.candidates(filter), offset + most);
    const rows: number[] = [];
    for (let at = offset; at < ids.length; at += 1) {
      const id = ids[at] ?? 0;
      // One id per matching delivery: how many of the same message come before this one.
      let nth = 0;
      while (ids[at - nth - 1] === id) nth += 1;
      const row = this.#matching.rowsOf(messages.byId.find(id), filter)[nth];
      if (row !== undefined) rows.push(row);
    }
    const page: QueueRow[] = [];
    for (let at = 0; at < rows.length; at += queueLimits.searchReads) {
      const part = rows.slice(at, at + queueLimits.searchReads);
      const loaded = await Promise.all(part.map((row) => (envelopes ? this.#matching.tryLoad(row) : undefined)));
      for (const [n, row] of part.entries())
        if (this.#matching.isOpen(row)) page.push(rowOf(this.#store, row, loaded[n]));
    }
    return page;
  }

  async count(filter: QueueFilter): Promise<number> {
    if (!needsEnvelope(filter)) return this.#matching.candidates(filter).length;
    let count = 0;
    for await (const _ of this.#matching.deliveries(filter)) count += 1;
    return count;
  }

  async content(id: number): Promise<Content | undefined> {
    const message = this.#store.index.messages.byId.find(id);
    if (message === 0 || this.#store.index.messages.firstDelivery[message] === 0) return undefined;
    const { head, octets } = await this.#store.loadMessage(message);
    return this.#store.contentOf(message, head, octets);
  }

  /** Leases deliveries that match, whatever they wait for. */
  async leaseMatching(filter: QueueFilter, most: number): Promise<(readonly [row: number, loaded: LoadedDelivery])[]> {
    const leased: (readonly [number, LoadedDelivery])[] = [];
    for await (const [row] of this.#matching.deliveries(filter)) {
      if (leased.length >= most) break;
      if (!this.#lease(row)) continue;
      const loaded = await this.#matching.tryLoad(row);
      if (loaded === undefined) this.#unlease(row);
      else leased.push([row, loaded]);
    }
    return leased;
  }

  hold(filter: QueueFilter): Promise<number> {
    const { index } = this.#store;
    return this.#change(filter, 'claimed too', (row) => {
      if (index.deliveries.has(row, deliveryFlag.held)) return false;
      index.mark(row, true, index.deliveries.has(row, deliveryFlag.quarantined));
      if (index.deliveries.has(row, deliveryFlag.suspect)) this.#suspects.over(row, false);
      return true;
    });
  }

  resume(filter: QueueFilter): Promise<number> {
    const { index } = this.#store;
    return this.#change(filter, 'claimed too', (row) => {
      if (!index.deliveries.has(row, deliveryFlag.held | deliveryFlag.quarantined)) return false;
      index.mark(row, false, false);
      index.deliveries.due[row] = this.#store.wallMs;
      return true;
    });
  }

  retryNow(filter: QueueFilter): Promise<number> {
    const { index } = this.#store;
    return this.#change(filter, 'waiting only', (row) => {
      if (index.deliveries.has(row, deliveryFlag.held)) return false;
      index.deliveries.due[row] = this.#store.wallMs;
      return true;
    });
  }

  async remove(filter: QueueFilter): Promise<number> {
    const stable: Promise<void>[] = [];
    let removed = 0;
    for await (const [row] of this.#matching.deliveries(filter)) {
      if (!this.#lease(row)) continue;
      const loaded = await this.#matching.tryLoad(row);
      removed += 1;
      stable.push(
        new Promise((resolve) => {
          const done = (): void => {
            this.#suspects.over(row, true);
            resolve();
          };
          this.#store.committer.add(this.#store.endEntry(row, stateOf(loaded), {}, done), 'lazy');
        }),
      );
    }
    await this.#settle(stable);
    return removed;
  }

  async reroute(filter: QueueFilter, route: Parameters<Queue['reroute']>[1]): Promise<number> {
    const stable: Promise<void>[] = [];
    let moved = 0;
    for await (const [row] of this.#matching.deliveries(filter)) {
      if (!this.#lease(row)) continue;
      const loaded = await this.#matching.tryLoad(row);
      if (loaded !== undefined && this.#split(row, loaded, route, stable)) moved += 1;
      else this.#unlease(row);
    }
    await this.#settle(stable);
    return moved;
  }

  /** Moves a leased delivery to the next hops of its waiting recipients; false where it is there already. */
  #split(
    row: number,
    loaded: LoadedDelivery,
    route: Parameters<Queue['reroute']>[1],
    stable: Promise<void>[],
  ): boolean {
    const { index, committer } = this.#store;
    const { deliveries } = index;
    const before = index.nextHops.names[deliveries.nextHop[row] ?? 0] ?? '';
    if (before === expandedHop) return false;
    const groups = new Map<NextHop, number[]>();
    for (const [at, recipient] of loaded.recipients.entries()) {
      if ((loaded.states[at] ?? untried).state !== 'waiting') continue;
      const nextHop = route(recipient, loaded.head.envelope);
      const group = groups.get(nextHop);
      if (group === undefined) groups.set(nextHop, [at]);
      else group.push(at);
    }
    const [first, ...others] = groups;
    if (first === undefined || (others.length === 0 && first[0] === before)) return false;
    const message = deliveries.message[row] ?? 0;
    const pick = (indexes: readonly number[]): DeliveryState => ({
      recipients: indexes.flatMap((at) => loaded.recipients[at] ?? []),
      states: indexes.map((at) => loaded.states[at] ?? untried),
    });
    const now = this.#store.wallMs;
    let ordinal = 0;
    for (let one = index.messages.firstDelivery[message] ?? 0; one !== 0; one = deliveries.sibling[one] ?? 0) {
      ordinal = Math.max(ordinal, deliveries.ordinal[one] ?? 0);
    }
    // The parts travel in one chain: a recipient is never in two deliveries, and never in none.
    const entries = others.map(([nextHop, indexes]) => {
      ordinal += 1;
      const part = index.addDelivery(message, ordinal);
      this.#inherit(part, row, nextHop);
      return this.#chained(part, pick(indexes), {}, stable);
    });
    entries.push(
      this.#chained(
        row,
        others.length === 0 ? stateOf(loaded) : pick(first[1]),
        { nextHop: first[0], dueMs: now },
        stable,
      ),
    );
    for (const entry of entries.slice(0, -1)) entry.record[9] = (entry.record[9] ?? 0) | 4;
    committer.addChain(entries);
    return true;
  }

  #inherit(part: number, row: number, nextHop: NextHop): void {
    const { index } = this.#store;
    const { deliveries } = index;
    deliveries.class[part] = deliveries.class[row] ?? 0;
    deliveries.attempts[part] = deliveries.attempts[row] ?? 0;
    deliveries.due[part] = this.#store.wallMs;
    index.mark(part, deliveries.has(row, deliveryFlag.held), deliveries.has(row, deliveryFlag.quarantined));
    index.direct(part, nextHop, this.#store.wallMs);
    index.lease(part);
  }

  #chained(
    row: number,
    state: DeliveryState,
    change: { readonly nextHop?: NextHop; readonly dueMs?: number },
    stable: Promise<void>[],
  ) {
    let settle = (): void => undefined;
    stable.push(
      new Promise((resolve) => {
        settle = resolve;
      }),
    );
    return this.#store.stateEntry(row, state, change, () => {
      this.#unlease(row);
      settle();
    });
  }

  /** Changes the deliveries that match and makes the change stable; `change` says whether it did anything. */
  async #change(
    filter: QueueFilter,
    which: 'claimed too' | 'waiting only',
    change: (row: number) => boolean,
  ): Promise<number> {
    const stable: Promise<void>[] = [];
    let changed = 0;
    for await (const [row] of this.#matching.deliveries(filter)) {
      const { deliveries } = this.#store.index;
      if (deliveries.has(row, deliveryFlag.claimed)) {
        // Its owner writes the change with the outcome.
        if (which === 'claimed too' && change(row)) changed += 1;
        continue;
      }
      if (!this.#lease(row)) continue;
      const loaded = await this.#matching.tryLoad(row);
      if (loaded === undefined || !change(row)) {
        this.#unlease(row);
        continue;
      }
      changed += 1;
      stable.push(
        new Promise((resolve) => {
          const done = (): void => {
            this.#unlease(row);
            resolve();
          };
          this.#store.committer.add(this.#store.stateEntry(row, stateOf(loaded), {}, done), 'lazy');
        }),
      );
    }
    await this.#settle(stable);
    return changed;
  }

  /** Waits for records that were handed over to travel with others: now they go. */
  async #settle(stable: readonly Promise<void>[]): Promise<void> {
    if (stable.length === 0) return;
    void this.#store.committer.flush();
    await Promise.all(stable);
  }

  #lease(row: number): boolean {
    if (!this.#matching.isOpen(row) || this.#store.index.deliveries.has(row, deliveryFlag.claimed)) return false;
    this.#store.index.lease(row);
    return true;
  }

  #unlease(row: number): void {
    this.#store.index.unlease(row);
    this.#suspects.next();
    this.#store.index.wait(row);
  }
}

function stateOf(loaded: LoadedDelivery | undefined): DeliveryState {
  if (loaded === undefined) return { states: [] };
  return loaded.ownRecipients ? { states: loaded.states, recipients: loaded.recipients } : { states: loaded.states };
}
