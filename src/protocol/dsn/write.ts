/**
 * Writes delivery status notifications: RFC 3461 §6, RFC 3464, RFC 6522 and RFC 6533. Pure: the same facts give the
 * same octets. What we generate is 7-bit, in lines of at most 998; only a quoted 8-bit original makes it 8bit, and only a
 * sender whose address has UTF-8 makes it a message for SMTPUTF8.
 */
import { createHash } from 'node:crypto';
import { printMailDate } from '../../base/calendar.ts';
import { type Mailbox, domainKey, needsSmtpUtf8, printMailbox } from '../../mail/mailbox.ts';
import { printField, tame } from './field.ts';
import { WORD_MAX } from './limits.ts';
import { quotedPrintable } from './quoted-printable.ts';
import { type ReturnedMessage, type WrittenPart, writeReturned } from './returned.ts';
import { type DsnMessageFacts, writeStatusPart } from './status-part.ts';

/** A report to be written. */
export interface Dsn extends DsnMessageFacts {
  /** The sender of the original message: whom the report is for. */
  readonly to: Mailbox;
  readonly subject: string;
  /** Without angle brackets. */
  readonly messageId: string;
  readonly atMs: number;
  /** Message-ID of the original without angle brackets, '' where it has none. */
  readonly originalMessageId: string;
  /** Lines for people. */
  readonly human: readonly string[];
  /** Absent where nothing can be brought back. */
  readonly returned?: ReturnedMessage;
}

/** A report as octets, with what its envelope must declare. */
export interface WrittenDsn {
  readonly content: Buffer;
  readonly body: '7bit' | '8bitmime';
  readonly smtpUtf8: boolean;
}

/** Writes a report. */
export function writeDsn(dsn: Dsn): WrittenDsn {
  const to = asciiWherePossible(dsn.to);
  const parts: [string, WrittenPart][] = [
    ['Notification', writeHuman(dsn.human)],
    ['Delivery report', writeStatusPart(dsn)],
  ];
  if (dsn.returned !== undefined) {
    parts.push([
      dsn.returned.extent === 'full' ? 'Undelivered or reported message' : 'Message header',
      writeReturned(dsn.returned),
    ]);
  }
  const boundary = chooseBoundary(
    dsn.messageId,
    parts.map(([, part]) => part),
  );
  const eightBit = parts.some(([, part]) => part.encoding === '8bit');
  const smtpUtf8 = needsSmtpUtf8(to);
  const chunks: (Buffer | string)[] = [header(dsn, to, boundary, eightBit)];
  for (const [description, part] of parts) {
    chunks.push(
      `\r\n--${boundary}\r\n`,
      printField('Content-Description', description),
      `Content-Type: ${part.type}\r\n`,
    );
    if (part.encoding !== undefined) chunks.push(`Content-Transfer-Encoding: ${part.encoding}\r\n`);
    chunks.push('\r\n', part.body);
  }
  chunks.push(`\r\n--${boundary}--\r\n`);
  const content = Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)));
  return { content, body: eightBit || smtpUtf8 ? '8bitmime' : '7bit', smtpUtf8 };
}

function header(dsn: Dsn, to: Mailbox, boundary: string, eightBit: boolean): string {
  let out = printField('From', `Mail Delivery Subsystem <MAILER-DAEMON@${dsn.reportingMta}>`);
  out += printField('To', `<${printMailbox(to)}>`);
  out += printField('Subject', tame(dsn.subject, false));
  out += printField('Date', printMailDate(dsn.atMs));
  out += printField('Message-ID', `<${dsn.messageId}>`);
  if (isMessageId(dsn.originalMessageId)) {
    out += printField('In-Reply-To', `<${dsn.originalMessageId}>`);
    out += printField('References', `<${dsn.originalMessageId}>`);
  }
  // RFC 3834 §5.1: an answer made by a machine to one message.
  out += printField('Auto-Submitted', 'auto-replied');
  out += printField('MIME-Version', '1.0');
  out += printField('Content-Type', `multipart/report; report-type=delivery-status; boundary="${boundary}"`);
  if (eightBit) out += printField('Content-Transfer-Encoding', '8bit');
  return out;
}

function writeHuman(lines: readonly string[]): WrittenPart {
  const text = lines.join('\r\n');
  if (/^[\x20-\x7e\r\n]*$/.test(text)) return { type: 'text/plain; charset=us-ascii', body: text };
  return { type: 'text/plain; charset=utf-8', encoding: 'quoted-printable', body: quotedPrintable(Buffer.from(text)) };
}

/** A sender whose domain alone has UTF-8 can be written in ASCII (RFC 5891); one whose local part has it cannot. */
function asciiWherePossible(mailbox: Mailbox): Mailbox {
  const domain = domainKey(mailbox.domain);
  return domain === '' || needsSmtpUtf8({ localPart: mailbox.localPart, domain: '' })
    ? mailbox
    : { ...mailbox, domain };
}

/** An identifier of RFC 5322 §3.6.4 in its plain form; others are not repeated in our header. */
function isMessageId(text: string): boolean {
  return (
    text.length <= WORD_MAX && /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9!#$%&'*+/=?^_`{|}~.:[\]-]+$/.test(text)
  );
}

/** A boundary that no part contains (RFC 2046 §5.1.1), the same each time the same report is written. */
function chooseBoundary(seed: string, parts: readonly WrittenPart[]): string {
  let boundary = `=_${createHash('sha256').update(seed).digest('hex').slice(0, 32)}`;
  while (parts.some((part) => part.body.includes(boundary))) {
    boundary = `=_${createHash('sha256').update(boundary).digest('hex').slice(0, 32)}`;
  }
  return boundary;
}
