/** The parameters of MAIL and RCPT: `KEYWORD` or `KEYWORD=value`, apart by spaces (RFC 5321 §4.1.2). */
import type { Reply } from '../../../mail/reply.ts';
import { parametersMax } from '../limits.ts';
import { replies } from '../replies.ts';

/** One parameter; the keyword in capitals; no value where there was no '='. */
export interface Parameter {
  readonly keyword: string;
  readonly value: string | undefined;
}

/** The outcome of reading an argument: its value, or the reply that refuses it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reply: Reply };

const KEYWORD = /^[A-Z0-9][A-Z0-9-]*$/;
/** esmtp-value, with the letters that RFC 6531 §3.3 adds. */
const VALUE = /^[^\x00-\x20=\x7f]+$/;

/** Reads what follows a path. Several spaces and a trailing one are borne; a keyword given twice is refused. */
export function parseParameters(text: string): Parsed<readonly Parameter[]> {
  const list: Parameter[] = [];
  if (text === '') return { ok: true, value: list };
  if (!text.startsWith(' ')) return { ok: false, reply: replies.syntax('a space before each parameter') };
  for (const word of text.split(' ')) {
    if (word === '') continue;
    if (list.length >= parametersMax) return { ok: false, reply: replies.tooManyParameters };
    const equals = word.indexOf('=');
    const keyword = (equals < 0 ? word : word.slice(0, equals)).toUpperCase();
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    if (!KEYWORD.test(keyword)) return { ok: false, reply: replies.syntax('KEYWORD or KEYWORD=value') };
    if (value !== undefined && !VALUE.test(value)) return { ok: false, reply: replies.parameterSyntax(keyword) };
    if (list.some((known) => known.keyword === keyword)) return { ok: false, reply: replies.parameterTwice(keyword) };
    list.push({ keyword, value });
  }
  return { ok: true, value: list };
}
