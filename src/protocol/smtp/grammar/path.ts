/**
 * Paths and mailboxes of RFC 5321 §4.1.2 with the letters of RFC 6531 §3.3. Source routes are read and left out
 * (RFC 5321 appendix C); what is measured is octets (RFC 5321 §4.5.3.1).
 */
import type { Mailbox, ReversePath } from '../../../mail/mailbox.ts';
import { localPartMax, pathMax } from '../limits.ts';
import { isAtext } from './characters.ts';
import { domainEnd, literalEnd } from './domain.ts';

/** What was read and where it ended. A mailbox without a domain has the domain '' (only `<postmaster>` may: the caller's rule). */
export interface ReadPath {
  readonly path: ReversePath;
  readonly end: number;
}

/** Reads the path in angle brackets that begins at `start`; undefined where there is none. */
export function readPath(text: string, start: number): ReadPath | undefined {
  if (text.charAt(start) !== '<') return undefined;
  if (text.charAt(start + 1) === '>') return { path: null, end: start + 2 };
  const at = text.charAt(start + 1) === '@' ? routeEnd(text, start + 1) : start + 1;
  if (at < 0) return undefined;
  const mailbox = readMailbox(text, at);
  if (mailbox === undefined || text.charAt(mailbox.end) !== '>') return undefined;
  const end = mailbox.end + 1;
  return octets(text.slice(start, end)) <= pathMax ? { path: mailbox.mailbox, end } : undefined;
}

/** Reads a whole text as a mailbox with a domain: `alice@example.test`; undefined where it is none. */
export function parseMailbox(text: string): Mailbox | undefined {
  const read = readMailbox(text, 0);
  return read !== undefined && read.end === text.length && read.mailbox.domain !== '' ? read.mailbox : undefined;
}

function readMailbox(text: string, start: number): { mailbox: Mailbox; end: number } | undefined {
  const local = text.charAt(start) === '"' ? readQuoted(text, start) : readDotString(text, start);
  if (local === undefined || octets(text.slice(start, local.end)) > localPartMax) return undefined;
  if (text.charAt(local.end) !== '@') return { mailbox: { localPart: local.value, domain: '' }, end: local.end };
  const from = local.end + 1;
  const end = text.charAt(from) === '[' ? literalEnd(text, from) : domainEnd(text, from);
  if (end < 0) return undefined;
  return { mailbox: { localPart: local.value, domain: text.slice(from, end).toLowerCase() }, end };
}

function readDotString(text: string, start: number): { value: string; end: number } | undefined {
  let at = start;
  let atomStart = start;
  for (; at < text.length; at++) {
    if (text.charAt(at) === '.') {
      if (at === atomStart) return undefined;
      atomStart = at + 1;
    } else if (!isAtext(text.charCodeAt(at))) break;
  }
  return at === atomStart ? undefined : { value: text.slice(start, at), end: at };
}

function readQuoted(text: string, start: number): { value: string; end: number } | undefined {
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') return { value, end: at + 1 };
    const escaped = character === '\\';
    if (escaped) at += 1;
    const code = text.charCodeAt(at);
    // qtextSMTP and quoted-pairSMTP: no control characters; a backslash quotes ASCII only. NaN beyond the end fails too.
    if (!(code >= 32) || code === 127 || (escaped && code > 126)) return undefined;
    value += text.charAt(at);
  }
  return undefined;
}

/** Where a source route `@one,@two:` ends, or -1. */
function routeEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    if (text.charAt(at) !== '@') return -1;
    at = text.charAt(at + 1) === '[' ? literalEnd(text, at + 1) : domainEnd(text, at + 1);
    if (at < 0) return -1;
    if (text.charAt(at) === ':') return at + 1;
    if (text.charAt(at) !== ',') return -1;
    at += 1;
  }
}

function octets(text: string): number {
  return Buffer.byteLength(text);
}
