import type { EnvelopeOptions, EnvelopeRecipient } from '../../mail/envelope.ts';
import { domainKey, printMailbox } from '../../mail/mailbox.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { parseQueueId } from '../../mail/queue-id.ts';
import type { QueueFilter } from './port.ts';

/** Whether a filter asks for something that only the envelope says. */
export function needsEnvelope(filter: QueueFilter): boolean {
  return (
    filter.domain !== undefined ||
    filter.sender !== undefined ||
    filter.recipient !== undefined ||
    filter.messageId !== undefined
  );
}

/** Whether an envelope is what a filter asks for. Mailboxes compare without case: an operator's search may find too much, never too little. */
export function matchesEnvelope(
  filter: QueueFilter,
  envelope: EnvelopeOptions,
  recipients: readonly EnvelopeRecipient[],
  messageId: string,
): boolean {
  const { domain, sender, recipient } = filter;
  if (filter.messageId !== undefined && filter.messageId.replace(/^<|>$/g, '') !== messageId) return false;
  if (sender !== undefined && !isMailbox(envelope.reversePath, sender)) return false;
  if (
    domain !== undefined &&
    !recipients.some((one) => domainKey(one.mailbox.domain) === domainKey(domain.toLowerCase()))
  )
    return false;
  return recipient === undefined || recipients.some((one) => isMailbox(one.mailbox, recipient));
}

function isMailbox(mailbox: Mailbox | null, wanted: string): boolean {
  const plain = wanted.replace(/^<|>$/g, '').toLowerCase();
  return mailbox === null ? plain === '' : printMailbox(mailbox).toLowerCase() === plain;
}

/** The number of the message of a shard that a filter goes on after; -1 where it begins with the first. */
export function lastOf({ after = [] }: QueueFilter, shard: number): number {
  const ids = after.map(parseQueueId).filter((one) => one?.shard === shard);
  return Math.max(-1, ...ids.map((one) => one?.id ?? -1));
}
