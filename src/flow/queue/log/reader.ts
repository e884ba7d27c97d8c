/** Reads the records of a sealed segment, by its hint where it has one, else by scanning it. */
import { errnoOf } from '../../../events/fault.ts';
import type { Journal } from '../../../events/journal.ts';
import type { Clock } from '../../../world/ports/clock.ts';
import type { Disk, DiskFile } from '../../../world/ports/disk.ts';
import {
  headerBytes,
  readHeader,
  readSegmentHeader,
  recordFlag,
  recordIntact,
  recordLength,
  recordType,
  formatVersion,
} from './format.ts';
import { HintBuilder, hintBlocks, readFully, writeFully } from './hints.ts';
import type { Segment, Segments } from './segments.ts';
import { queueLimits } from '../limits.ts';

/** What reading a segment needs. */
export interface ReaderOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly segments: Segments;
}

const WINDOW = 1024 ** 2;
const BLOCK_HEADER = 8;

/** Lets the event loop turn when a slice of work has taken its time. */
export class Slices {
  readonly #clock: Clock;
  #started: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = clock.now();
  }

  /** Whether it is time to let others run. */
  get over(): boolean {
    return this.#clock.now() - this.#started > queueLimits.sliceMs;
  }

  /** Lets others run. */
  async turn(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    this.#started = this.#clock.now();
  }
}

/**
 * The blocks of a segment's hint, in order; undefined where the segment cannot be read and must be left alone.
 * With `last` no newer one has records: then a bad record is the end.
 */
export async function segmentBlocks(
  options: ReaderOptions,
  segment: Segment,
  last: boolean,
): Promise<Buffer[] | undefined> {
  try {
    const hinted = await hintOf(options, segment);
    if (hinted !== undefined) return hinted;
    const file = await options.disk.open(segment.path, 'read');
    try {
      return await scan(options, segment, file, last);
    } finally {
      await file.close();
    }
  } catch (error) {
    options.journal.emit('storage.maintenance-failed', { action: 'read', path: segment.path, errno: errnoOf(error) });
    return undefined;
  }
}

async function hintOf({ disk, segments }: ReaderOptions, segment: Segment): Promise<Buffer[] | undefined> {
  const path = segments.hintPath(segment.number);
  if ((await disk.entry(path)) === undefined) return undefined;
  const file = await disk.open(path, 'read');
  try {
    const blocks: Buffer[] = [];
    for await (const block of hintBlocks(file)) {
      if (block === undefined) return undefined;
      blocks.push(block);
    }
    return blocks;
  } finally {
    await file.close();
  }
}

async function scan(
  options: ReaderOptions,
  segment: Segment,
  file: DiskFile,
  last: boolean,
): Promise<Buffer[] | undefined> {
  const first = Buffer.alloc(headerBytes);
  await readFully(file, first, 0);
  const header = readSegmentHeader(first);
  // A crash while the segment was being made: nothing in it was ever acknowledged.
  if (header === undefined || header.segment !== segment.number) return [];
  if (header.version > formatVersion) {
    options.journal.emit('queue.format-newer', { path: segment.path, found: header.version, known: formatVersion });
    return undefined;
  }
  const hint = await new Scanner(options, segment, file).run(last);
  const blocks = hint.finish();
  // What was torn here must not be read as damage once newer segments have records: the hint says where it ends.
  await options.segments.writeHint(segment, hint, last ? 'with a stable name' : 'as it may');
  return blocks.slice(0, -1).map((block) => block.subarray(BLOCK_HEADER));
}

/** Octets of a cut record that are set aside. */
const CUT_BYTES_MAX = 64 * 1024;

interface Found {
  readonly record: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly indexBytes: number;
}

class Scanner {
  readonly #options: ReaderOptions;
  readonly #segment: Segment;
  readonly #file: DiskFile;
  #window = Buffer.alloc(0);
  #windowAt = 0;

  constructor(options: ReaderOptions, segment: Segment, file: DiskFile) {
    this.#options = options;
    this.#segment = segment;
    this.#file = file;
  }

  /** All intact records; of the last segment that has any those before the first that is not. A torn chain counts as not written. */
  async run(last: boolean): Promise<HintBuilder> {
    const hint = new HintBuilder();
    const slices = new Slices(this.#options.clock);
    let chain: Found[] = [];
    let offset = headerBytes;
    for (;;) {
      if (slices.over) await slices.turn();
      const found = await this.#recordAt(offset);
      if (found === undefined) {
        await this.#tellCut(offset);
        const next = last ? undefined : await this.#search(offset + 8, slices);
        if (next === undefined) return hint;
        this.#options.journal.emit('queue.segment-damaged', { path: this.#segment.path, offset });
        for (const one of chain) hint.add(one.offset, one.length, one.record, one.indexBytes);
        chain = [];
        offset = next;
        continue;
      }
      if (found.type === recordType.end) return hint;
      offset += found.length;
      chain.push(found);
      if ((found.flags & recordFlag.chained) !== 0) continue;
      for (const one of chain) hint.add(one.offset, one.length, one.record, one.indexBytes);
      chain = [];
    }
  }

  /** A record that begins well and goes past the end of its file was cut off: it is told, and what is there of it set aside. */
  async #tellCut(offset: number): Promise<void> {
    const { disk, journal } = this.#options;
    const { path, number, end } = this.#segment;
    const head = await this.#bytes(offset, headerBytes);
    const header = head === undefined ? undefined : readHeader(head, 0, number);
    if (header === undefined || offset + recordLength(header) <= end) return;
    const rest = await this.#bytes(offset, Math.min(end - offset, CUT_BYTES_MAX));
    const kept = `${path}.cut`;
    const file = await disk.open(kept, 'write');
    try {
      await writeFully(file, [rest ?? Buffer.alloc(0)], 0);
    } finally {
      await file.close();
    }
    journal.emit('queue.record-cut', { path, offset, left: end - offset, length: recordLength(header), kept });
  }

  async #recordAt(offset: number): Promise<Found | undefined> {
    const head = await this.#bytes(offset, headerBytes);
    const header = head === undefined ? undefined : readHeader(head, 0, this.#segment.number);
    if (header === undefined) return undefined;
    const length = recordLength(header);
    if (offset + length > this.#segment.end) return undefined;
    const record = await this.#bytes(offset, length);
    if (record === undefined || !recordIntact(record)) return undefined;
    const { type, flags, indexBytes } = header;
    const start = Buffer.from(record.subarray(0, headerBytes + indexBytes));
    return { record: start, offset, length, type, flags, indexBytes };
  }

  /** The offset of the next intact record. */
  async #search(from: number, slices: Slices): Promise<number | undefined> {
    for (let offset = from; offset + headerBytes <= this.#segment.end; offset += 8) {
      if ((offset & 0xffff) === 0 && slices.over) await slices.turn();
      const inside = offset - this.#windowAt;
      const head =
        inside >= 0 && inside + headerBytes <= this.#window.length
          ? this.#window
          : await this.#fill(offset, headerBytes);
      if (head === undefined) return undefined;
      if (
        readHeader(head, offset - this.#windowAt, this.#segment.number) !== undefined &&
        (await this.#recordAt(offset)) !== undefined
      )
        return offset;
    }
    return undefined;
  }

  async #bytes(offset: number, length: number): Promise<Buffer | undefined> {
    const inside = offset - this.#windowAt;
    const window =
      inside >= 0 && inside + length <= this.#window.length ? this.#window : await this.#fill(offset, length);
    return window?.subarray(offset - this.#windowAt, offset - this.#windowAt + length);
  }

  async #fill(offset: number, length: number): Promise<Buffer | undefined> {
    const window = Buffer.allocUnsafeSlow(Math.max(WINDOW, length));
    const read = await readFully(this.#file, window, offset);
    this.#window = window.subarray(0, read);
    this.#windowAt = offset;
    return read < length ? undefined : this.#window;
  }
}
