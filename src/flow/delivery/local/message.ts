import { type Mailbox, printMailbox, printPath } from '../../../mail/mailbox.ts';
import type { Claim, ClaimedRecipient, Content } from '../../queue/port.ts';
import { HEADER_SCAN_BYTES_MAX } from '../limits.ts';
import { pathComponent } from './path.ts';

/** What a final delivery puts before the message: Return-Path (RFC 5321 §4.4) and Delivered-To (RFC 9228 §3). */
export function deliveryPrefix(claim: Claim, recipient: ClaimedRecipient): Buffer {
  return Buffer.from(
    `Return-Path: ${printPath(claim.envelope.reversePath)}\r\nDelivered-To: ${printMailbox(recipient.mailbox)}\r\n`,
    'utf8',
  );
}

/**
 * The name of a message's file for one recipient. It is the same at each attempt, also after a crash, so that a message
 * that is already there is recognised.
 */
export function deliveryName(claim: Claim, recipient: ClaimedRecipient): string {
  const seconds = Math.floor(claim.arrivedAtMs / 1000);
  return `${seconds}.${pathComponent(`${claim.queueId}_${claim.deliveryId}_${recipient.index}`) ?? 'message'}.ims`;
}

/** The mailboxes that the header's Delivered-To fields name, in lower case. Reads no more than the header section, within bounds. */
export async function deliveredTo(content: Content): Promise<ReadonlySet<string>> {
  const header = (await headerText(content)).toLowerCase();
  const found = new Set<string>();
  const name = 'delivered-to:';
  for (let at = header.startsWith(name) ? 0 : header.indexOf(`\n${name}`); at >= 0; ) {
    const start = header.indexOf(':', at) + 1;
    const end = header.indexOf('\n', start);
    found.add(header.slice(start, end < 0 ? undefined : end).trim());
    at = end < 0 ? -1 : header.indexOf(`\n${name}`, end);
  }
  return found;
}

/** The mailbox as `deliveredTo` has it. */
export function deliveredToKey(mailbox: Mailbox): string {
  return Buffer.from(printMailbox(mailbox), 'utf8').toString('latin1').toLowerCase();
}

async function headerText(content: Content): Promise<string> {
  if (content.whole !== undefined) return upToBody(content.whole.subarray(0, HEADER_SCAN_BYTES_MAX));
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of content.chunks()) {
    parts.push(chunk);
    size += chunk.length;
    if (size >= HEADER_SCAN_BYTES_MAX || chunk.includes('\r\n\r\n')) break;
  }
  return upToBody(Buffer.concat(parts).subarray(0, HEADER_SCAN_BYTES_MAX));
}

function upToBody(bytes: Buffer): string {
  const end = bytes.indexOf('\r\n\r\n');
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end + 2);
}
