import { printMailDate } from '../../base/calendar.ts';
import { parseIp, printIp } from '../../base/ip.ts';
import { type Mailbox, needsSmtpUtf8 } from '../../mail/mailbox.ts';
import type { RemoteHost } from '../../mail/outcome.ts';
import type { Reply } from '../../mail/reply.ts';
import { originalNeedsUtf8, printFinal, printOriginal } from './address.ts';
import { printField, tame } from './field.ts';
import { REPLY_QUOTED_MAX } from './limits.ts';
import { quotedPrintable } from './quoted-printable.ts';
import type { WrittenPart } from './returned.ts';

/** The actions of RFC 3464 §2.3.3. */
export type DsnAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';

/** What a report says of one recipient (RFC 3464 §2.3). */
export interface DsnRecipient {
  readonly final: Mailbox;
  /** ORCPT, decoded from xtext, with its type. */
  readonly original?: string;
  readonly action: DsnAction;
  /** RFC 3463: 'class.subject.detail'. */
  readonly status: string;
  /** The host that said `reply`; without one the reply is our own. */
  readonly remote?: RemoteHost;
  readonly reply?: Reply;
  readonly lastAttemptAtMs?: number;
  readonly willRetryUntilMs?: number;
}

/** What a report says of the message (RFC 3464 §2.2). */
export interface DsnMessageFacts {
  readonly reportingMta: string;
  readonly envelopeId?: string;
  readonly arrivedAtMs: number;
  readonly recipients: readonly DsnRecipient[];
}

/** The machine's part of a report: message/delivery-status, or message/global-delivery-status where an address needs it (RFC 6533 §4). */
export function writeStatusPart(facts: DsnMessageFacts): WrittenPart {
  const global = facts.recipients.some((r) => needsGlobal(r));
  const blocks = [messageFields(facts), ...facts.recipients.map((r) => recipientFields(r, global))];
  const body = blocks.join('\r\n');
  if (!global) return { type: 'message/delivery-status', body: body.slice(0, -2) };
  return {
    type: 'message/global-delivery-status',
    encoding: 'quoted-printable',
    body: quotedPrintable(Buffer.from(body)),
  };
}

function needsGlobal(recipient: DsnRecipient): boolean {
  if (recipient.original !== undefined && originalNeedsUtf8(recipient.original)) return true;
  return needsSmtpUtf8(recipient.final);
}

function messageFields(facts: DsnMessageFacts): string {
  let out = '';
  // Octets that ENVID may have had in xtext and a field may not have are left as spaces (RFC 3464 §2.2.1).
  if (facts.envelopeId !== undefined) out += printField('Original-Envelope-Id', tame(facts.envelopeId, false));
  out += printField('Reporting-MTA', `dns; ${tame(facts.reportingMta, false)}`);
  return out + printField('Arrival-Date', printMailDate(facts.arrivedAtMs));
}

function recipientFields(recipient: DsnRecipient, global: boolean): string {
  const { remote, reply } = recipient;
  let out = '';
  if (recipient.original !== undefined)
    out += printField('Original-Recipient', printOriginal(recipient.original, global));
  out += printField('Final-Recipient', printFinal(recipient.final, global));
  out += printField('Action', recipient.action);
  out += printField('Status', validStatus(recipient));
  if (remote !== undefined && remote.name !== '') out += printField('Remote-MTA', printRemote(remote.name));
  if (reply !== undefined)
    out += printField('Diagnostic-Code', `${remote === undefined ? 'x-ims' : 'smtp'}; ${printDiagnostic(reply)}`);
  if (recipient.lastAttemptAtMs !== undefined)
    out += printField('Last-Attempt-Date', printMailDate(recipient.lastAttemptAtMs));
  if (recipient.willRetryUntilMs !== undefined)
    out += printField('Will-Retry-Until', printMailDate(recipient.willRetryUntilMs));
  return out;
}

/** A host by its name or address literal (RFC 5321 §4.1.3); a socket of this host is of a type of our own (RFC 3464 §2.3.5). */
function printRemote(name: string): string {
  if (name.startsWith('/')) return `x-unix-socket; ${tame(name, false)}`;
  const ip = parseIp(name);
  if (ip === undefined) return `dns; ${tame(name, false)}`;
  return `dns; [${ip.family === 6 ? 'IPv6:' : ''}${printIp(ip)}]`;
}

/** The status as RFC 3463 §2 wants it, with a class that fits the action (RFC 3464 §2.3.4); anything else becomes 'class.0.0'. */
export function validStatus(recipient: Pick<DsnRecipient, 'action' | 'status'>): string {
  const classes = recipient.action === 'failed' ? '54' : recipient.action === 'delayed' ? '4' : '2';
  const match = /^([245])\.(\d{1,3})\.(\d{1,3})$/.exec(recipient.status);
  if (match === null || !classes.includes(match[1] ?? '')) return `${classes.slice(0, 1)}.0.0`;
  return `${match[1]}.${Number(match[2])}.${Number(match[3])}`;
}

/** The reply as it came, its lines joined: '550 5.1.1 no such mailbox' (RFC 3464 §2.3.6). */
function printDiagnostic(reply: Reply): string {
  const status = reply.detail === undefined ? '' : ` ${Math.floor(reply.code / 100)}.${reply.detail}`;
  return tame(`${reply.code}${status} ${reply.text.join(' ')}`.slice(0, REPLY_QUOTED_MAX), false);
}
