import type { SimDisk } from '../../src/world/sim/disk.ts';
import type { Acceptance, Ledger, SubmittedRecipient, Submission } from './ledger.ts';
import { deadDomains, dsnDomains, livingDomains } from './world-outside.ts';

/** A report as its reader finds it. */
interface Report {
  readonly where: 'mailbox' | 'remote';
  readonly messageId: string;
  /** Message-ID of the message it is about, where the report says. */
  readonly statements: readonly { readonly recipient: string; readonly action: string }[];
  /** The token of the message it is about. */
  readonly about: string;
}

/** A message in a mailbox. */
interface Delivered {
  readonly mailbox: string;
  readonly token: string;
}

/** Compares what the outside knows with what must hold; returns a sentence for each thing that does not. */
export async function findViolations(ledger: Ledger, disk: SimDisk): Promise<readonly string[]> {
  const { delivered, reports } = await readMailboxes(disk);
  const sent = ledger.acceptances.filter(({ sender }) => sender === '').filter(isReport);
  for (const acceptance of firstOfEach(sent))
    reports.push(reportOf(acceptance.content, 'remote', acceptance.messageId));
  return [
    ...ledger.submissions
      .filter(({ state }) => state === 'acknowledged')
      .flatMap((one) => fates(one, ledger, delivered, reports)),
    ...ledger.submissions.flatMap((one) => reportsOf(one, reports)),
    ...duplicates(ledger),
    ...recordedTwice(ledger),
  ];
}

async function readMailboxes(disk: SimDisk): Promise<{ delivered: Delivered[]; reports: Report[] }> {
  const delivered: Delivered[] = [];
  const reports: Report[] = [];
  for (const path of disk.paths) {
    const mailbox = /^\/srv\/data\/mail\/example\.test\/([^/]+)\/new\//.exec(path)?.[1];
    if (mailbox === undefined) continue;
    const content = (await disk.readFile(path)).toString('latin1');
    if (isReport({ content })) reports.push(reportOf(content, 'mailbox', fieldOf(content, 'message-id')));
    else delivered.push({ mailbox, token: tokenOf(content) });
  }
  return { delivered, reports };
}

/** What became of one acknowledged message, recipient by recipient. */
function fates(
  submission: Submission,
  ledger: Ledger,
  delivered: readonly Delivered[],
  reports: readonly Report[],
): string[] {
  const { token } = submission;
  return submission.recipients
    .filter(({ accepted }) => accepted)
    .flatMap((recipient) => {
      const { address } = recipient;
      const [local = '', domain = ''] = address.split('@');
      const found: string[] = [];
      const copies =
        domain === 'example.test'
          ? delivered.filter((one) => one.mailbox === local && one.token === token).length
          : ledger.acceptances.filter((one) => one.recipient === address).length;
      const failures = statements(reports, token, address, 'failed');
      // A report may expire as well, as where the wall clock is set ahead; then nobody is told of that (RFC 5321 §6.1).
      const untold = ledger.finals.some((one) => one.recipient === submission.sender && one.kind === 'failed');
      const finals = ledger.finals.filter(
        (one) => one.recipient === address && ledger.messageIds.get(one.queueId)?.includes(`${token}@`) === true,
      );
      const name = `${token} for ${address}`;
      const wantsFailure =
        submission.sender !== '' && (recipient.notify === undefined || recipient.notify.includes('FAILURE'));
      if (domain === 'example.test' && copies > 1) found.push(`${name}: ${copies} copies in the mailbox`);
      if (copies === 0) {
        if (wantsFailure && failures === 0 && !untold) found.push(`${name}: lost, neither delivered nor reported`);
        if (!wantsFailure && !mayFail(local, domain) && !finals.some(({ kind }) => kind === 'failed'))
          found.push(`${name}: lost, not delivered`);
      }
      if (
        finals.some(({ kind }) => kind === 'delivered') &&
        (failures > 0 || finals.some(({ kind }) => kind === 'failed'))
      ) {
        found.push(`${name}: recorded as delivered and reported as failed`);
      }
      if (!untold) found.push(...successes(submission, recipient, domain, finals, reports));
      return found;
    });
}

/** Whether a recipient may fail without anybody being told. */
function mayFail(local: string, domain: string): boolean {
  return (
    local.endsWith('bad') ||
    (deadDomains as readonly string[]).includes(domain) ||
    domain === 'flaky.test' ||
    domain === 'moody.test'
  );
}

function successes(
  { sender, token }: Submission,
  { address, notify }: SubmittedRecipient,
  domain: string,
  finals: Ledger['finals'],
  reports: readonly Report[],
): string[] {
  const action = domain === 'example.test' ? 'delivered' : 'relayed';
  const told = statements(reports, token, address, action);
  const wanted =
    sender !== '' &&
    notify?.includes('SUCCESS') === true &&
    finals.some(({ kind }) => kind === 'delivered') &&
    !dsnDomains.has(domain);
  if (wanted && told !== 1) return [`${token} for ${address}: success reported ${told} times instead of once`];
  if (notify?.includes('SUCCESS') !== true && told > 0) return [`${token} for ${address}: success reported unasked`];
  return [];
}

/** What must hold of the reports about any message, acknowledged or not. */
function reportsOf(submission: Submission, reports: readonly Report[]): string[] {
  const { token, sender } = submission;
  const about = reports.filter((one) => one.about === token);
  if (sender === '') return about.length === 0 ? [] : [`${token}: a report about a message with the null reverse-path`];
  return submission.recipients.flatMap(({ address, notify }) => {
    const failures = statements(reports, token, address, 'failed');
    const delays = statements(reports, token, address, 'delayed');
    const found: string[] = [];
    if (failures > 1) found.push(`${token} for ${address}: its failure is reported ${failures} times`);
    if (delays > 1) found.push(`${token} for ${address}: its delay is reported ${delays} times`);
    if (failures > 0 && notify !== undefined && !notify.includes('FAILURE'))
      found.push(`${token} for ${address}: a failure is reported against NOTIFY=${notify}`);
    return found;
  });
}

/** A second copy is excused where the first one's reply was lost, or its record could not be made. */
function duplicates({ acceptances, finals }: Ledger): string[] {
  const found: string[] = [];
  const earlier = new Map<string, Acceptance[]>();
  for (const one of acceptances) {
    const key = `${one.recipient} ${one.messageId}`;
    const before = earlier.get(key) ?? [];
    for (const first of before) {
      const isRecorded =
        !isReport(one) &&
        finals.some(
          ({ recipient, kind, atMs }) => recipient === one.recipient && kind === 'delivered' && atMs < one.beganMs,
        );
      if (isRecorded) found.push(`${key}: sent again after its delivery was recorded`);
      else if (first.seen && first.process?.alive === true && first.process === one.process)
        found.push(`${key}: sent again by a process that had seen the 250`);
    }
    before.push(one);
    earlier.set(key, before);
  }
  return found;
}

function recordedTwice({ finals, messageIds }: Ledger): string[] {
  const seen = new Set<string>();
  return finals.flatMap(({ queueId, recipient }) => {
    const key = `${queueId} ${recipient}`;
    if (seen.has(key)) return [`${key} (${messageIds.get(queueId) ?? ''}): two final outcomes`];
    seen.add(key);
    return [];
  });
}

function firstOfEach(acceptances: readonly Acceptance[]): readonly Acceptance[] {
  const found = new Map<string, Acceptance>();
  for (const one of acceptances)
    if (!found.has(`${one.recipient} ${one.messageId}`)) found.set(`${one.recipient} ${one.messageId}`, one);
  return [...found.values()];
}

function isReport({ content }: { readonly content: string }): boolean {
  return content.includes('report-type=delivery-status');
}

function reportOf(content: string, where: Report['where'], messageId: string): Report {
  const statements = [
    ...content.matchAll(/^Final-Recipient: rfc822; ?([^\r\n]+)\r\n(?:[^\r\n]+\r\n)*?Action: (\w+)/gm),
  ].map(([, recipient = '', action = '']) => ({
    recipient: recipient.toLowerCase(),
    action,
  }));
  return { where, messageId, statements, about: /^Message-ID: <(m\d+)@client\.test>/im.exec(content)?.[1] ?? '' };
}

function statements(reports: readonly Report[], token: string, recipient: string, action: string): number {
  return reports.filter(
    (one) =>
      one.about === token && one.statements.some((said) => said.recipient === recipient && said.action === action),
  ).length;
}

function fieldOf(content: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*?)\\r$`, 'im').exec(content)?.[1] ?? '';
}

function tokenOf(content: string): string {
  return fieldOf(content, 'subject');
}

/** Whether a domain takes mail in the end. */
export function isLiving(domain: string): boolean {
  return Object.hasOwn(livingDomains, domain);
}
