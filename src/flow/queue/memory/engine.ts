/** The reference engine: the queue's door over plain maps, nothing durable. What it does is what every engine must do. */
import { assert } from '../../../base/assert.ts';
import { Fault } from '../../../events/fault.ts';
import { printMailbox } from '../../../mail/mailbox.ts';
import { expandedHop, type NextHop } from '../../../mail/next-hop.ts';
import type { QueueId } from '../../../mail/queue-id.ts';
import { makeQueueId } from '../../../mail/queue-id.ts';
import type { World } from '../../../world/world.ts';
import { lastOf, matchesEnvelope, needsEnvelope } from '../filter.ts';
import type {
  AttemptRecord,
  Claim,
  Content,
  Draft,
  NewMessage,
  Queue,
  QueueCondition,
  QueueCounts,
  QueueFilter,
  QueueRow,
} from '../port.ts';
import { MemoryDraft } from './draft.ts';
import { classOf, contentOf, deliveryId, type HeldDelivery, type HeldMessage, split, waiting } from './held.ts';
import { allFinal, claimedRecipients, untried, withOutcomes } from '../recipient-state.ts';

interface HopState {
  taken: boolean;
  notBeforeMs: number;
}

/** What the reference engine needs. */
export interface MemoryQueueOptions {
  readonly world: Pick<World, 'clock'>;
  readonly shard: number;
}

/** Opens an empty queue. */
export function openMemoryQueue(options: MemoryQueueOptions): Queue {
  return new MemoryQueue(options);
}

class MemoryQueue implements Queue {
  readonly #options: MemoryQueueOptions;
  readonly #hops = new Map<NextHop, HopState>();
  readonly #leases = new Map<Claim, HeldDelivery>();
  #deliveries: HeldDelivery[] = [];
  #ids = 0;
  #closed = false;
  #listener: (nextHop: NextHop) => void = () => undefined;

  constructor(options: MemoryQueueOptions) {
    this.#options = options;
  }

  condition(): QueueCondition {
    if (!this.#closed) return { accepting: true };
    return { accepting: false, reply: { code: 452, detail: '3.1', text: ['insufficient system storage'] } };
  }

  begin(): Draft {
    return new MemoryDraft((message, content) => {
      if (this.#closed) throw new Fault('queue.not-accepting', { shard: this.#options.shard, why: 'closing' });
      return this.#insert(message, content);
    });
  }

  async takeDue(nowMs: number, most: number): Promise<readonly NextHop[]> {
    const eligible = [...new Set(this.#deliveries.map((one) => one.nextHop))]
      .map((nextHop) => ({ nextHop, atMs: this.#eligibleMs(nextHop) }))
      .filter((one): one is { nextHop: NextHop; atMs: number } => one.atMs !== undefined && one.atMs <= nowMs)
      .sort((a, b) => a.atMs - b.atMs)
      .slice(0, most);
    for (const { nextHop } of eligible) this.#hop(nextHop).taken = true;
    return eligible.map((one) => one.nextHop);
  }

  rearm(nextHop: NextHop, notBeforeMs: number): void {
    this.#hops.set(nextHop, { taken: false, notBeforeMs });
  }

  nextDueMs(): number | undefined {
    let first: number | undefined;
    for (const nextHop of new Set(this.#deliveries.map((one) => one.nextHop))) {
      const atMs = this.#eligibleMs(nextHop);
      if (atMs !== undefined && (first === undefined || atMs < first)) first = atMs;
    }
    return first;
  }

  onDue(listener: (nextHop: NextHop) => void): void {
    this.#listener = listener;
  }

  async claim(nextHop: NextHop, nowMs: number, most: number): Promise<readonly Claim[]> {
    const due = this.#deliveries
      .filter((one) => one.nextHop === nextHop && waiting(one) && one.dueMs <= nowMs)
      .sort((a, b) => classOf(a) - classOf(b) || a.dueMs - b.dueMs || a.of.id - b.of.id || a.ordinal - b.ordinal);
    return due.slice(0, most).map((one) => this.#lease(one));
  }

  async claimMatching(filter: QueueFilter, most: number): Promise<readonly Claim[]> {
    const free = this.#matching(filter).filter((one) => !one.claimed);
    return free.slice(0, most).map((one) => this.#lease(one));
  }

  async record(claim: Claim, attempt: AttemptRecord): Promise<readonly QueueId[]> {
    const one = this.#unlease(claim);
    one.states = withOutcomes(one.states, attempt.outcomes);
    one.attempts += 1;
    one.dueMs = attempt.nextDueMs;
    one.delayReported ||= attempt.delayReported;
    const ids = attempt.owed.map((owed) => this.#insert(owed.message, owed.content));
    if (allFinal(one.states)) this.#deliveries = this.#deliveries.filter((other) => other !== one);
    else this.#announce(one);
    return ids;
  }

  release(claim: Claim, dueAtMs: number): void {
    const one = this.#unlease(claim);
    one.dueMs = dueAtMs;
    this.#announce(one);
  }

  counts(): QueueCounts {
    const messages = new Set(this.#deliveries.map((one) => one.of));
    const arrivals = [...messages].map((one) => Math.floor(one.message.arrivedAtMs / 1000) * 1000);
    return {
      messages: messages.size,
      deliveries: this.#deliveries.length,
      held: this.#deliveries.filter((one) => one.held).length,
      quarantined: 0,
      claimed: this.#deliveries.filter((one) => one.claimed).length,
      bytes: [...messages].reduce((sum, one) => sum + one.content.length, 0),
      oldestArrivalMs: arrivals.length === 0 ? undefined : Math.min(...arrivals),
      nextHops: new Set(this.#deliveries.map((one) => one.nextHop)).size,
    };
  }

  async list(
    filter: QueueFilter,
    options: { readonly offset: number; readonly most: number; readonly envelopes: boolean },
  ): Promise<readonly QueueRow[]> {
    const page = this.#matching(filter).slice(options.offset, options.offset + options.most);
    return page.map((one) => this.#row(one, options.envelopes));
  }

  async count(filter: QueueFilter): Promise<number> {
    return this.#matching(filter).length;
  }

  async content(queueId: QueueId): Promise<Content | undefined> {
    const one = this.#deliveries.find((delivery) => this.#queueId(delivery) === queueId);
    return one === undefined ? undefined : contentOf(one.of);
  }

  async hold(filter: QueueFilter): Promise<number> {
    return this.#change(
      this.#matching(filter).filter((one) => !one.held),
      (one) => {
        one.held = true;
      },
    );
  }

  async resume(filter: QueueFilter): Promise<number> {
    return this.#change(
      this.#matching(filter).filter((one) => one.held),
      (one) => {
        one.held = false;
        one.dueMs = this.#options.world.clock.wall();
      },
    );
  }

  async retryNow(filter: QueueFilter): Promise<number> {
    return this.#change(
      this.#matching(filter).filter((one) => !one.held && !one.claimed),
      (one) => {
        one.dueMs = this.#options.world.clock.wall();
      },
    );
  }

  async remove(filter: QueueFilter): Promise<number> {
    const gone = new Set(this.#matching(filter).filter((one) => !one.claimed));
    this.#deliveries = this.#deliveries.filter((one) => !gone.has(one));
    return gone.size;
  }

  async reroute(filter: QueueFilter, route: Parameters<Queue['reroute']>[1]): Promise<number> {
    let moved = 0;
    for (const one of this.#matching(filter).filter(
      (delivery) => !delivery.claimed && delivery.nextHop !== expandedHop,
    )) {
      const open = one.recipients.flatMap((recipient, at) =>
        (one.states[at] ?? untried).state === 'waiting' ? [{ recipient, state: one.states[at] ?? untried }] : [],
      );
      const groups = new Map<NextHop, typeof open>();
      for (const part of open) {
        const nextHop = route(part.recipient, one.of.message.envelope);
        groups.set(nextHop, [...(groups.get(nextHop) ?? []), part]);
      }
      const [first, ...others] = groups;
      if (first === undefined || (others.length === 0 && first[0] === one.nextHop)) continue;
      moved += 1;
      const dueMs = this.#options.world.clock.wall();
      for (const [nextHop, parts] of others) {
        one.of.ordinals += 1;
        this.#deliveries.push({ ...one, ordinal: one.of.ordinals - 1, nextHop, dueMs, ...split(parts) });
      }
      Object.assign(one, { nextHop: first[0], dueMs }, others.length === 0 ? {} : split(first[1]));
      for (const other of this.#deliveries.filter((delivery) => delivery.of === one.of)) this.#announce(other);
    }
    return moved;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #insert(message: NewMessage, content: Buffer): QueueId {
    this.#ids += 1;
    const of: HeldMessage = { id: this.#ids, message, content, ordinals: message.deliveries.length };
    for (const [ordinal, { nextHop, recipients }] of message.deliveries.entries()) {
      const one: HeldDelivery = {
        of,
        ordinal,
        nextHop,
        recipients,
        states: recipients.map(() => untried),
        dueMs: message.dueAtMs,
        attempts: 0,
        held: message.held,
        claimed: false,
        delayReported: false,
      };
      this.#deliveries.push(one);
      this.#announce(one);
    }
    return makeQueueId(this.#options.shard, of.id);
  }

  #announce(one: HeldDelivery): void {
    if (waiting(one)) this.#listener(one.nextHop);
  }

  #change(deliveries: readonly HeldDelivery[], change: (one: HeldDelivery) => void): number {
    for (const one of deliveries) {
      change(one);
      this.#announce(one);
    }
    return deliveries.length;
  }

  #lease(one: HeldDelivery): Claim {
    one.claimed = true;
    const { message } = one.of;
    const claim: Claim = {
      queueId: this.#queueId(one),
      deliveryId: deliveryId(one),
      nextHop: one.nextHop,
      class: message.class,
      envelope: message.envelope,
      recipients: claimedRecipients(one.recipients, one.states),
      messageId: message.messageId,
      arrivedAtMs: message.arrivedAtMs,
      expiresAtMs: message.expiresAtMs,
      attempts: one.attempts,
      delayReported: one.delayReported,
      content: contentOf(one.of),
    };
    this.#leases.set(claim, one);
    return claim;
  }

  #unlease(claim: Claim): HeldDelivery {
    const one = this.#leases.get(claim);
    assert(one !== undefined, 'a claim ends once, in the queue that made it');
    this.#leases.delete(claim);
    one.claimed = false;
    return one;
  }

  #hop(nextHop: NextHop): HopState {
    const known = this.#hops.get(nextHop) ?? { taken: false, notBeforeMs: 0 };
    this.#hops.set(nextHop, known);
    return known;
  }

  #eligibleMs(nextHop: NextHop): number | undefined {
    const { taken, notBeforeMs } = this.#hop(nextHop);
    const due = this.#deliveries.filter((one) => one.nextHop === nextHop && waiting(one)).map((one) => one.dueMs);
    return taken || due.length === 0 ? undefined : Math.max(notBeforeMs, Math.min(...due));
  }

  #queueId(one: HeldDelivery): QueueId {
    return makeQueueId(this.#options.shard, one.of.id);
  }

  #matching(filter: QueueFilter): HeldDelivery[] {
    const arrivedBefore = this.#options.world.clock.wall() - (filter.olderThanMs ?? 0);
    const after = lastOf(filter, this.#options.shard);
    return this.#deliveries
      .filter((one) => {
        if (one.of.id <= after) return false;
        if (filter.queueId !== undefined && filter.queueId !== this.#queueId(one)) return false;
        if (filter.nextHop !== undefined && filter.nextHop !== one.nextHop) return false;
        if (filter.held !== undefined && filter.held !== one.held) return false;
        if (filter.olderThanMs !== undefined && Math.floor(one.of.message.arrivedAtMs / 1000) * 1000 >= arrivedBefore)
          return false;
        return (
          !needsEnvelope(filter) ||
          matchesEnvelope(filter, one.of.message.envelope, one.recipients, one.of.message.messageId)
        );
      })
      .sort((a, b) => a.of.id - b.of.id || a.ordinal - b.ordinal);
  }

  #row(one: HeldDelivery, envelopes: boolean): QueueRow {
    const { message } = one.of;
    const sender = message.envelope.reversePath;
    return {
      queueId: this.#queueId(one),
      deliveryId: deliveryId(one),
      nextHop: one.nextHop,
      class: message.class,
      sizeBytes: contentOf(one.of).sizeBytes,
      arrivedAtMs: message.arrivedAtMs,
      expiresAtMs: message.expiresAtMs,
      dueAtMs: one.dueMs,
      attempts: one.attempts,
      held: one.held,
      quarantined: false,
      claimed: one.claimed,
      ...(envelopes && {
        sender: sender === null ? '' : printMailbox(sender),
        recipients: one.recipients.map((recipient, at) => ({
          mailbox: printMailbox(recipient.mailbox),
          ...(one.states[at] ?? untried),
        })),
        messageId: message.messageId,
      }),
    };
  }
}
