/** What the service has promised by the moment of a power cut, held against what is found afterwards. */
import type { RecordedMessage } from '../../support/recording-sink.ts';
import type { Found } from './found.ts';
import { fateOf, messageIdOf, type SentMessage } from './traffic.ts';

/** What is wrong after a power cut, by kind, one sentence each. */
export interface Findings {
  readonly lost: string[];
  readonly corrupt: string[];
  readonly reportsLost: string[];
  readonly reportsDoubled: string[];
  /** Acknowledged messages that were checked. */
  checked: number;
}

/** What is known from outside the service. */
export interface Ledger {
  readonly sent: readonly SentMessage[];
  /** When the reply left that acknowledged a message, by queue-id. */
  readonly acknowledgedNs: ReadonlyMap<string, number>;
  readonly taken: readonly RecordedMessage[];
}

export function noFindings(): Findings {
  return { lost: [], corrupt: [], reportsLost: [], reportsDoubled: [], checked: 0 };
}

/** Whether a content is that of the message, whole. */
function isWhole(content: string, { name, body }: SentMessage): boolean {
  return content.endsWith(`\r\n\r\n${body}`) && content.includes(`Message-ID: <${messageIdOf(name)}>\r\n`);
}

/** The recipients whose failure a report tells; none where it is no report. */
function reported(content: string): string[] {
  return [...content.matchAll(/^Final-Recipient: rfc822; ?(\S+?)\r?$/gim)].map((match) => match[1] ?? '');
}

/** The messages that hold a report of each recipient, by their queue-ids; a copy on its way and one delivered are the same report. */
function reportsByRecipient(found: Found, wrong: Findings): Map<string, Set<string>> {
  const reports = new Map<string, Set<string>>();
  for (const { queueId, content } of [...found.queued, ...found.mailboxes]) {
    const recipients = reported(content);
    if (recipients.length > 0 && !/--\r\n$/.test(content)) wrong.corrupt.push(`report ${queueId} is cut off`);
    for (const recipient of recipients) reports.set(recipient, (reports.get(recipient) ?? new Set()).add(queueId));
  }
  return reports;
}

/** Checks every message against what is found after a cut at `atNs`, and adds to `wrong` what is not as promised. */
export function checkPromises(ledger: Ledger, found: Found, atNs: number, wrong: Findings): void {
  const reports = reportsByRecipient(found, wrong);
  const queued = new Map(found.queued.map((message) => [message.queueId, message]));
  const inMailboxes = new Map<string, string[]>();
  for (const { mailbox, queueId, content } of found.mailboxes) {
    const key = `${queueId} ${mailbox}`;
    inMailboxes.set(key, [...(inMailboxes.get(key) ?? []), content]);
  }
  const taken = new Set(ledger.taken.filter(({ takenAtNs }) => takenAtNs <= atNs).flatMap(({ to }) => to));
  for (const message of ledger.sent) {
    const { name, queueId = '' } = message;
    const waits = queued.get(queueId);
    const acknowledgedNs = ledger.acknowledgedNs.get(queueId);
    const acknowledged = acknowledgedNs !== undefined && acknowledgedNs <= atNs;
    if (acknowledged) wrong.checked += 1;
    if (waits !== undefined && !isWhole(waits.content, message))
      wrong.corrupt.push(`${name} in the queue: ${waits.content.slice(0, 80)}`);
    for (const recipient of message.recipients) {
      const waiting = waits?.waiting.includes(recipient) === true;
      const copies = inMailboxes.get(`${queueId} ${recipient}`) ?? [];
      if (copies.length > 1) wrong.corrupt.push(`${name} is twice in the mailbox of ${recipient}`);
      for (const copy of copies)
        if (!isWhole(copy, message)) wrong.corrupt.push(`${name} in the mailbox of ${recipient}`);
      const count = reports.get(recipient)?.size ?? 0;
      const fate = fateOf(recipient);
      if (count > (fate === 'refused' && !waiting ? 1 : 0))
        wrong.reportsDoubled.push(`${count} reports of ${recipient}, ${waiting ? 'who still waits' : 'who has ended'}`);
      if (!acknowledged || waiting) continue;
      if (fate === 'refused' && count === 0) wrong.reportsLost.push(`the report of ${recipient}`);
      if (fate === 'maildir' && copies.length === 0) wrong.lost.push(`${name} for ${recipient}`);
      if (fate === 'taken' && !taken.has(recipient)) wrong.lost.push(`${name} for ${recipient}`);
    }
  }
}
