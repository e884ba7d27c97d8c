import { printMailbox } from '../../mail/mailbox.ts';
import type { QueueId } from '../../mail/queue-id.ts';
import type { TimelineEntry } from '../../mail/timeline.ts';
import type { Claim, OwedMessage } from '../queue/port.ts';
import { kindOfReport } from './identity.ts';

/**
 * What the timelines say of the reports that a record has made durable: in the life of the message that each was sent,
 * and the beginning of the report's own life. `ids` are those that `record` answered, in the order of `owed`.
 */
export function reportEntries(
  claim: Pick<Claim, 'queueId' | 'recipients'>,
  owed: readonly OwedMessage[],
  ids: readonly QueueId[],
  atMs: number,
): TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  const about = claim.recipients.map((recipient) => printMailbox(recipient.mailbox));
  owed.forEach(({ message, content }, i) => {
    const reportId = ids[i];
    if (reportId === undefined) return;
    const kind = kindOfReport(message.messageId);
    const { queueId } = claim;
    if (kind === 'postmaster')
      entries.push({
        atMs,
        queueId,
        what: 'operator',
        action: `copy to the postmaster as ${reportId}`,
        recipients: about,
      });
    else entries.push({ atMs, queueId, what: 'report', kind: kind ?? 'failed', reportId, recipients: about });
    entries.push({
      atMs,
      queueId: reportId,
      what: 'received',
      messageId: message.messageId,
      sender: '',
      recipients: message.deliveries.flatMap((delivery) =>
        delivery.recipients.map((recipient) => printMailbox(recipient.mailbox)),
      ),
      client: 'this server',
      protocol: `report about ${queueId}`,
      sizeBytes: content.length,
      nextHops: message.deliveries.map((delivery) => delivery.nextHop),
    });
  });
  return entries;
}
