import { printMailDate } from '../../base/calendar.ts';
import { printMailbox } from '../../mail/mailbox.ts';
import { tame, wrap } from '../../protocol/dsn/field.ts';
import type { DsnRecipient } from '../../protocol/dsn/status-part.ts';
import { explain } from './explanations.ts';
import { LISTED_RECIPIENTS_MAX, QUOTED_REPLY_MAX } from './limits.ts';

/** The kinds of reports; one attempt owes at most one of each. */
export type ReportKind = 'failed' | 'delayed' | 'delivered' | 'postmaster';

/** What the words need to know. */
export interface Words {
  readonly kind: ReportKind;
  readonly serverName: string;
  readonly arrivedAtMs: number;
  /** Subject of the original message, '' where unknown. */
  readonly subject: string;
  /** Reverse-path of the original message, for the postmaster. */
  readonly sender: string;
  readonly recipients: readonly DsnRecipient[];
  readonly expiresAtMs: number;
  readonly returned: 'full' | 'headers' | 'nothing';
}

const WIDTH = 76;

/** The Subject of a report. */
export function subjectOf(kind: ReportKind): string {
  switch (kind) {
    case 'failed':
      return 'Undelivered mail returned to sender';
    case 'delayed':
      return 'Delayed mail (still being retried)';
    case 'delivered':
      return 'Successful mail delivery report';
    case 'postmaster':
      return 'Postmaster notice: a message was not delivered';
  }
}

/** The human part: what happened, the other server's own words, and what the sender can do. */
export function humanLines(words: Words): string[] {
  const lines = [`This is the mail system at host ${words.serverName}.`, ''];
  for (const sentence of opening(words)) lines.push(...wrap(sentence, WIDTH));
  if (words.kind === 'postmaster') lines.push('', ...wrap(`Sender: ${tame(words.sender, true)}`, WIDTH));
  if (words.subject !== '') lines.push('', ...wrap(`Subject of the message: ${tame(words.subject, true)}`, WIDTH));
  else lines.push('');
  lines.push(`Received here: ${printMailDate(words.arrivedAtMs)}`);
  for (const recipient of words.recipients.slice(0, LISTED_RECIPIENTS_MAX))
    lines.push('', ...recipientLines(recipient));
  const more = words.recipients.length - LISTED_RECIPIENTS_MAX;
  if (more > 0) lines.push('', `... and ${more} more; the attached delivery report names them all.`);
  lines.push('', ...wrap(closing(words.returned), WIDTH));
  return lines;
}

function opening(words: Words): string[] {
  switch (words.kind) {
    case 'failed':
      return [
        'Your message could not be delivered to the recipients below. It has been given up for them; they have not received it.',
      ];
    case 'delayed':
      return [
        'Your message could not be delivered to the recipients below yet. You do not need to send it again.',
        `Attempts go on until ${printMailDate(words.expiresAtMs)}; you will be told if they fail.`,
      ];
    case 'delivered':
      return ['You asked to be told what became of your message. This report needs no action.'];
    case 'postmaster':
      return [
        'A message could not be delivered. This is a copy for the postmaster; the sender has been told unless no report was wanted.',
      ];
  }
}

function recipientLines(recipient: DsnRecipient): string[] {
  const lines = wrap(`<${tame(printMailbox(recipient.final), true)}>`, WIDTH);
  const original = recipient.original?.slice(recipient.original.indexOf(';') + 1);
  if (original !== undefined && original.toLowerCase() !== printMailbox(recipient.final).toLowerCase()) {
    lines.push(...wrap(`(you sent it to ${tame(original, true)})`, WIDTH, '  '));
  }
  const success = successSentence(recipient);
  if (success !== undefined) return [...lines, ...wrap(success, WIDTH, '  ')];
  const { happened, advice } = explain(recipient.status);
  const unknown = recipient.action === 'delayed' && recipient.status.startsWith('4.0.');
  lines.push(...wrap(unknown ? 'The message was not taken for the time being.' : happened, WIDTH, '  '));
  const { reply, remote } = recipient;
  if (reply !== undefined) {
    const here = recipient.action === 'delayed' ? 'The last answer was:' : 'This server noted:';
    const who =
      remote === undefined ? here : `The server ${tame(remote.name === '' ? remote.address : remote.name, true)} said:`;
    const status = reply.detail === undefined ? '' : ` ${recipient.status}`;
    const said = tame(`${reply.code}${status} ${reply.text.join(' ')}`.slice(0, QUOTED_REPLY_MAX), true);
    lines.push(...wrap(who, WIDTH, '  '), ...wrap(said, WIDTH, '    '));
  }
  lines.push(
    ...wrap(
      `What you can do: ${recipient.action === 'delayed' ? 'nothing now; attempts go on by themselves.' : advice}`,
      WIDTH,
      '  ',
    ),
  );
  return lines;
}

function successSentence(recipient: DsnRecipient): string | undefined {
  const to = recipient.remote === undefined ? '' : ` ${tame(recipient.remote.name, true)}`;
  switch (recipient.action) {
    case 'delivered':
      return 'The message was delivered into the mailbox.';
    case 'relayed':
      return `The message was passed on to the mail server${to}, which does not confirm deliveries. You may hear no more of it.`;
    case 'expanded':
      return 'The message was passed on to the addresses that stand behind this one.';
    default:
      return undefined;
  }
}

function closing(returned: Words['returned']): string {
  switch (returned) {
    case 'full':
      return 'Attached are a delivery report for mail programs and your message.';
    case 'headers':
      return 'Attached are a delivery report for mail programs and the header of your message.';
    case 'nothing':
      return 'Attached is a delivery report for mail programs. The message itself could not be attached.';
  }
}
