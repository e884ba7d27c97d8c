/** Which deliveries an operator's filter means. */
import { parseQueueId } from '../../../mail/queue-id.ts';
import type { Clock } from '../../../world/ports/clock.ts';
import { lastOf, matchesEnvelope, needsEnvelope } from '../filter.ts';
import { deliveryFlag } from '../index/deliveries.ts';
import { messageFlag } from '../index/messages.ts';
import { queueLimits } from '../limits.ts';
import type { QueueFilter } from '../port.ts';
import { Slices } from './reader.ts';
import type { LoadedDelivery, LogStore } from './store.ts';

/** Finds deliveries by the index, and reads envelopes only where a filter needs them. */
export class Matching {
  readonly #store: LogStore;
  readonly #clock: Clock;

  constructor(store: LogStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Whether a delivery still exists and has not ended. */
  isOpen(row: number): boolean {
    const { deliveries, messages } = this.#store.index;
    const message = deliveries.message[row] ?? 0;
    return message !== 0 && !deliveries.has(row, deliveryFlag.ended) && !messages.has(message, messageFlag.ended);
  }

  /** The delivery with its envelope; undefined where its record is damaged. */
  async tryLoad(row: number): Promise<LoadedDelivery | undefined> {
    try {
      return await this.#store.load(row);
    } catch {
      // Damaged: shown and removed without its envelope; the event comes with the attempt.
      return undefined;
    }
  }

  /** Open deliveries that match, in the order of arrival; where the envelope was needed, with it. */
  async *deliveries(filter: QueueFilter): AsyncGenerator<readonly [row: number, loaded: LoadedDelivery | undefined]> {
    const { messages } = this.#store.index;
    const ids = this.candidates(filter).sort();
    const slices = new Slices(this.#clock);
    const readEnvelopes = needsEnvelope(filter);
    for (let at = 0; at < ids.length; at += queueLimits.searchReads) {
      if (slices.over) await slices.turn();
      const rows: number[] = [];
      let before = -1;
      for (const id of ids.subarray(at, at + queueLimits.searchReads)) {
        // One id per matching delivery: all of a message come with its first.
        if (id !== before && ids[at - 1] !== id) rows.push(...this.rowsOf(messages.byId.find(id), filter));
        before = id;
      }
      if (!readEnvelopes) {
        for (const row of rows) yield [row, undefined];
        continue;
      }
      const loaded = await Promise.all(rows.map((row) => this.tryLoad(row)));
      for (const [n, row] of rows.entries()) {
        const one = loaded[n];
        if (
          one !== undefined &&
          this.isOpen(row) &&
          matchesEnvelope(filter, one.head.envelope, one.recipients, one.head.messageId)
        )
          yield [row, one];
      }
    }
  }

  /** Ids of the messages of matching deliveries, one per delivery, as far as the index can tell. */
  candidates(filter: QueueFilter): Float64Array {
    const { deliveries, messages } = this.#store.index;
    if (filter.queueId !== undefined) {
      const name = parseQueueId(filter.queueId);
      const message = name === undefined || name.shard !== this.#store.shard ? 0 : messages.byId.find(name.id);
      return Float64Array.from(this.rowsOf(message, filter), () => name?.id ?? 0);
    }
    const ids = new Float64Array(this.#store.index.open);
    const matches = this.#predicate(filter);
    let used = 0;
    for (let row = 1; row < deliveries.end && used < ids.length; row += 1) {
      if (!matches(row)) continue;
      ids[used] = messages.id[deliveries.message[row] ?? 0] ?? 0;
      used += 1;
    }
    return ids.subarray(0, used);
  }

  /** The matching deliveries of a message, in their order. */
  rowsOf(message: number, filter: QueueFilter): number[] {
    const { deliveries, messages } = this.#store.index;
    const rows: number[] = [];
    const matches = this.#predicate(filter);
    if (message === 0) return rows;
    for (let row = messages.firstDelivery[message] ?? 0; row !== 0; row = deliveries.sibling[row] ?? 0)
      if (matches(row)) rows.push(row);
    return rows.sort((a, b) => (deliveries.ordinal[a] ?? 0) - (deliveries.ordinal[b] ?? 0));
  }

  #predicate(filter: QueueFilter): (row: number) => boolean {
    const { deliveries, messages, nextHops } = this.#store.index;
    const hop = filter.nextHop === undefined ? undefined : nextHops.find(filter.nextHop);
    const arrivedBefore =
      filter.olderThanMs === undefined ? undefined : (this.#store.wallMs - filter.olderThanMs) / 1000;
    const after = lastOf(filter, this.#store.shard);
    return (row) => {
      const message = deliveries.message[row] ?? 0;
      if (
        message === 0 ||
        deliveries.has(row, deliveryFlag.ended) ||
        messages.has(message, messageFlag.ended | messageFlag.awaited)
      )
        return false;
      if (hop !== undefined && deliveries.nextHop[row] !== hop) return false;
      if ((messages.id[message] ?? 0) <= after) return false;
      if (filter.held !== undefined && deliveries.has(row, deliveryFlag.held) !== filter.held) return false;
      return arrivedBefore === undefined || (messages.arrivedS[message] ?? 0) < arrivedBefore;
    };
  }
}
