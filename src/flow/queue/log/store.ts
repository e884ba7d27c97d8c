/** The log and what is known of it: appends records, keeps the index in step with what is stable, reads messages back. */
import { assert } from '../../../base/assert.ts';
import { Fault, errnoOf } from '../../../events/fault.ts';
import type { Journal } from '../../../events/journal.ts';
import type { EnvelopeRecipient } from '../../../mail/envelope.ts';
import { makeQueueId } from '../../../mail/queue-id.ts';
import type { QueueId } from '../../../mail/queue-id.ts';
import type { World } from '../../../world/world.ts';
import type { StoredOctets } from '../content.ts';
import { EditedContent, HeldOctets } from '../content.ts';
import { deliveryFlag, durableFlags } from '../index/deliveries.ts';
import { messageFlag } from '../index/messages.ts';
import { QueueIndex } from '../index/queue-index.ts';
import type { LogGeometry } from '../limits.ts';
import type { NewMessage } from '../port.ts';
import type { RecipientState } from '../recipient-state.ts';
import { untried } from '../recipient-state.ts';
import type { BigFiles } from './big-files.ts';
import { BigOctets } from './big-octets.ts';
import { Committer } from './committer.ts';
import { FreshCache } from './fresh.ts';
import { headerBytes, readHeader, recordFlag, recordIntact } from './format.ts';
import type { MessageHead } from './head.ts';
import { readHead } from './head.ts';
import type { Ids } from './ids.ts';
import type { IndexEntry } from './index-part.ts';
import { buildDone, buildState, classNumber, seconds } from './records.ts';
import type { BuiltMessage } from './records.ts';
import type { Segment, Segments } from './segments.ts';
import type { DeliveryState } from './state.ts';
import { readState } from './state.ts';
import { DoneEntry, MessageEntry, StateEntry } from './entries.ts';

/** What a store is made of. */
export interface StoreOptions {
  readonly world: Pick<World, 'clock' | 'disk'>;
  readonly journal: Journal;
  readonly shard: number;
  readonly geometry: LogGeometry;
  readonly segments: Segments;
  readonly ids: Ids;
  readonly big: BigFiles;
  readonly freshBytes: number;
  /** Storage failed with an errno, or works again. */
  readonly failing: (errno: string | undefined) => void;
  /** After every batch. */
  readonly settled: () => void;
}

/** Everything about one delivery that an attempt or a list needs. */
export interface LoadedDelivery {
  readonly head: MessageHead;
  readonly recipients: readonly EnvelopeRecipient[];
  readonly states: readonly RecipientState[];
  /** Whether the recipients are not those of the message record. */
  readonly ownRecipients: boolean;
  readonly octets: StoredOctets;
}

export class LogStore {
  readonly index = new QueueIndex();
  readonly fresh: FreshCache;
  readonly committer: Committer;
  readonly segments: Segments;
  readonly ids: Ids;
  readonly big: BigFiles;
  readonly shard: number;
  readonly #options: StoreOptions;
  /** State records on their way, by message id. */
  readonly #writing = new Map<number, number>();
  /** Keeps the rows of ended messages, so that an older copy does not bring one back while the log is read. */
  keepEnded = false;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.segments = options.segments;
    this.ids = options.ids;
    this.big = options.big;
    this.shard = options.shard;
    this.fresh = new FreshCache(options.freshBytes);
    this.committer = new Committer({
      segments: options.segments,
      clock: options.world.clock,
      journal: options.journal,
      geometry: options.geometry,
      nextSequence: () => options.ids.next(),
      settled: options.settled,
      failing: options.failing,
    });
  }

  get wallMs(): number {
    return this.#options.world.clock.wall();
  }

  queueId(message: number): QueueId {
    return makeQueueId(this.shard, this.index.messages.id[message] ?? 0);
  }

  deliveryId(row: number): string {
    const { messages, deliveries } = this.index;
    return `${(messages.id[deliveries.message[row] ?? 0] ?? 0).toString(32)}.${deliveries.ordinal[row] ?? 0}`;
  }

  /** The entry of a message's record. */
  messageEntry(id: number, message: NewMessage, built: BuiltMessage, done: (error?: unknown) => void): MessageEntry {
    return new MessageEntry(this, id, message, built, done);
  }

  /** Queues the present index values of a delivery with new states; `change` overrides some of them. */
  stateEntry(row: number, state: DeliveryState, change: Partial<IndexEntry>, done: () => void): StateEntry {
    const { deliveries, messages } = this.index;
    const entry: IndexEntry = {
      ordinal: deliveries.ordinal[row] ?? 0,
      class: deliveries.class[row] ?? 0,
      flags: (deliveries.flags[row] ?? 0) & durableFlags,
      attempts: deliveries.attempts[row] ?? 0,
      dueMs: deliveries.due[row] ?? 0,
      nextHop: this.index.nextHops.names[deliveries.nextHop[row] ?? 0] ?? '',
      ...change,
    };
    const message = deliveries.message[row] ?? 0;
    const id = messages.id[message] ?? 0;
    this.#writing.set(id, (this.#writing.get(id) ?? 0) + 1);
    return new StateEntry(this, row, id, entry, buildState(id, this.ids.next(), entry, state), done);
  }

  /** A state record is stable, or was given up. */
  written(id: number): void {
    const left = (this.#writing.get(id) ?? 1) - 1;
    if (left === 0) this.#writing.delete(id);
    else this.#writing.set(id, left);
  }

  /** Whether a state record of the message is on its way: then a copy of the message must not overtake it. */
  isWriting(message: number): boolean {
    return this.#writing.has(this.index.messages.id[message] ?? 0);
  }

  /**
   * The entry that makes the end of a delivery stable: that of the whole message where it was the last one.
   * From here on the delivery is never copied and never claimed.
   */
  endEntry(row: number, state: DeliveryState, change: Partial<IndexEntry>, done: () => void): StateEntry | DoneEntry {
    const { messages, deliveries } = this.index;
    const message = deliveries.message[row] ?? 0;
    const open = (messages.open[message] ?? 0) - 1;
    assert(open >= 0, 'a delivery ends once');
    messages.open[message] = open;
    if (open > 0) {
      const flags = ((deliveries.flags[row] ?? 0) & durableFlags) | deliveryFlag.ended;
      return this.stateEntry(row, state, { ...change, flags }, done);
    }
    messages.set(message, messageFlag.ended);
    const id = messages.id[message] ?? 0;
    return new DoneEntry(this, message, id, buildDone(id, this.ids.next()), done);
  }

  /** A message record is stable: the message exists. */
  insert(message: NewMessage, id: number, built: BuiltMessage, segment: Segment, offset: number): void {
    const { messages, deliveries } = this.index;
    const { record, body, head } = built;
    const row = messages.add(id);
    const flags = record[9] ?? 0;
    messages.segment[row] = segment.number;
    messages.offset[row] = offset;
    messages.length[row] = record.length;
    messages.bodyBytes[row] = record.readDoubleLE(40);
    messages.sizeBytes[row] = record.readUInt32LE(60);
    messages.arrivedS[row] = seconds(message.arrivedAtMs);
    messages.expiresS[row] = seconds(message.expiresAtMs);
    messages.flags[row] =
      ((flags & recordFlag.big) === 0 ? 0 : messageFlag.big) | (message.eightBit ? messageFlag.eightBit : 0);
    segment.liveBytes += record.length;
    this.index.bytes += messages.bodyBytes[row] ?? 0;
    if ((flags & recordFlag.big) === 0) this.fresh.put(row, { head, recipients: head.recipients, body });
    const now = this.wallMs;
    const first = deliveries;
    for (const [ordinal, delivery] of message.deliveries.entries()) {
      const one = this.index.addDelivery(row, ordinal);
      first.class[one] = classNumber(message.class);
      first.due[one] = message.dueAtMs;
      this.index.direct(one, delivery.nextHop, now);
      if (message.held) this.index.mark(one, true, false);
      this.index.wait(one);
    }
  }

  /** Forgets a message whose end is stable. */
  forget(message: number): void {
    const { messages } = this.index;
    const isBig = messages.has(message, messageFlag.big);
    const id = messages.id[message] ?? 0;
    this.unplace(message);
    this.fresh.drop(message);
    this.index.bytes -= messages.bodyBytes[message] ?? 0;
    messages.bodyBytes[message] = 0;
    this.index.removeMessage(message, this.wallMs);
    if (!this.keepEnded) messages.remove(message);
    if (isBig) void this.big.remove(id);
  }

  /** The records of a message and its deliveries mean nothing any more. */
  unplace(message: number): void {
    const { messages, deliveries } = this.index;
    const segment = this.segments.all.get(messages.segment[message] ?? 0);
    if (segment !== undefined) segment.liveBytes -= messages.length[message] ?? 0;
    messages.segment[message] = 0;
    for (let row = messages.firstDelivery[message] ?? 0; row !== 0; row = deliveries.sibling[row] ?? 0)
      this.placeState(row, undefined, 0, 0);
  }

  /** The latest state of a delivery lies here now. */
  placeState(row: number, segment: Segment | undefined, offset: number, length: number): void {
    const { deliveries } = this.index;
    const before = this.segments.all.get(deliveries.stateSegment[row] ?? 0);
    if (before !== undefined) before.liveBytes -= deliveries.stateLength[row] ?? 0;
    deliveries.stateSegment[row] = segment?.number ?? 0;
    deliveries.stateOffset[row] = offset;
    deliveries.stateLength[row] = length;
    if (segment !== undefined) segment.liveBytes += length;
  }

  /** A delivery without reading, where its message is fresh and no attempt was made. */
  loadFresh(row: number): LoadedDelivery | undefined {
    const { deliveries } = this.index;
    if (deliveries.stateSegment[row] !== 0) return undefined;
    const fresh = this.fresh.get(deliveries.message[row] ?? 0);
    const recipients = fresh?.recipients[deliveries.ordinal[row] ?? 0];
    if (fresh === undefined || recipients === undefined) return undefined;
    return {
      head: fresh.head,
      recipients,
      states: recipients.map(() => untried),
      ownRecipients: false,
      octets: new HeldOctets(fresh.body),
    };
  }

  /** Reads a delivery. Throws a `Fault` where it is damaged. */
  async load(row: number): Promise<LoadedDelivery> {
    const { deliveries } = this.index;
    const fresh = this.loadFresh(row);
    if (fresh !== undefined) return fresh;
    const message = deliveries.message[row] ?? 0;
    const ordinal = deliveries.ordinal[row] ?? 0;
    const { head, octets } = await this.loadMessage(message);
    const state = await this.#loadState(row, message);
    const recipients = state?.recipients ?? head.recipients[ordinal] ?? [];
    return {
      head,
      octets,
      recipients,
      states: state?.states ?? recipients.map(() => untried),
      ownRecipients: state?.recipients !== undefined,
    };
  }

  /** Reads a message's head and content. */
  async loadMessage(message: number): Promise<{ readonly head: MessageHead; readonly octets: StoredOctets }> {
    const { messages } = this.index;
    const fresh = this.fresh.get(message);
    if (fresh !== undefined) return { head: fresh.head, octets: new HeldOctets(fresh.body) };
    const bodyBytes = messages.bodyBytes[message] ?? 0;
    const big = messages.has(message, messageFlag.big);
    const queueId = this.queueId(message);
    const id = messages.id[message] ?? 0;
    const record = await this.readRecord(
      messages.segment[message] ?? 0,
      messages.offset[message] ?? 0,
      messages.length[message] ?? 0,
      queueId,
    );
    const headAt = headerBytes + record.readUInt32LE(32);
    const bodyAt = headAt + record.readUInt32LE(36);
    const head = readHead(record.subarray(headAt, bodyAt));
    if (!big) return { head, octets: new HeldOctets(record.subarray(bodyAt, bodyAt + bodyBytes)) };
    return { head, octets: new BigOctets(this.#options.world.disk, this.big.path(id), bodyBytes, queueId) };
  }

  /** The content of a message with its edits. */
  contentOf(message: number, head: MessageHead, octets: StoredOctets): EditedContent {
    return new EditedContent(
      octets,
      head.edits,
      head.envelope.body,
      this.index.messages.has(message, messageFlag.eightBit),
    );
  }

  /** Reads a whole record and checks it. */
  async readRecord(segment: number, offset: number, length: number, queueId: QueueId): Promise<Buffer> {
    const record = Buffer.allocUnsafeSlow(length);
    const path = this.segments.all.get(segment)?.path ?? `segment ${segment}`;
    let read: number;
    try {
      read = await this.segments.read(segment, record, offset);
    } catch (error) {
      throw new Fault('queue.content-damaged', { queueId, path, why: errnoOf(error) }, { cause: error });
    }
    if (read < length || readHeader(record, 0, segment) === undefined || !recordIntact(record)) {
      throw new Fault('queue.content-damaged', { queueId, path, why: 'CRC' });
    }
    return record;
  }

  async #loadState(row: number, message: number): Promise<DeliveryState | undefined> {
    const { deliveries } = this.index;
    const segment = deliveries.stateSegment[row] ?? 0;
    if (segment === 0) return undefined;
    const record = await this.readRecord(
      segment,
      deliveries.stateOffset[row] ?? 0,
      deliveries.stateLength[row] ?? 0,
      this.queueId(message),
    );
    const headAt = headerBytes + record.readUInt32LE(32);
    return readState(record.subarray(headAt, headAt + record.readUInt32LE(36)));
  }
}
