import type { Mailbox } from '../../mail/mailbox.ts';

/** One mailbox of a header field; `start` and `end` enclose the addr-spec in the text. */
export interface HeaderAddress {
  readonly mailbox: Mailbox;
  readonly displayName: string;
  readonly start: number;
  readonly end: number;
}

/** Addresses read from one field; more are left out. */
export const headerAddressesMax = 10_000;
/** Comments within comments; deeper ones are read as one. */
const COMMENT_DEPTH_MAX = 50;

interface Token {
  /** A quoted string, a domain literal, an atom, or a special of its own. */
  readonly kind: 'quoted' | 'literal' | 'atom' | 'special';
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads an address list (RFC 5322 §3.4) with its obsolete forms: groups are flattened, comments skipped, a route before the addr-spec
 * is passed over. What cannot be read is left out up to the next comma. One pass, time in proportion to the length; never throws.
 * Text beyond ASCII may come as UTF-8 or, octet by octet, as latin1: offsets are those of the text given.
 */
export function parseAddressList(text: string): HeaderAddress[] {
  const out: HeaderAddress[] = [];
  let item: Token[] = [];
  const flush = (): void => {
    const address = readAddress(item);
    if (address !== undefined && out.length < headerAddressesMax) out.push(address);
    item = [];
  };
  let angle = false;
  for (const token of tokens(text)) {
    if (token.kind === 'special') {
      if (token.value === '<') angle = true;
      if (token.value === '>') angle = false;
      if (!angle && (token.value === ',' || token.value === ';')) {
        flush();
        continue;
      }
      if (!angle && token.value === ':') {
        item = [];
        continue;
      }
    }
    item.push(token);
  }
  flush();
  return out;
}

/** Reads exactly one addr-spec (local-part@domain), nothing else; undefined where the text is not one. The domain comes in lower case. */
export function parseAddress(text: string): Mailbox | undefined {
  const list = [...tokens(text)];
  const mailbox = readAddrSpec(list);
  if (mailbox === undefined) return undefined;
  // No white space or comments around or between the parts.
  let at = 0;
  for (const token of list) {
    if (token.start !== at) return undefined;
    at = token.end;
  }
  return at === text.length ? mailbox : undefined;
}

function readAddress(item: readonly Token[]): HeaderAddress | undefined {
  const open = item.findIndex((token) => token.kind === 'special' && token.value === '<');
  if (open === -1) return located(item, '');
  const close = item.findIndex((token, index) => index > open && token.kind === 'special' && token.value === '>');
  let inside = item.slice(open + 1, close === -1 ? item.length : close);
  // The obsolete source route <@a,@b:user@host> (RFC 5322 §4.4).
  if (inside[0]?.kind === 'special' && inside[0].value === '@') {
    const colon = inside.findIndex((token) => token.kind === 'special' && token.value === ':');
    if (colon === -1) return undefined;
    inside = inside.slice(colon + 1);
  }
  return located(
    inside,
    item
      .slice(0, open)
      .map((token) => token.value)
      .join(' '),
  );
}

function located(list: readonly Token[], displayName: string): HeaderAddress | undefined {
  const mailbox = readAddrSpec(list);
  const first = list[0];
  const last = list.at(-1);
  return mailbox === undefined || first === undefined || last === undefined
    ? undefined
    : { mailbox, displayName, start: first.start, end: last.end };
}

function readAddrSpec(list: readonly Token[]): Mailbox | undefined {
  const at = list.findIndex((token) => token.kind === 'special' && token.value === '@');
  if (at <= 0) return undefined;
  const localPart = joined(list.slice(0, at), ['atom', 'quoted']);
  const domain = joined(list.slice(at + 1), ['atom', 'literal']);
  return localPart === undefined || domain === undefined || domain === ''
    ? undefined
    : { localPart, domain: domain.toLowerCase() };
}

/** Words with dots between them; nothing else, no word beside a word. */
function joined(list: readonly Token[], kinds: readonly Token['kind'][]): string | undefined {
  let text = '';
  let word = false;
  for (const token of list) {
    const dot = token.kind === 'special' && token.value === '.';
    if (dot === !word || (!dot && !kinds.includes(token.kind))) return undefined;
    text += token.value;
    word = !dot;
  }
  return word ? text : undefined;
}

const SPECIALS = '<>@,;:.[]()"\\';
const SPACE = ' \t\r\n';

function* tokens(text: string): Generator<Token> {
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (SPACE.includes(char)) {
      at += 1;
    } else if (char === '(') {
      at = commentEnd(text, at);
    } else if (char === '"' || char === '[') {
      const token = enclosed(text, at, char);
      at = token.end;
      yield token;
    } else if (SPECIALS.includes(char)) {
      yield { kind: 'special', value: char, start: at, end: at + 1 };
      at += 1;
    } else {
      const start = at;
      while (at < text.length && !SPECIALS.includes(text.charAt(at)) && !SPACE.includes(text.charAt(at))) at += 1;
      yield { kind: 'atom', value: text.slice(start, at), start, end: at };
    }
  }
}

function commentEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  for (; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '(') depth = Math.min(depth + 1, COMMENT_DEPTH_MAX);
    else if (char === ')') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

function enclosed(text: string, start: number, open: '"' | '['): Token {
  const literal = open === '[';
  let value = literal ? '[' : '';
  let at = start + 1;
  for (; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === (literal ? ']' : '"')) break;
    if (char === '\\' && at + 1 < text.length) {
      at += 1;
      value += text.charAt(at);
    } else if (char !== '\r' && char !== '\n') {
      value += char;
    }
  }
  return {
    kind: literal ? 'literal' : 'quoted',
    value: literal ? `${value}]` : value,
    start,
    end: Math.min(at + 1, text.length),
  };
}
