import { assert } from '../../../base/assert.ts';
import type { EnvelopeOptions, EnvelopeRecipient, Notify } from '../../../mail/envelope.ts';
import { domainKey, type Mailbox, printPath, type ReversePath } from '../../../mail/mailbox.ts';
import { decodeEmbedded } from '../../dsn/address.ts';
import type { PeerExtensions } from './extensions.ts';

/** What MAIL needs to know about the content. */
export interface ContentFacts {
  readonly sizeBytes: number;
  readonly eightBit: boolean;
}

/** What else decides about the parameters of MAIL. */
export interface MailTerms {
  /** An address or the header needs SMTPUTF8. */
  readonly smtpUtf8: boolean;
  /** We have logged in to the peer. */
  readonly authenticated: boolean;
}

/** The MAIL command with the parameters that the peer offers to understand, ended by CRLF. */
export function mailCommand(
  envelope: EnvelopeOptions,
  content: ContentFacts,
  peer: PeerExtensions,
  terms: MailTerms,
): string {
  let line = `MAIL FROM:${safePath(envelope.reversePath, peer)}`;
  if (peer.size) line += ` SIZE=${content.sizeBytes}`;
  if (envelope.body === 'binarymime' && peer.binaryMime) line += ' BODY=BINARYMIME';
  else if (peer.eightBitMime && (content.eightBit || envelope.body === '8bitmime')) line += ' BODY=8BITMIME';
  if (terms.smtpUtf8 && peer.smtpUtf8) line += ' SMTPUTF8';
  if (peer.dsn) {
    if (envelope.returned !== undefined) line += ` RET=${envelope.returned === 'full' ? 'FULL' : 'HDRS'}`;
    if (envelope.envelopeId !== undefined) line += ` ENVID=${xtext(envelope.envelopeId)}`;
  }
  // RFC 4954 §5: nobody is trusted to vouch for a submitter, and a host that knows us by login is told so.
  if (terms.authenticated && peer.auth.length > 0) line += ' AUTH=<>';
  return `${line}\r\n`;
}

/** The RCPT command, ended by CRLF; NOTIFY and ORCPT only for a peer with DSN (RFC 3461 §5.2.1). */
export function rcptCommand(recipient: EnvelopeRecipient, peer: PeerExtensions): string {
  let line = `RCPT TO:${safePath(recipient.mailbox, peer)}`;
  if (peer.dsn) {
    if (recipient.notify !== undefined) line += ` NOTIFY=${printNotify(recipient.notify)}`;
    if (recipient.original !== undefined) line += ` ORCPT=${printOriginal(recipient.original, peer.smtpUtf8)}`;
  }
  return `${line}\r\n`;
}

/** Encodes text as xtext (RFC 3461 §4). */
export function xtext(text: string): string {
  if (/^[!-*,-<>-~]*$/.test(text)) return text;
  let out = '';
  for (const octet of Buffer.from(text, 'utf8')) {
    const plain = octet > 32 && octet < 127 && octet !== 0x2b && octet !== 0x3d;
    out += plain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/** A domain goes out in A-labels to a peer that cannot take U-labels (RFC 6531 §3.2). */
function safePath(path: ReversePath, peer: PeerExtensions): string {
  const text = printPath(path === null || peer.smtpUtf8 ? path : asciiDomain(path));
  // A line end inside a path would be a command of somebody else's.
  assert(!/[\x00-\x1f\x7f]/.test(text), 'a path has no control characters');
  return text;
}

function asciiDomain(mailbox: Mailbox): Mailbox {
  const domain = domainKey(mailbox.domain);
  return domain === mailbox.domain ? mailbox : { localPart: mailbox.localPart, domain };
}

function printNotify(notify: Notify): string {
  return notify.length === 0 ? 'NEVER' : notify.map((when) => when.toUpperCase()).join(',');
}

/** The type as it is, the address as xtext; for the type utf-8 as RFC 6533 §3 has it. */
function printOriginal(original: string, utf8: boolean): string {
  const at = original.indexOf(';');
  const type = original.slice(0, at < 0 ? 0 : at);
  const address = original.slice(at + 1);
  if (type.toLowerCase() !== 'utf-8') return `${xtext(type)};${xtext(address)}`;
  let out = '';
  // It may have come in the form for ASCII already, which must not be encoded once more.
  for (const character of decodeEmbedded(address)) {
    const point = character.codePointAt(0) ?? 0;
    const plain = point > 32 && point < 127 && !'+=\\'.includes(character);
    out += plain || (utf8 && point > 159) ? character : `\\x{${point.toString(16).toUpperCase().padStart(2, '0')}}`;
  }
  return `${xtext(type)};${out}`;
}
