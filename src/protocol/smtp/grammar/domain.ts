import { domainKey } from '../../../mail/mailbox.ts';
import { domainMax, labelMax } from '../limits.ts';
import { isLetDig, isGraphic } from './characters.ts';
import { isIpv4, isIpv6 } from './address-literal.ts';

const HYPHEN = 45;
const DOT = 46;
const UNDERSCORE = 95;

/**
 * Where the domain that begins at `start` ends, or -1 where none does (RFC 5321 §4.1.2, with U-labels of RFC 6531 §3.3).
 * Against RFC 5321 §4.1.2: '_' counts as a letter, because hosts with such names send mail.
 */
export function domainEnd(text: string, start: number): number {
  let labelStart = start;
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (!isLabel(text, labelStart, at)) return -1;
      labelStart = at + 1;
    } else if (!isLetDig(code) && code !== HYPHEN && code !== UNDERSCORE) break;
  }
  if (!isLabel(text, labelStart, at)) return -1;
  const domain = text.slice(start, at);
  return Buffer.byteLength(domain) <= domainMax && domainKey(domain.toLowerCase()) !== '' ? at : -1;
}

/** Where the address literal that begins with '[' at `start` ends (behind ']'), or -1 (RFC 5321 §4.1.3). */
export function literalEnd(text: string, start: number): number {
  const close = text.indexOf(']', start);
  if (text.charAt(start) !== '[' || close < 0 || close + 1 - start > domainMax) return -1;
  const inside = text.slice(start + 1, close);
  const colon = inside.indexOf(':');
  if (colon < 0) return isIpv4(inside) ? close + 1 : -1;
  const tag = inside.slice(0, colon).toLowerCase();
  const content = inside.slice(colon + 1);
  if (tag === 'ipv6') return isIpv6(content) ? close + 1 : -1;
  return isTag(tag) && isDcontent(content) ? close + 1 : -1;
}

/** Whether the whole text is a domain. */
export function isDomain(text: string): boolean {
  return text !== '' && domainEnd(text, 0) === text.length;
}

/** Whether the whole text is an address literal with its brackets. */
export function isLiteral(text: string): boolean {
  return text !== '' && literalEnd(text, 0) === text.length;
}

function isLabel(text: string, start: number, end: number): boolean {
  return (
    end > start && end - start <= labelMax && text.charCodeAt(start) !== HYPHEN && text.charCodeAt(end - 1) !== HYPHEN
  );
}

function isTag(tag: string): boolean {
  return /^[a-z0-9-]*[a-z0-9]$/.test(tag);
}

function isDcontent(content: string): boolean {
  for (let i = 0; i < content.length; i++) {
    const code = content.charCodeAt(i);
    if (!isGraphic(code) || code === 91 || code === 92) return false;
  }
  return content !== '';
}
