import type { QueueRow } from '../../flow/queue/port.ts';
import { printReply } from '../../mail/reply.ts';
import { showBytes, showSpan } from '../cli/text.ts';

/** What the list of the queue says of a delivery. */
export const queueRowTitles = [
  'QUEUE-ID',
  'STATE',
  'AGE',
  'DUE',
  'TRIES',
  'SIZE',
  'NEXT HOP',
  'FROM',
  'TO',
  'LAST REPLY',
] as const;

/** What is done with a delivery now, in a word. */
export function queueRowState(row: QueueRow): string {
  if (row.quarantined) return 'quarantined';
  if (row.held) return 'held';
  return row.claimed ? 'in work' : 'waiting';
}

/** A delivery of the queue's list, in words under those titles. */
export function queueRowWords(row: QueueRow, nowMs: number): string[] {
  const recipients = row.recipients ?? [];
  const first = recipients.find((one) => one.state === 'waiting') ?? recipients[0];
  const more = recipients.length > 1 ? ` +${recipients.length - 1}` : '';
  const reply = first?.lastReply === undefined ? '' : printReply(first.lastReply);
  const due = row.held || row.quarantined ? '-' : row.dueAtMs <= nowMs ? 'now' : `in ${showSpan(row.dueAtMs - nowMs)}`;
  const sender = row.sender === undefined || row.sender === '' ? '<>' : row.sender;
  return [
    row.queueId,
    queueRowState(row),
    showSpan(nowMs - row.arrivedAtMs),
    due,
    String(row.attempts),
    showBytes(row.sizeBytes),
    row.nextHop,
    sender,
    `${first?.mailbox ?? ''}${more}`,
    reply,
  ];
}
