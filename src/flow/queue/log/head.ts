/** The head of a message record: everything an attempt needs that the index part does not say, as a compact JSON array and the octets of the edits. */
import type { Edit } from '../../../mail/edits.ts';
import type { BodyType, EnvelopeOptions, EnvelopeRecipient, Notify } from '../../../mail/envelope.ts';

/** What a head carries. */
export interface MessageHead {
  readonly envelope: EnvelopeOptions;
  readonly edits: readonly Edit[];
  /** Recipients of each delivery, by its ordinal. */
  readonly recipients: readonly (readonly EnvelopeRecipient[])[];
  readonly messageId: string;
  readonly arrivedAtMs: number;
  readonly expiresAtMs: number;
  /** CRC-32 of content in a file of its own, else 0. */
  readonly bodyCrc: number;
}

type RecipientTuple = [local: string, domain: string, notify?: Notify | null, original?: string];
type HeadTuple = [
  sender: [string, string] | null,
  body: BodyType,
  smtpUtf8: 0 | 1,
  returned: 'full' | 'headers' | null,
  envelopeId: string | null,
  edits: [number, number, number][],
  recipients: RecipientTuple[][],
  messageId: string,
  arrivedAtMs: number,
  expiresAtMs: number,
  bodyCrc: number,
];

/** The text part of a head; `headBytes` and `writeHead` add the edits. */
export function headText(head: MessageHead): string {
  const { envelope } = head;
  const tuple: HeadTuple = [
    envelope.reversePath === null ? null : [envelope.reversePath.localPart, envelope.reversePath.domain],
    envelope.body,
    envelope.smtpUtf8 ? 1 : 0,
    envelope.returned ?? null,
    envelope.envelopeId ?? null,
    head.edits.map((edit) => [edit.at, edit.remove, edit.insert.length]),
    head.recipients.map((group) => group.map(recipientTuple)),
    head.messageId,
    head.arrivedAtMs,
    head.expiresAtMs,
    head.bodyCrc,
  ];
  return JSON.stringify(tuple);
}

/** Octets of a head with its edits. */
export function headBytes(text: string, edits: readonly Edit[]): number {
  let bytes = 4 + Buffer.byteLength(text);
  for (const edit of edits) bytes += edit.insert.length;
  return bytes;
}

/** Writes a head; returns the position after it. */
export function writeHead(into: Buffer, at: number, text: string, edits: readonly Edit[]): number {
  const written = into.write(text, at + 4);
  into.writeUInt32LE(written, at);
  let position = at + 4 + written;
  for (const edit of edits) {
    edit.insert.copy(into, position);
    position += edit.insert.length;
  }
  return position;
}

/** Reads a head that `writeHead` wrote. */
export function readHead(bytes: Buffer): MessageHead {
  const textBytes = bytes.readUInt32LE(0);
  const tuple = JSON.parse(bytes.toString('utf8', 4, 4 + textBytes)) as HeadTuple;
  const [
    sender,
    body,
    smtpUtf8,
    returned,
    envelopeId,
    edits,
    recipients,
    messageId,
    arrivedAtMs,
    expiresAtMs,
    bodyCrc,
  ] = tuple;
  let position = 4 + textBytes;
  return {
    envelope: {
      reversePath: sender === null ? null : { localPart: sender[0], domain: sender[1] },
      body,
      smtpUtf8: smtpUtf8 === 1,
      ...(returned !== null && { returned }),
      ...(envelopeId !== null && { envelopeId }),
    },
    edits: edits.map(([at, remove, length]) => {
      const insert = Buffer.from(bytes.subarray(position, position + length));
      position += length;
      return { at, remove, insert };
    }),
    recipients: recipients.map((group) => group.map(recipientOf)),
    messageId,
    arrivedAtMs,
    expiresAtMs,
    bodyCrc,
  };
}

/** A recipient as stored. */
export function recipientTuple(recipient: EnvelopeRecipient): RecipientTuple {
  const { mailbox, notify, original } = recipient;
  if (original !== undefined) return [mailbox.localPart, mailbox.domain, notify ?? null, original];
  return notify === undefined ? [mailbox.localPart, mailbox.domain] : [mailbox.localPart, mailbox.domain, notify];
}

/** A recipient as it was. */
export function recipientOf(tuple: RecipientTuple): EnvelopeRecipient {
  const [localPart, domain, notify, original] = tuple;
  const mailbox = { localPart, domain };
  if (original !== undefined) return { mailbox, ...(notify && { notify }), original };
  return notify ? { mailbox, notify } : { mailbox };
}
