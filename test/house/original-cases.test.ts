import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectNone } from './expect.ts';
import { type Finding, read, trackedPaths } from './source.ts';

const PAGE = 'docs/original-cases.md';
const CONTENTS = 'test/original/contents.ts';
const PHASES = new Set([
  ...['receive', 'send', 'route', 'queue', 'ndr', 'convert', 'performance', 'start', 'stop', 'dns', 'proxy'],
]);
const STATUSES = ['tested', 'impossible by design', 'not yet'];
const ID = 'Q\\d{6}(?:-[a-z]+)?';

/** A name of a test that begins with ids of cases. */
const NAMED = new RegExp(`['"\`](${ID}(?:, ${ID})*): `, 'g');
/** A row of the table whose keys become names of tests. */
const KEYED = new RegExp(`^ {2}(${ID}):`, 'gm');

/** Ids of cases in the names of tests, with the files that have them. */
function carried(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const path of trackedPaths) {
    if (!path.endsWith('.test.ts') && path !== CONTENTS) continue;
    const { text } = read(path);
    for (const [, ids = ''] of text.matchAll(path === CONTENTS ? KEYED : NAMED)) {
      for (const id of ids.split(', ')) found.set(id, (found.get(id) ?? new Set()).add(path));
    }
  }
  return found;
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly where: string;
  readonly line: number;
}

const rows: readonly Row[] = read(PAGE)
  .text.split('\n')
  .flatMap((text, at) => {
    const [, id = '', , status = '', where = ''] = text.split('|').map((cell) => cell.trim());
    return /^Q\d/.test(id) ? [{ id, status, where, line: at + 1 }] : [];
  });

test('every case of these phases has its row, once, with a status', () => {
  const cases = JSON.parse(read('test/original/cases.json').text) as readonly {
    readonly id: string;
    readonly phase: string;
  }[];
  const expected = cases.filter(({ phase }) => PHASES.has(phase)).map(({ id }) => id);
  assert.deepEqual(rows.map(({ id }) => id).sort(), expected.sort());
  assert.deepEqual(
    rows.filter(({ status }) => !STATUSES.includes(status)),
    [],
  );
});

test('a case that is tested is in the name of a test, in the files that its row names', () => {
  const tests = carried();
  const findings = rows.flatMap(({ id, status, where, line }): Finding[] => {
    if (status !== 'tested') return [];
    const files = tests.get(id);
    if (files === undefined) return [{ path: PAGE, line, what: `${id} is in no test's name` }];
    return [...where.matchAll(/`([^`]+)`/g)].flatMap(([, path = '']) =>
      files.has(path) ? [] : [{ path: PAGE, line, what: `${path} has no test of ${id}` }],
    );
  });
  expectNone('original cases are tested where the page says', findings);
});

test('a case without a test says why', () => {
  const findings = rows.flatMap(({ id, status, where, line }): Finding[] =>
    status === 'tested' || where.length > 40
      ? []
      : [{ path: PAGE, line, what: `${id} is ${status}, and the page does not say why or what it needs` }],
  );
  expectNone('original cases without a test say why', findings);
});
