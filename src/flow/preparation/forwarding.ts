/**
 * Two servers whose aliases lead to each other would send a message round until its hops are too many. A forwarded message
 * therefore carries the alias in Delivered-To, and one that comes back to it has gone in a circle.
 */
import { needsSmtpUtf8, printMailbox } from '../../mail/mailbox.ts';
import type { HeaderScanner } from '../../protocol/headers/scanner.ts';
import { fieldValue } from '../../protocol/headers/scanner.ts';
import type { AcceptedRecipient } from './deliveries.ts';

/** The field that marks where a message has been, in lower case. */
export const markField = 'delivered-to';

/**
 * The alias that a message is forwarded from, undefined where it is none. Only of a message with one recipient: the
 * field would tell recipients about each other otherwise.
 */
export function forwardedFrom(recipients: readonly AcceptedRecipient[], smtpUtf8: boolean): string | undefined {
  const [only] = recipients;
  if (only === undefined || recipients.length > 1) return undefined;
  const { mailbox } = only.recipient;
  const forwards = only.targets.some(({ domain }) => domain !== mailbox.domain);
  if (!forwards || (needsSmtpUtf8(mailbox) && !smtpUtf8)) return undefined;
  return printMailbox(mailbox);
}

/** Whether a message has been forwarded from the address before. Our own local parts have no case. */
export function hasPassed(header: HeaderScanner, address: string): boolean {
  const wanted = address.toLowerCase();
  return header.fields.some((field) => field.name === markField && fieldValue(field).trim().toLowerCase() === wanted);
}
