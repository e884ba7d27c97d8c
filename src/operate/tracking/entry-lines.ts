import { printReply } from '../../mail/reply.ts';
import { printForwardedFrom, printSenderCheck } from '../../mail/sender-check.ts';
import type { TimelineEntry } from '../../mail/timeline.ts';
import { plain, showBytes, showSpan, showTime } from '../cli/text.ts';

const list = (texts: readonly string[]): string =>
  texts.length <= 3 ? texts.join(', ') : `${texts.slice(0, 3).join(', ')} and ${texts.length - 3} more`;

/** One step of a message's life, as lines: the first is the step, the others belong to it. */
export function entryLines(entry: TimelineEntry): readonly string[] {
  return wordsOf(entry).map(plain);
}

function wordsOf(entry: TimelineEntry): readonly string[] {
  switch (entry.what) {
    case 'received': {
      const account = entry.account === undefined ? '' : `, logged in as ${entry.account}`;
      return [
        `received   from ${entry.client} by ${entry.protocol}${account}, ${showBytes(entry.sizeBytes)}`,
        ...(entry.forwarded === undefined ? [] : [`which brings it for ${printForwardedFrom(entry.forwarded)}`]),
        ...(entry.checks ?? []).map(printSenderCheck),
        ...(entry.signed === undefined ? [] : [`signed by ${entry.signed.join(' and ')}`]),
        `from ${entry.sender === '' ? '<>' : entry.sender} to ${list(entry.recipients)}`,
        `Message-ID ${entry.messageId === '' ? '(none)' : entry.messageId}; next hops ${list(entry.nextHops)}`,
      ];
    }
    case 'attempt': {
      const next = entry.nextDueMs === undefined ? '' : `; next at ${showTime(entry.nextDueMs)}`;
      const outcomes = entry.outcomes.map(
        (one) => `${one.kind}  ${one.recipient}${one.reply === undefined ? '' : `  ${printReply(one.reply)}`}`,
      );
      return [
        `attempt ${entry.attempt}  ${entry.nextHop}${entry.remote === '' ? '' : ` at ${entry.remote}`}, took ${showSpan(entry.durationMs)}${next}`,
        ...outcomes,
      ];
    }
    case 'report':
      return [
        `report     '${entry.kind}' was sent to the sender as ${entry.reportId}, about ${list(entry.recipients)}`,
      ];
    case 'operator':
      return [`operator   ${entry.action}${entry.recipients.length === 0 ? '' : `: ${list(entry.recipients)}`}`];
    case 'quarantined':
      return [`quarantine ${entry.why}`];
    case 'ended':
      return ['ended      nothing of this delivery waits any more'];
  }
}
