import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectNone, sentences } from './expect.ts';
import { read, search, source, typescript, type Finding, type SourceFile } from './source.ts';

const STATUSES = new Set(['yes', 'partial', 'planned', 'no']);

/** The standards that the project speaks of: number to status. */
function standards(): Map<string, string> {
  const rows = read('docs/rfc/index.tsv').text.trimEnd().split('\n').slice(1);
  return new Map(rows.map((row) => row.split('\t')).map(([number = '', , status = '']) => [number, status]));
}

/** RFC 5321 §4.5.3.1 is the one form; a section is digits and letters with dots. */
function references(files: readonly SourceFile[], known: ReadonlyMap<string, string>): Finding[] {
  const unknown = search(files, 'comments', /\bRFC (\d+)/g, (match) =>
    known.has(match[1] ?? '') ? undefined : `${match[0]} is not in docs/rfc/index.tsv`,
  );
  const malformed = search(
    files,
    'comments',
    /\b(?:RFC[-_]?\d+|rfc ?\d{4,}|RFC \d+,? (?:[Ss]ections?|[Ss]ec\.|§ )\s*[\dA-Z]?\S*)/g,
    (match) => `"${match[0]}" is written "RFC 5321 §4.5.3.1"`,
  );
  return [...unknown, ...malformed];
}

function eventReferences(files: readonly SourceFile[], known: ReadonlyMap<string, string>): Finding[] {
  return search(files, 'text', /\brfc: \[([^\]]*)\]/g, (match) => {
    const bad = [...(match[1] ?? '').matchAll(/'([^']*)'/g)]
      .map(([, text = '']) => text)
      .filter((text) => !/^\d+ §[\w.]+$/.test(text) || !known.has(text.split(' ')[0] ?? ''));
    return bad.length === 0
      ? undefined
      : `"${bad.join('", "')}" is not a known standard and section, as in '5321 §4.5.4.1'`;
  });
}

test('the rule finds unknown standards and other ways to write them', () => {
  const file = source(
    'src/a.ts',
    "// RFC 5321 §4.1, RFC 9999 §1\n// RFC5321, RFC 5321 section 4\nconst a = 'RFC 1';\nconst b = { rfc: ['5321 4.1'] };",
  );
  const known = new Map([['5321', 'yes']]);
  assert.deepEqual(sentences(references([file], known)), [
    '1: RFC 9999 is not in docs/rfc/index.tsv',
    '2: "RFC5321" is written "RFC 5321 §4.5.3.1"',
    '2: "RFC 5321 section 4" is written "RFC 5321 §4.5.3.1"',
  ]);
  assert.deepEqual(sentences(eventReferences([file], known)), [
    `4: "5321 4.1" is not a known standard and section, as in '5321 §4.5.4.1'`,
  ]);
});

test('the list of standards says of each partial one what is missing, and of no other', () => {
  const rows = read('docs/rfc/index.tsv')
    .text.trimEnd()
    .split('\n')
    .slice(1)
    .map((row) => row.split('\t'));
  assert.deepEqual(
    rows.filter(
      ([, , status, missing = '', ...more]) => (status === 'partial') !== (missing !== '') || more.length > 0,
    ),
    [],
  );
});

test('the list of standards has a known status in each row', () => {
  const rows = [...standards()];
  assert.ok(rows.length > 50);
  assert.deepEqual(
    rows.filter(([number, status]) => !/^\d+$/.test(number) || !STATUSES.has(status)),
    [],
  );
});

test('references to standards have one form and are listed', () => {
  const files = typescript('src', 'test', 'bench').filter(({ path }) => path !== 'test/house/references.test.ts');
  expectNone('standards', [...references(files, standards()), ...eventReferences(files, standards())]);
});
