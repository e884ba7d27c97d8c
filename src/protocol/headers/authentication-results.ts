/** The Authentication-Results field of RFC 8601 §2.2: whose it is, and ours. */
import type { SenderCheck } from '../../mail/sender-check.ts';
import { commentText, quotedUnless } from './comment.ts';
import type { HeaderField } from './scanner.ts';
import { fieldValue } from './scanner.ts';

/** The name of the field in lower case. */
export const authenticationResults = 'authentication-results';

/** Comments within comments; deeper ones are read as one. */
const COMMENT_DEPTH_MAX = 50;

/**
 * Who says to have checked: the authserv-id, in lower case; '' where none can be read. Comments and folding before it are
 * skipped, a quoted string is read without its quotes.
 */
export function authservId(field: HeaderField): string {
  const value = fieldValue(field);
  const start = skipComments(value);
  if (value.charAt(start) === '"') return quoted(value, start + 1).toLowerCase();
  let end = start;
  while (end < value.length && !' \t;('.includes(value.charAt(end))) end += 1;
  return value.slice(start, end).toLowerCase().replace(/\.$/, '');
}

function skipComments(value: string): number {
  let at = 0;
  let depth = 0;
  for (; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === '(') depth = Math.min(depth + 1, COMMENT_DEPTH_MAX);
    else if (depth > 0 && char === ')') depth -= 1;
    else if (depth > 0 && char === '\\') at += 1;
    else if (depth === 0 && char !== ' ' && char !== '\t') break;
  }
  return at;
}

function quoted(value: string, start: number): string {
  let out = '';
  for (let at = start; at < value.length && value.charAt(at) !== '"'; at += 1) {
    if (value.charAt(at) === '\\') at += 1;
    out += value.charAt(at);
  }
  return out;
}

/** Text of one reason, so that no line comes near 998 octets. */
const REASON_MAX = 200;
/** A domain, or an address whose local part is a dot-atom (RFC 8601 §2.2, pvalue). */
const PLAIN = /^(?:[\w!#$%&'*+/=?^`{|}~.-]+@)?[A-Za-z0-9._-]+$/;

/** Our field with its line end. What was checked is listed, what was not is not; with nothing of it, 'none' (RFC 8601 §2.2). */
export function authenticationResultsField(
  serverName: string,
  clientAddress: string,
  checks: readonly SenderCheck[],
): string {
  const results = checks.length === 0 ? ' none' : checks.map((check) => resinfo(clientAddress, check)).join(';');
  return `Authentication-Results: ${serverName};${results}\r\n`;
}

function resinfo(clientAddress: string, check: SenderCheck): string {
  const reason = commentText(check.why === '' ? clientAddress : `${clientAddress}: ${check.why}`, REASON_MAX);
  // No registered method says that a client is on a list; 'x-' marks those that are not (RFC 8601 §2.7.6).
  if (check.method === 'dnsbl') return `\r\n\tx-dnsbl=fail (${reason}) dns.zone=${check.zone} policy.ip=${check.code}`;
  return `\r\n\tspf=${check.result} (${reason})\r\n\t smtp.${check.identity}=${quotedUnless(PLAIN, check.value)}`;
}
