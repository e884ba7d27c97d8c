import type { SchedulingClass } from '../../../mail/next-hop.ts';
import { schedulingClasses } from '../../../mail/next-hop.ts';
import { assert } from '../../../base/assert.ts';
import { editedSize } from '../../../mail/edits.ts';
import { deliveryFlag } from '../index/deliveries.ts';
import { queueLimits } from '../limits.ts';
import type { NewMessage } from '../port.ts';
import { headerBytes, recordFlag, recordLength, recordType, writeHeader } from './format.ts';
import type { MessageHead } from './head.ts';
import { headBytes, headText, writeHead } from './head.ts';
import type { IndexEntry } from './index-part.ts';
import { entryBytes, writeEntry } from './index-part.ts';
import type { DeliveryState } from './state.ts';
import { stateText } from './state.ts';

/** What a message record is made of. */
export interface MessageParts {
  readonly id: number;
  readonly message: NewMessage;
  readonly chunks: readonly Buffer[];
  readonly bodyBytes: number;
  /** CRC of the big file, where the content lies in one. */
  readonly bigCrc: number | undefined;
  readonly chained: boolean;
}

/** A message's record, with what the fresh cache keeps of it. */
export interface BuiltMessage {
  readonly record: Buffer;
  readonly head: MessageHead;
  /** The content in the record, empty where it lies in a big file. */
  readonly body: Buffer;
}

/** The number of a class on disk. */
export function classNumber(name: SchedulingClass): number {
  return schedulingClasses.indexOf(name);
}

/** The class of a number. */
export function className(number: number): SchedulingClass {
  return schedulingClasses[number] ?? 'normal';
}

/** What the formats of records and index cannot hold is a defect of the caller: found before anything is written. */
export function assertStorable({ deliveries }: NewMessage): void {
  assert(
    deliveries.length > 0 && deliveries.length <= queueLimits.messageDeliveries,
    'a message has deliveries, and not too many',
  );
  for (const { recipients, nextHop } of deliveries) {
    assert(
      recipients.length > 0 && recipients.length <= queueLimits.deliveryRecipients,
      'a delivery has 1 to 100 recipients',
    );
    assert(nextHop !== '' && nextHop.length <= queueLimits.nextHopBytes, 'the key of a next hop is short');
  }
}

/** Builds a message's record: one buffer, of which the content is a view. */
export function buildMessage(parts: MessageParts): BuiltMessage {
  const { message, id, bigCrc } = parts;
  const { edits, deliveries } = message;
  const head: MessageHead = {
    envelope: message.envelope,
    edits,
    recipients: deliveries.map((delivery) => delivery.recipients),
    messageId: message.messageId,
    arrivedAtMs: message.arrivedAtMs,
    expiresAtMs: message.expiresAtMs,
    bodyCrc: bigCrc ?? 0,
  };
  const text = headText(head);
  let indexBytes = 0;
  for (const delivery of deliveries) indexBytes += entryBytes(delivery.nextHop);
  const header = {
    type: recordType.message,
    flags:
      (bigCrc === undefined ? 0 : recordFlag.big) |
      (message.eightBit ? recordFlag.eightBit : 0) |
      (parts.chained ? recordFlag.chained : 0),
    sequence: id,
    id,
    indexBytes,
    headBytes: headBytes(text, edits),
    bodyBytes: parts.bodyBytes,
    inlineBytes: bigCrc === undefined ? parts.bodyBytes : 0,
    arrivedS: seconds(message.arrivedAtMs),
    expiresS: seconds(message.expiresAtMs),
    sizeBytes: editedSize(parts.bodyBytes, edits),
  };
  const length = recordLength(header);
  const record = Buffer.allocUnsafeSlow(length);
  writeHeader(record, header);
  let at = headerBytes;
  const base = {
    class: classNumber(message.class),
    flags: message.held ? deliveryFlag.held : 0,
    attempts: 0,
    dueMs: message.dueAtMs,
  };
  for (const [ordinal, { nextHop }] of deliveries.entries()) at = writeEntry(record, at, { ordinal, nextHop, ...base });
  at = writeHead(record, at, text, edits);
  const start = at;
  for (const chunk of parts.chunks) {
    chunk.copy(record, at);
    at += chunk.length;
  }
  record.fill(0, at);
  return { record, head, body: record.subarray(start, at) };
}

/** A delivery's record: its index values and the whole state of its recipients. */
export function buildState(id: number, sequence: number, entry: IndexEntry, state: DeliveryState): Buffer {
  const text = stateText(state);
  const header = {
    type: recordType.state,
    flags: 0,
    sequence,
    id,
    indexBytes: entryBytes(entry.nextHop),
    headBytes: Buffer.byteLength(text),
    bodyBytes: 0,
    inlineBytes: 0,
    arrivedS: 0,
    expiresS: 0,
    sizeBytes: 0,
  };
  const record = Buffer.alloc(recordLength(header));
  writeHeader(record, header);
  const at = writeEntry(record, headerBytes, entry);
  record.write(text, at);
  return record;
}

/** The record that ends a message. */
export function buildDone(id: number, sequence: number): Buffer {
  const record = Buffer.alloc(headerBytes);
  writeHeader(record, {
    type: recordType.done,
    flags: 0,
    sequence,
    id,
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

/** Whole seconds in the 32 bits of a record. */
export function seconds(ms: number): number {
  return Math.min(Math.max(Math.floor(ms / 1000), 0), 0xffffffff);
}
