import { type Mailbox, domainKey, needsSmtpUtf8, printMailbox } from '../../mail/mailbox.ts';
import { tame } from './field.ts';
import { WORD_MAX } from './limits.ts';

/** Whether an address as ORCPT gave it (decoded from xtext) has characters beyond ASCII, plain or as `\x{...}` (RFC 6533 §3). */
export function originalNeedsUtf8(original: string): boolean {
  return /[^\x00-\x7f]/.test(decodeEmbedded(original));
}

/** Decodes the `\x{HEX}` characters of RFC 6533 §3; one that names no character stays as it is. */
export function decodeEmbedded(text: string): string {
  if (!text.includes('\\x{')) return text;
  return text.replace(/\\x\{([0-9A-Fa-f]{2,6})\}/g, (whole, hex: string) => {
    const point = Number.parseInt(hex, 16);
    return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) ? String.fromCodePoint(point) : whole;
  });
}

/** Writes an address in utf-8-addr-xtext, that is in ASCII alone (RFC 6533 §3). */
export function encodeEmbedded(text: string): string {
  return text.replace(/[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]/gu, (character) => {
    return `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}}`;
  });
}

/**
 * The value of Original-Recipient from ORCPT (RFC 3461 §6.3 (b), RFC 3464 §2.3.1): the type stays, the address is the decoded one,
 * but octets that could break the field are in xtext again. `global` allows characters beyond ASCII as they are.
 */
export function printOriginal(original: string, global: boolean): string {
  const at = original.indexOf(';');
  const type = at < 0 ? 'rfc822' : tame(original.slice(0, at), false).replace(/[^A-Za-z0-9-]/g, '');
  const address = at < 0 ? original : original.slice(at + 1);
  if (type.toLowerCase() === 'utf-8' || originalNeedsUtf8(address))
    return `utf-8;${printUtf8(decodeEmbedded(address), global)}`;
  return `${type === '' ? 'unknown' : type};${bound(encodeControls(address.trim()))}`;
}

/** The value of Final-Recipient (RFC 3464 §2.3.2): rfc822 where the mailbox fits into ASCII (its domain as A-labels), else utf-8 (RFC 6533 §3). */
export function printFinal(mailbox: Mailbox, global: boolean): string {
  if (!needsSmtpUtf8(mailbox)) return `rfc822;${bound(encodeControls(printMailbox(mailbox)))}`;
  const ascii = { localPart: mailbox.localPart, domain: domainKey(mailbox.domain) };
  if (!global && ascii.domain !== '' && !needsSmtpUtf8(ascii))
    return `rfc822;${bound(encodeControls(printMailbox(ascii)))}`;
  return `utf-8;${printUtf8(printMailbox(mailbox), global)}`;
}

function printUtf8(address: string, global: boolean): string {
  if (!global) return bound(encodeEmbedded(address));
  return bound(address.replace(/[\x00-\x20\x7f-\x9f\u2028\u2029]/g, (character) => encodeEmbedded(character)));
}

/** Controls and trailing spaces of a hostile address in xtext (RFC 3461 §4). */
function encodeControls(address: string): string {
  return address.replace(
    /[^\x20-\x7e]/g,
    (character) => `+${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function bound(text: string): string {
  return text.length > WORD_MAX ? text.slice(0, WORD_MAX) : text;
}
