/**
 * The log's records on disk, little endian, each padded to 8 octets:
 *
 *   0 CRC-32 of everything after it     4 magic            8 type    9 flags
 *  12 segment                          16 sequence (f64)  24 message id (f64)
 *  32 octets of the index part         36 octets of the head          40 octets of the content (f64)
 *  48 octets of content in the record  52 arrival (s)    56 expiry (s)     60 content's size with edits
 *  64 index part, head, content
 *
 * The index part is all that recovery and lists need, one entry per delivery; the head is what an attempt needs.
 * A segment begins with a header of the same length: CRC, magic, format version, shard, segment, boot.
 */
import { crc32 } from 'node:zlib';

/** The version of everything in the queue's directory. A newer one is refused. */
export const formatVersion = 1;
/** Octets of a record before its parts, and of a segment before its records. */
export const headerBytes = 64;
const MAGIC = 0x51534d49;
const SEGMENT_MAGIC = 0x53534d49;

/** Types of records. */
export const recordType = { message: 1, state: 2, done: 3, end: 4 } as const;

/** Flags of records. */
export const recordFlag = {
  big: 1,
  eightBit: 2,
  /** Means nothing without the record that follows it. */
  chained: 4,
} as const;

/** The fixed part of a record. */
export interface RecordHeader {
  type: number;
  flags: number;
  sequence: number;
  id: number;
  indexBytes: number;
  headBytes: number;
  bodyBytes: number;
  inlineBytes: number;
  arrivedS: number;
  expiresS: number;
  sizeBytes: number;
}

/** Octets of a record with its padding. */
export function recordLength(header: {
  readonly indexBytes: number;
  readonly headBytes: number;
  readonly inlineBytes: number;
}): number {
  return (headerBytes + header.indexBytes + header.headBytes + header.inlineBytes + 7) & ~7;
}

/** Writes the fixed part; segment and CRC come with `sealRecord`. */
export function writeHeader(into: Buffer, header: RecordHeader): void {
  into.writeUInt32LE(MAGIC, 4);
  into.writeUInt32LE(header.type | (header.flags << 8), 8);
  into.writeDoubleLE(header.sequence, 16);
  into.writeDoubleLE(header.id, 24);
  into.writeUInt32LE(header.indexBytes, 32);
  into.writeUInt32LE(header.headBytes, 36);
  into.writeDoubleLE(header.bodyBytes, 40);
  into.writeUInt32LE(header.inlineBytes, 48);
  into.writeUInt32LE(header.arrivedS, 52);
  into.writeUInt32LE(header.expiresS, 56);
  into.writeUInt32LE(header.sizeBytes, 60);
}

/** Puts the record into a segment: its number and the CRC over all. */
export function sealRecord(record: Buffer, segment: number): void {
  record.writeUInt32LE(segment, 12);
  record.writeUInt32LE(crc32(record.subarray(4)), 0);
}

/** Reads a fixed part without checking its CRC; undefined where it cannot be one of this segment. */
export function readHeader(bytes: Buffer, at: number, segment: number): RecordHeader | undefined {
  if (bytes.length - at < headerBytes) return undefined;
  if (bytes.readUInt32LE(at + 4) !== MAGIC || bytes.readUInt32LE(at + 12) !== segment) return undefined;
  const word = bytes.readUInt32LE(at + 8);
  const header: RecordHeader = {
    type: word & 0xff,
    flags: (word >>> 8) & 0xff,
    sequence: bytes.readDoubleLE(at + 16),
    id: bytes.readDoubleLE(at + 24),
    indexBytes: bytes.readUInt32LE(at + 32),
    headBytes: bytes.readUInt32LE(at + 36),
    bodyBytes: bytes.readDoubleLE(at + 40),
    inlineBytes: bytes.readUInt32LE(at + 48),
    arrivedS: bytes.readUInt32LE(at + 52),
    expiresS: bytes.readUInt32LE(at + 56),
    sizeBytes: bytes.readUInt32LE(at + 60),
  };
  return header.type >= recordType.message && header.type <= recordType.end ? header : undefined;
}

/** Whether a whole record is as it was written. */
export function recordIntact(record: Buffer): boolean {
  return record.length >= headerBytes && record.readUInt32LE(0) === crc32(record.subarray(4));
}

/** The record that ends a sealed segment. */
export function endRecord(sequence: number): Buffer {
  const record = Buffer.alloc(headerBytes);
  writeHeader(record, {
    type: recordType.end,
    flags: 0,
    sequence,
    id: 0,
    indexBytes: 0,
    headBytes: 0,
    bodyBytes: 0,
    inlineBytes: 0,
    arrivedS: 0,
    expiresS: 0,
    sizeBytes: 0,
  });
  return record;
}

/** What a segment's header says. */
export interface SegmentHeader {
  readonly version: number;
  readonly shard: number;
  readonly segment: number;
  readonly boot: number;
}

/** The header of a segment. */
export function writeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt32LE(SEGMENT_MAGIC, 4);
  bytes.writeUInt32LE(header.version, 8);
  bytes.writeUInt32LE(header.shard, 12);
  bytes.writeUInt32LE(header.segment, 16);
  bytes.writeDoubleLE(header.boot, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** Reads a segment's header; undefined where it is not one. */
export function readSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < headerBytes || bytes.readUInt32LE(4) !== SEGMENT_MAGIC) return undefined;
  if (bytes.readUInt32LE(0) !== crc32(bytes.subarray(4, headerBytes))) return undefined;
  return {
    version: bytes.readUInt32LE(8),
    shard: bytes.readUInt32LE(12),
    segment: bytes.readUInt32LE(16),
    boot: bytes.readDoubleLE(24),
  };
}
