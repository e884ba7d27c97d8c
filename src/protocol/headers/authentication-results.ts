/** The Authentication-Results field of RFC 8601 §2.2, as far as one must know whose it is. */
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
