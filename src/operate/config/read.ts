import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { ALIASES_MAX, BRACKETS_MAX, FILE_BYTES_MAX, INDENT_MAX } from './limits.ts';
import type { Finding, Problem } from './problem.ts';
import { printKey } from './problem.ts';
import { showValue } from './words.ts';

/** A place in the text, both from 1; 0, 0 where there is none. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A configuration text as YAML sees it. */
export interface ReadText {
  /** The raw value; undefined where the text is no YAML at all. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Where a key or its value stands; of a path that is not in the text, where the nearest part of it does. */
  position(path: readonly (string | number)[], at: 'key' | 'value'): Position;
}

const NOWHERE: Position = { line: 0, column: 0 };

/** What the YAML parser's complaints mean to somebody who has never read its specification. */
const SYNTAX: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab is used for indentation; YAML allows spaces only',
  BAD_INDENT: 'this line is indented differently from its neighbours',
  MISSING_CHAR: 'something is missing here, such as a closing quote, a bracket, a comma or the space after a colon',
  MULTILINE_IMPLICIT_KEY: "a ':' is missing after the key, or the line before it is not finished",
  BLOCK_AS_IMPLICIT_KEY: "there are two ': ' in one line; put the value in quotes",
  UNEXPECTED_TOKEN: 'this does not belong here; put texts with special characters in quotes',
  BAD_SCALAR_START: 'a text that begins with this character must be in quotes',
  BAD_ALIAS: "a text that begins with '*' must be in quotes, such as '*.example.com'",
  MULTIPLE_DOCS: "a second document begins here ('---'); one file is one configuration",
  BAD_DQ_ESCAPE: "'\\' begins an escape in double quotes; use single quotes",
  TAG_RESOLVE_FAILED: "'!' begins a tag; put the text in quotes",
};

const keyText = (pair: Pair<unknown, unknown>): string => (isScalar(pair.key) ? String(pair.key.value) : '');

function place(counter: LineCounter, offset: number | undefined): Position {
  if (offset === undefined) return NOWHERE;
  const { line, col } = counter.linePos(offset);
  return { line, column: col };
}

/** Finds the node of a path, following aliases; where the path ends early, the last key that is there. */
function locate(document: Document, path: readonly (string | number)[], at: 'key' | 'value'): number | undefined {
  let node: unknown = document.contents;
  let found = (document.contents as Node | null)?.range?.[0];
  for (const [i, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    let next: unknown;
    let start: number | undefined;
    if (isMap(node)) {
      const pair = (node as YAMLMap).items.find((item) => keyText(item) === String(part));
      const key = pair?.key as Node | undefined;
      next = pair?.value;
      start =
        at === 'value' && i === path.length - 1
          ? ((next as Node | null)?.range?.[0] ?? key?.range?.[0])
          : key?.range?.[0];
    } else if (isSeq(node) && typeof part === 'number') {
      next = node.items[part];
      start = (next as Node | undefined)?.range?.[0];
    }
    if (start === undefined) return found;
    found = start;
    node = next;
  }
  return found;
}

/** Keys that stand twice in one section: the second would silently win. */
function duplicates(document: Document, file: string, counter: LineCounter): Problem[] {
  const out: Problem[] = [];
  visit(document, {
    Map(_key, map) {
      const first = new Map<string, number | undefined>();
      for (const pair of map.items) {
        const name = keyText(pair);
        const offset = (pair.key as Node | null)?.range?.[0];
        if (first.has(name)) {
          const message = `the key '${name}' stands here a second time; the first is in line ${place(counter, first.get(name)).line}`;
          out.push({ severity: 'error', file, ...place(counter, offset), key: '', message });
        } else first.set(name, offset);
      }
    },
  });
  return out;
}

function unreadable(file: string, message: string): ReadText {
  return {
    value: undefined,
    problems: [{ severity: 'error', file, line: 0, column: 0, key: '', message }],
    position: () => NOWHERE,
  };
}

function parse(text: string, file: string): ReadText {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false, strict: true });
  const position = (path: readonly (string | number)[], at: 'key' | 'value'): Position =>
    place(counter, locate(document, path, at));
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => {
    const said = SYNTAX[error.code] ?? error.message;
    return { severity: 'error', file, ...place(counter, error.pos[0]), key: '', message: `not valid YAML: ${said}` };
  });
  if (problems.length > 0) return { value: undefined, problems, position };
  problems.push(...duplicates(document, file, counter));
  try {
    return { value: document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown, problems, position };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const unknown = unknownAliases(document, file, counter);
    const message = `more than ${ALIASES_MAX} aliases are used`;
    const why: Problem[] =
      unknown.length > 0 ? unknown : [{ severity: 'error', file, line: 1, column: 1, key: '', message }];
    return { value: undefined, problems: [...problems, ...why], position };
  }
}

/** An alias without an anchor is nearly always a pattern such as *.example.com without quotes. */
function unknownAliases(document: Document, file: string, counter: LineCounter): Problem[] {
  const out: Problem[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (out.length >= ALIASES_MAX) return visit.BREAK;
      if (alias.resolve(document) !== undefined) return undefined;
      const message = `not valid YAML: a text that begins with '*' must be in quotes: '*${alias.source}'`;
      out.push({ severity: 'error', file, ...place(counter, alias.range?.[0]), key: '', message });
      return undefined;
    },
  });
  return out;
}

/**
 * Whether a text opens more brackets, or indents deeper, than any configuration does. The parser recurses and would
 * end the process.
 */
function nestsTooDeeply(text: string): boolean {
  let brackets = 0;
  let leading = 0;
  let atStart = true;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x0a) {
      leading = 0;
      atStart = true;
    } else if (atStart && (code === 0x20 || code === 0x2d || code === 0x3f || code === 0x3a || code === 0x09)) {
      leading += 1;
      if (leading > INDENT_MAX) return true;
    } else atStart = false;
    if (code === 0x5b || code === 0x7b) {
      brackets += 1;
      if (brackets > BRACKETS_MAX) return true;
    } else if ((code === 0x5d || code === 0x7d) && brackets > 0) brackets -= 1;
  }
  return false;
}

/** Parses a configuration text. Bounded: a text made to exhaust memory or stack is refused. */
export function readText(text: string, file: string): ReadText {
  if (Buffer.byteLength(text) > FILE_BYTES_MAX)
    return unreadable(file, `the file is larger than ${FILE_BYTES_MAX / 1024 ** 2} MB`);
  if (nestsTooDeeply(text)) return unreadable(file, 'the values are nested too deeply');
  const read = parse(text.startsWith('\ufeff') ? text.slice(1) : text, file);
  return { ...read, problems: [...read.problems, ...foreignMarks(text, file)] };
}

/** What editors of other systems leave in a file. It is read all the same; other programs stumble over it. */
function foreignMarks(text: string, file: string): readonly Problem[] {
  const marks = [
    text.startsWith('\ufeff') ? 'a byte order mark (BOM) at its begin' : '',
    text.includes('\r\n') ? 'CRLF line ends' : '',
  ].filter((mark) => mark !== '');
  if (marks.length === 0) return [];
  const message = `has ${marks.join(' and ')}, as editors of Windows write it; it is read all the same (dos2unix takes that out)`;
  return [{ severity: 'warning', file, line: 0, column: 0, key: '', message }];
}

/** Gives a finding its place in the text. */
export function toProblem(finding: Finding, read: Pick<ReadText, 'position'>, file: string): Problem {
  const { severity, path, at, message, value, allowed, nearest } = finding;
  return {
    severity,
    file,
    ...read.position(path, at),
    key: printKey(path),
    message,
    ...(value === undefined ? {} : { value: showValue(value) }),
    ...(allowed === undefined ? {} : { allowed }),
    ...(nearest === undefined ? {} : { nearest }),
  };
}
