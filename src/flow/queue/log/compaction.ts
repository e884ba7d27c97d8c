/**
 * The log as a ring: what still means something in the oldest segment is copied to the end, then the segment is used again.
 * A copy of a message brings the latest states of its deliveries along in one chain, so that no state is ever older than its message.
 */
import { Fault, errnoOf } from '../../../events/fault.ts';
import type { Journal } from '../../../events/journal.ts';
import type { Clock } from '../../../world/ports/clock.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import { messageFlag } from '../index/messages.ts';
import type { LogGeometry } from '../limits.ts';
import type { LogEntry } from './committer.ts';
import { headerBytes, readHeader, recordFlag, recordType } from './format.ts';
import { visitBlock } from './hints.ts';
import { segmentBlocks } from './reader.ts';
import type { Segment } from './segments.ts';
import type { LogStore } from './store.ts';

/** What compaction needs. */
export interface CompactionOptions {
  readonly store: LogStore;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly geometry: LogGeometry;
  readonly journal: Journal;
}

const ROUND_BYTES = 1024 ** 2;

export class Compaction {
  readonly #options: CompactionOptions;
  readonly #store: LogStore;
  #enabled = false;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(options: CompactionOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  /** Recovery is over: segments may go. */
  enable(): void {
    this.#enabled = true;
    this.maybe();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when nothing runs. */
  async ended(): Promise<void> {
    await this.#running;
  }

  /** Begins where there is something to do; cheap. */
  maybe(): void {
    if (!this.#enabled || this.#stopped || this.#running !== undefined) return;
    const oldest = this.#candidate();
    if (oldest === undefined) return;
    this.#running = this.#turn(oldest).then(
      () => this.#over(),
      (error: unknown) => {
        oldest.keep = true;
        this.#options.journal.emit('storage.maintenance-failed', {
          action: 'compact',
          path: oldest.path,
          errno: errnoOf(error),
        });
        this.#over();
      },
    );
  }

  #over(): void {
    this.#running = undefined;
  }

  #candidate(): Segment | undefined {
    const { segments } = this.#store;
    const oldest = segments.all.values().next().value;
    if (oldest === undefined || !oldest.sealed || oldest.keep || oldest.reads > 0) return undefined;
    if (oldest.liveBytes <= 0) return oldest;
    let live = 0;
    let total = 0;
    for (const segment of segments.all.values()) {
      live += segment.liveBytes;
      total += segment.sizeBytes;
    }
    return total > 2 * live + this.#options.geometry.slackBytes ? oldest : undefined;
  }

  async #turn(segment: Segment): Promise<void> {
    // Until nothing lives in it: a delivery whose state was just being written is copied in the next round.
    for (let round = 0; round < 10 && segment.liveBytes > 0; round += 1) {
      if (this.#stopped || segment.keep) return;
      await this.#copyLive(segment);
      await this.#store.committer.flush();
    }
    if (segment.liveBytes > 0 || this.#stopped || segment.reads > 0) return;
    await this.#store.segments.recycle(segment);
  }

  async #copyLive(segment: Segment): Promise<void> {
    const { disk, clock, journal } = this.#options;
    const blocks = await segmentBlocks({ disk, clock, journal, segments: this.#store.segments }, segment, true);
    if (blocks === undefined) {
      segment.keep = true;
      return;
    }
    for (const block of blocks) {
      const live: { readonly type: number; readonly row: number }[] = [];
      visitBlock(block, (bytes, at, offset) => {
        const header = readHeader(bytes, at, segment.number);
        const row = header === undefined ? 0 : this.#liveRow(header.type, header.id, bytes, at, segment.number, offset);
        if (header !== undefined && row !== 0) live.push({ type: header.type, row });
      });
      await this.#copyRows(segment, live);
      if (this.#stopped || segment.keep) return;
    }
  }

  /** The message or delivery whose latest record lies here, 0 where none does. */
  #liveRow(type: number, id: number, bytes: Buffer, at: number, segment: number, offset: number): number {
    const { messages, deliveries } = this.#store.index;
    const message = messages.byId.find(id);
    if (message === 0 || messages.has(message, messageFlag.ended)) return 0;
    if (type === recordType.message)
      return messages.segment[message] === segment && messages.offset[message] === offset ? message : 0;
    if (type !== recordType.state) return 0;
    const row = this.#store.index.findDelivery(message, bytes.readUInt16LE(at + headerBytes));
    // That of a message in the same segment goes with the message.
    if (row === 0 || messages.segment[message] === segment) return 0;
    return deliveries.stateSegment[row] === segment && deliveries.stateOffset[row] === offset ? row : 0;
  }

  async #copyRows(segment: Segment, live: readonly { readonly type: number; readonly row: number }[]): Promise<void> {
    let bytes = 0;
    for (const { type, row } of live) {
      try {
        bytes += type === recordType.message ? await this.#copyMessage(row, segment) : await this.#copyState(row);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        this.#options.journal.emit(error.event, error.data);
        segment.keep = true;
        return;
      }
      if (bytes < ROUND_BYTES) continue;
      bytes = 0;
      await this.#store.committer.flush();
      if (this.#stopped) return;
    }
  }

  async #copyMessage(message: number, segment: Segment): Promise<number> {
    const store = this.#store;
    const { messages, deliveries } = store.index;
    const id = messages.id[message] ?? 0;
    const from = segment.number;
    // It has ended meanwhile, or its row has become another's.
    if (messages.segment[message] !== from) return 0;
    const offset = messages.offset[message] ?? 0;
    const entries: CopyEntry[] = [];
    const record = await store.readRecord(from, offset, messages.length[message] ?? 0, store.queueId(message));
    entries.push(
      new CopyEntry(record, (to, at) => {
        if (messages.id[message] !== id || messages.segment[message] !== from || messages.offset[message] !== offset)
          return;
        const old = store.segments.all.get(from);
        if (old !== undefined) old.liveBytes -= record.length;
        to.liveBytes += record.length;
        messages.segment[message] = to.number;
        messages.offset[message] = at;
      }),
    );
    for (let row = messages.firstDelivery[message] ?? 0; row !== 0; row = deliveries.sibling[row] ?? 0) {
      const entry = await this.#stateCopy(row);
      if (entry !== undefined) entries.push(entry);
      if (messages.id[message] !== id) return 0;
    }
    const same =
      messages.id[message] === id && messages.segment[message] === from && !messages.has(message, messageFlag.ended);
    if (!same || store.isWriting(message) || entries.some((entry) => !entry.current())) return 0;
    for (const entry of entries.slice(0, -1)) entry.record[9] = (entry.record[9] ?? 0) | recordFlag.chained;
    store.committer.addChain(entries);
    return entries.reduce((sum, entry) => sum + entry.record.length, 0);
  }

  async #copyState(row: number): Promise<number> {
    const store = this.#store;
    const message = store.index.deliveries.message[row] ?? 0;
    const entry = await this.#stateCopy(row);
    if (
      entry === undefined ||
      !entry.current() ||
      store.isWriting(message) ||
      store.index.messages.has(message, messageFlag.ended)
    )
      return 0;
    store.committer.add(entry, 'now');
    return entry.record.length;
  }

  async #stateCopy(row: number): Promise<CopyEntry | undefined> {
    const store = this.#store;
    const { deliveries, messages } = store.index;
    const from = deliveries.stateSegment[row] ?? 0;
    const offset = deliveries.stateOffset[row] ?? 0;
    if (from === 0) return undefined;
    const message = deliveries.message[row] ?? 0;
    const id = messages.id[message];
    const record = await store.readRecord(from, offset, deliveries.stateLength[row] ?? 0, store.queueId(message));
    const current = (): boolean =>
      messages.id[deliveries.message[row] ?? 0] === id &&
      deliveries.stateSegment[row] === from &&
      deliveries.stateOffset[row] === offset;
    return new CopyEntry(
      record,
      (to, at) => {
        if (current()) store.placeState(row, to, at, record.length);
      },
      current,
    );
  }
}

/** A record that moves to the end of the log, with its sequence number as it was. */
class CopyEntry implements LogEntry {
  readonly record: Buffer;
  readonly current: () => boolean;
  readonly #moved: (segment: Segment, offset: number) => void;

  constructor(record: Buffer, moved: (segment: Segment, offset: number) => void, current: () => boolean = () => true) {
    this.record = record;
    this.current = current;
    this.#moved = moved;
    record[9] = (record[9] ?? 0) & ~recordFlag.chained;
  }

  stable(segment: Segment, offset: number): void {
    this.#moved(segment, offset);
  }

  /** The record is where it was: compaction comes back to it. */
  failed(): boolean {
    return false;
  }
}
