/**
 * Reads back what earlier runs left, row by row of `states.md`. The newest segment comes first, and in each the ends and states come before the
 * messages: so when a message record is met, everything later about it is known, and its deliveries may be claimed at once.
 */
import type { Journal } from '../../../events/journal.ts';
import type { Clock } from '../../../world/ports/clock.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import { deliveryFlag } from '../index/deliveries.ts';
import { messageFlag } from '../index/messages.ts';
import { headerBytes, readHeader, recordFlag, recordLength, recordType } from './format.ts';
import type { RecordHeader } from './format.ts';
import { visitBlock } from './hints.ts';
import type { IndexEntry } from './index-part.ts';
import { EntryReader } from './index-part.ts';
import { Slices, segmentBlocks } from './reader.ts';
import type { Segment } from './segments.ts';
import type { LogStore } from './store.ts';
import type { Suspects } from './suspects.ts';

/** What recovery needs. */
export interface RecoveryOptions {
  readonly store: LogStore;
  readonly suspects: Suspects;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly journal: Journal;
  /** The segments of earlier runs, the oldest first. */
  readonly old: readonly Segment[];
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #store: LogStore;
  readonly #entries = new EntryReader();
  readonly #slices: Slices;
  /** Sequence of the state that a delivery row has, while its message is awaited. */
  #sequences = new Float64Array(1024);
  #stopped = false;
  #recovered = 0;
  /** Whether any record has been read. Until then a segment may end in what was never acknowledged: newer ones were only made ready. */
  #metRecords = false;
  /** Whether everything has been read. */
  complete = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#slices = new Slices(options.clock);
  }

  /** Ends before its time; what was not read stays on disk as it is. */
  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    const { clock, journal, old, suspects } = this.#options;
    const started = clock.now();
    this.#store.keepEnded = true;
    for (const segment of [...old].reverse()) {
      if (this.#stopped) return;
      await this.#readSegment(segment, !this.#metRecords);
    }
    if (this.#stopped) return;
    await this.#sweepRows();
    this.#store.keepEnded = false;
    this.#sequences = new Float64Array(0);
    this.complete = true;
    suspects.recovered();
    await this.#sweepBigFiles();
    if (old.length > 0) {
      journal.emit('queue.recovered', {
        shard: this.#store.shard,
        deliveries: this.#recovered,
        segments: old.length,
        duration: Math.round(clock.now() - started),
      });
    }
  }

  async #readSegment(segment: Segment, last: boolean): Promise<void> {
    const { disk, clock, journal } = this.#options;
    const blocks = await segmentBlocks({ disk, clock, journal, segments: this.#store.segments }, segment, last);
    if (blocks === undefined) {
      segment.keep = true;
      this.#metRecords = true;
      return;
    }
    const withMessages: Buffer[] = [];
    for (const block of blocks) {
      if (this.#slices.over) await this.#slices.turn();
      if (this.#readEnds(block, segment)) withMessages.push(block);
    }
    for (const block of withMessages) {
      if (this.#slices.over) await this.#slices.turn();
      visitBlock(block, (bytes, at, offset) => {
        const header = readHeader(bytes, at, segment.number);
        if (header?.type === recordType.message) this.#readMessage(header, bytes, at, segment, offset);
      });
    }
  }

  /** Ends and states of a block; whether it has messages too. */
  #readEnds(block: Buffer, segment: Segment): boolean {
    let messages = false;
    visitBlock(block, (bytes, at, offset, length) => {
      const header = readHeader(bytes, at, segment.number);
      if (header === undefined) return;
      this.#metRecords = true;
      if (header.type === recordType.done) this.#readDone(header);
      else if (header.type === recordType.state) this.#readState(header, bytes, at, segment, offset, length);
      else if (header.type === recordType.message) messages = true;
    });
    return messages;
  }

  #readDone(header: RecordHeader): void {
    const { messages } = this.#store.index;
    const known = messages.byId.find(header.id);
    if (known !== 0 && !messages.has(known, messageFlag.awaited)) return;
    const row = known === 0 ? messages.add(header.id) : known;
    messages.set(row, messageFlag.ended);
    messages.clear(row, messageFlag.awaited);
    this.#store.unplace(row);
    this.#store.index.removeMessage(row, this.#store.wallMs);
  }

  #readState(header: RecordHeader, bytes: Buffer, at: number, segment: Segment, offset: number, length: number): void {
    const { messages, deliveries } = this.#store.index;
    const known = messages.byId.find(header.id);
    // Ended, or read already: then a later state came with the later copy of its message.
    if (known !== 0 && !messages.has(known, messageFlag.awaited)) return;
    const message = known === 0 ? messages.add(header.id) : known;
    messages.set(message, messageFlag.awaited);
    this.#entries.read(bytes, at + headerBytes, at + headerBytes + header.indexBytes, (entry) => {
      const before = this.#store.index.findDelivery(message, entry.ordinal);
      if (before !== 0 && (this.#sequences[before] ?? 0) >= header.sequence) return;
      const row = before === 0 ? this.#store.index.addDelivery(message, entry.ordinal) : before;
      this.#setSequence(row, header.sequence);
      if (before !== 0 && deliveries.has(row, deliveryFlag.ended)) return;
      this.#apply(row, entry);
      this.#store.placeState(row, segment, offset, length);
      if ((entry.flags & deliveryFlag.ended) !== 0) {
        messages.open[message] = (messages.open[message] ?? 1) - 1;
        this.#store.index.end(row, this.#store.wallMs);
      }
    });
  }

  #readMessage(header: RecordHeader, bytes: Buffer, at: number, segment: Segment, offset: number): void {
    const { index } = this.#store;
    const { messages } = index;
    const known = messages.byId.find(header.id);
    // Ended, or an older copy of one that was read already.
    if (known !== 0 && !messages.has(known, messageFlag.awaited)) return;
    const row = known === 0 ? messages.add(header.id) : known;
    messages.clear(row, messageFlag.awaited);
    messages.segment[row] = segment.number;
    messages.offset[row] = offset;
    messages.length[row] = recordLength(header);
    messages.bodyBytes[row] = header.bodyBytes;
    messages.sizeBytes[row] = header.sizeBytes;
    messages.arrivedS[row] = header.arrivedS;
    messages.expiresS[row] = header.expiresS;
    if ((header.flags & recordFlag.big) !== 0) messages.set(row, messageFlag.big);
    if ((header.flags & recordFlag.eightBit) !== 0) messages.set(row, messageFlag.eightBit);
    segment.liveBytes += messages.length[row] ?? 0;
    index.bytes += header.bodyBytes;
    this.#entries.read(bytes, at + headerBytes, at + headerBytes + header.indexBytes, (entry) => {
      if (known === 0 || index.findDelivery(row, entry.ordinal) === 0)
        this.#apply(index.addDelivery(row, entry.ordinal), entry);
    });
    for (
      let delivery = messages.firstDelivery[row] ?? 0;
      delivery !== 0;
      delivery = index.deliveries.sibling[delivery] ?? 0
    ) {
      if (index.deliveries.has(delivery, deliveryFlag.ended)) continue;
      this.#recovered += 1;
      if (!this.#options.suspects.isSuspect(header.id, delivery)) index.wait(delivery);
    }
  }

  #apply(row: number, entry: IndexEntry): void {
    const { index } = this.#store;
    const { deliveries } = index;
    deliveries.class[row] = entry.class;
    deliveries.attempts[row] = entry.attempts;
    deliveries.due[row] = entry.dueMs;
    index.mark(row, (entry.flags & deliveryFlag.held) !== 0, (entry.flags & deliveryFlag.quarantined) !== 0);
    if ((entry.flags & deliveryFlag.delayReported) !== 0) deliveries.set(row, deliveryFlag.delayReported);
    index.direct(row, entry.nextHop, this.#store.wallMs);
  }

  #setSequence(row: number, sequence: number): void {
    if (row >= this.#sequences.length) {
      const wide = new Float64Array(Math.max(row + 1, Math.ceil(this.#sequences.length * 1.5)));
      wide.set(this.#sequences);
      this.#sequences = wide;
    }
    this.#sequences[row] = sequence;
  }

  /** Forgets the ends that were remembered, and states whose message is nowhere. */
  async #sweepRows(): Promise<void> {
    const { index } = this.#store;
    const { messages } = index;
    for (let row = 1; row < messages.end; row += 1) {
      if ((row & 0xfff) === 0 && this.#slices.over) await this.#slices.turn();
      if (messages.id[row] === 0) continue;
      if (messages.has(row, messageFlag.awaited)) {
        this.#store.unplace(row);
        index.removeMessage(row, this.#store.wallMs);
        messages.remove(row);
      } else if (messages.has(row, messageFlag.ended) && messages.firstDelivery[row] === 0) {
        messages.remove(row);
      }
    }
  }

  /** Removes content of earlier runs that no message names: of drafts never committed, and of messages that have ended. */
  async #sweepBigFiles(): Promise<void> {
    const { disk } = this.#options;
    const { big, ids, index } = this.#store;
    for (const name of await disk.list(big.directory)) {
      if (this.#stopped) return;
      const id = /^[0-9a-v]{1,11}$/.test(name) ? Number.parseInt(name, 32) : Number.NaN;
      const kept = this.#options.old.some((segment) => segment.keep);
      if (id < ids.first && !kept && index.messages.byId.find(id) === 0) await big.remove(id);
    }
  }
}
