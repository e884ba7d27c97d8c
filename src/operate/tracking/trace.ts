import { printInstant } from '../../base/calendar.ts';
import { printReply } from '../../mail/reply.ts';
import { printForwardedFrom, printSenderCheck } from '../../mail/sender-check.ts';
import type { TimelineEntry } from '../../mail/timeline.ts';
import type { MessageTimeline } from './search.ts';

const ADDRESSES_SHOWN = 10;

/** The lives of messages for people at a terminal: one block a message, one line a step. */
export function renderTrace(messages: readonly MessageTimeline[]): string {
  return messages.map((message) => renderMessage(message)).join('\n\n');
}

function renderMessage(message: MessageTimeline): string {
  const lines = [`${message.queueId}`];
  for (const entry of message.entries) {
    const [first = '', ...more] = linesOf(entry);
    lines.push(`  ${printInstant(entry.atMs).slice(0, 23).replace('T', ' ')}  ${first}`);
    for (const line of more) lines.push(`${' '.repeat(27)}${line}`);
  }
  const end = message.entries.at(-1);
  if (end !== undefined && end.what !== 'ended') lines.push(`  still in the queue, or its end was not written down`);
  return lines.join('\n');
}

function linesOf(entry: TimelineEntry): string[] {
  switch (entry.what) {
    case 'received':
      return [
        `received from ${plain(entry.client)} by ${plain(entry.protocol)}${entry.account === undefined ? '' : ` as ${plain(entry.account)}`}, ${entry.sizeBytes} octets`,
        `message-id ${entry.messageId === '' ? '(none)' : `<${plain(entry.messageId)}>`}`,
        `from ${entry.sender === '' ? '<>' : plain(entry.sender)} to ${addresses(entry.recipients)}`,
        ...(entry.forwarded === undefined ? [] : [`for ${plain(printForwardedFrom(entry.forwarded))}`]),
        ...(entry.checks ?? []).map((check) => plain(printSenderCheck(check))),
        ...(entry.signed === undefined ? [] : [`signed by ${plain(entry.signed.join(' and '))}`]),
        `queued for ${entry.nextHops.map(plain).join(', ')}`,
      ];
    case 'attempt':
      return [
        `attempt ${entry.attempt} for ${plain(entry.nextHop)}${entry.remote === '' ? '' : ` at ${plain(entry.remote)}`}, ${Math.round(entry.durationMs)} ms`,
        ...entry.outcomes.map(
          (o) => `${o.kind} ${plain(o.recipient)}${o.reply === undefined ? '' : `: ${plain(printReply(o.reply))}`}`,
        ),
        ...(entry.nextDueMs === undefined
          ? []
          : [`next attempt at ${printInstant(entry.nextDueMs).slice(0, 19).replace('T', ' ')}`]),
      ];
    case 'report':
      return [
        `report of kind "${entry.kind}" sent to the sender as ${entry.reportId}, about ${addresses(entry.recipients)}`,
      ];
    case 'operator':
      return [
        `operator: ${plain(entry.action)}${entry.recipients.length === 0 ? '' : ` for ${addresses(entry.recipients)}`}`,
      ];
    case 'quarantined':
      return [`quarantined: ${plain(entry.why)}`];
    case 'ended':
      return ['ended: every recipient has its outcome'];
    default:
      return [`step of a newer version: ${plain(JSON.stringify(entry))}`];
  }
}

function addresses(list: readonly string[]): string {
  const more = list.length - ADDRESSES_SHOWN;
  return list.slice(0, ADDRESSES_SHOWN).map(plain).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** What came from outside, without characters that a terminal would obey. */
function plain(text: string): string {
  return text.replace(/[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ');
}
