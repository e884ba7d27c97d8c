import { expandedNameMax, macroPartsMax } from './limits.ts';

/** The letters of macros in domains, and with c, r and t also those of explanations (RFC 7208 §7.2). */
export type MacroLetter = 's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'h' | 'c' | 'r' | 't' | 'v';

/** A piece of a macro string: text, or a macro with its transformers. */
export type MacroPart =
  | string
  | {
      readonly letter: MacroLetter;
      /** Right-hand parts to keep; undefined keeps all. */
      readonly keep: number | undefined;
      readonly reverse: boolean;
      readonly delimiters: string;
      readonly escape: boolean;
    };

/** A macro string, read. */
export type MacroString = readonly MacroPart[];

/** What each letter stands for. */
export type MacroValues = Readonly<Record<MacroLetter, string>>;

const EXPAND = /%(?:([%_-])|\{([slodiphcrtv])(\d{0,3})(r?)([.\-+,/_=]*)\})/iy;
const LITERAL = /[\x21-\x24\x26-\x7e]+/y;
const EXPLANATION_LITERAL = /[\x20-\x24\x26-\x7e]+/y;
const ESCAPED: Readonly<Record<string, string>> = { '%': '%', _: ' ', '-': '%20' };
const ONLY_EXPLANATIONS = 'crt';

/** Reads a macro string (RFC 7208 §7.1); undefined where it is none. Spaces, and the letters c, r and t, are for explanations. */
export function parseMacroString(text: string, where: 'domain' | 'explanation'): MacroString | undefined {
  const parts: MacroPart[] = [];
  const literal = where === 'domain' ? LITERAL : EXPLANATION_LITERAL;
  let at = 0;
  while (at < text.length) {
    if (parts.length >= macroPartsMax) return undefined;
    literal.lastIndex = at;
    const plain = literal.exec(text)?.[0];
    if (plain !== undefined) {
      parts.push(plain);
      at += plain.length;
      continue;
    }
    EXPAND.lastIndex = at;
    const match = EXPAND.exec(text);
    const part = match === null ? undefined : partOf(match, where);
    if (match === null || part === undefined) return undefined;
    parts.push(part);
    at += match[0].length;
  }
  return parts;
}

function partOf(match: RegExpExecArray, where: 'domain' | 'explanation'): MacroPart | undefined {
  const [, escaped, letter, digits = '', reverse, delimiters = ''] = match;
  if (escaped !== undefined) return ESCAPED[escaped] ?? '';
  const lower = (letter ?? '').toLowerCase() as MacroLetter;
  if (where === 'domain' && ONLY_EXPLANATIONS.includes(lower)) return undefined;
  const keep = digits === '' ? undefined : Number(digits);
  if (keep === 0) return undefined;
  return { letter: lower, keep, reverse: reverse !== '', delimiters, escape: letter !== lower };
}

/** Whether a macro string uses a letter. */
export const usesLetter = (parts: MacroString, letter: MacroLetter): boolean =>
  parts.some((part) => typeof part !== 'string' && part.letter === letter);

const LAST_LABEL = /\.(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])\.?$/i;

/** Reads a domain-spec: it ends with a macro, or with a dot and a top label that is not all digits (RFC 7208 §7.1). */
export function parseDomainSpec(text: string): MacroString | undefined {
  const parts = parseMacroString(text, 'domain');
  const last = parts?.at(-1);
  if (parts === undefined || last === undefined) return undefined;
  if (typeof last !== 'string') return parts;
  // The part is what the escapes stand for, and %% at the end is no label: the text itself decides.
  return LAST_LABEL.test(text) ? parts : undefined;
}

/** Puts the values in (RFC 7208 §7.3). */
export function expandMacros(parts: MacroString, values: MacroValues): string {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const value = transform(values[part.letter], part.keep, part.reverse, part.delimiters);
    text += part.escape ? urlEscaped(value) : value;
  }
  return text;
}

function transform(value: string, keep: number | undefined, reverse: boolean, delimiters: string): string {
  if (keep === undefined && !reverse && delimiters === '') return value;
  const at = new Set(delimiters === '' ? '.' : delimiters);
  const parts: string[] = [''];
  for (const character of value) {
    if (at.has(character)) parts.push('');
    else parts[parts.length - 1] += character;
  }
  if (reverse) parts.reverse();
  return (keep === undefined ? parts : parts.slice(-keep)).join('.');
}

/** Everything but the unreserved characters of RFC 3986 §2.3. */
const urlEscaped = (value: string): string =>
  [...Buffer.from(value)]
    .map((octet) => {
      const character = String.fromCharCode(octet);
      return /[A-Za-z0-9._~-]/.test(character) ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

/** The expanded name without final dot; labels on the left are left away where it is too long (RFC 7208 §7.3). */
export function expandName(parts: MacroString, values: MacroValues): string {
  let name = expandMacros(parts, values).replace(/\.$/, '');
  while (name.length > expandedNameMax) {
    const dot = name.indexOf('.');
    if (dot === -1) return '';
    name = name.slice(dot + 1);
  }
  return name;
}
