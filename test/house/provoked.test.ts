import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogue } from '../../src/events/catalogue/index.ts';
import { expectNone } from './expect.ts';
import { type Finding, type SourceFile, source, trackedPaths, read } from './source.ts';

/**
 * Every warning and every error is expected by an assertion of a test that did not make the event itself. Where the tests pass, such an
 * assertion is the proof that the event can be provoked.
 */
const ASSERTS = /\bassert\b|\b(?:seen|later|told|restart)\(|\b(?:event|name|number) === |\bconst cases\b/;
/** It is said that it did not come, or it is only the example of a text. */
const DENIES = /assert\.ok\(\s*!|doesNotMatch|notEqual|\brenderText\(/;
const MAKES = /(?:\bemit|\bnew Fault|\bwrite|\bevent)\(\s*$/;
/** What stands before a number that is an event's. */
const NUMBERED =
  /(?:\b(?:seen|later|told|restart|count)\(|=== |\bevent: |\b(?:events?|numbers)\b[^;]*[[,] |\bcases\b[^;]*, )$/;
/** Names in quotes, numbers, and numbers in the pattern of a printed event. */
const MENTION = /'([a-z-]+\.[a-z0-9-]+)'|"event":([34]\d{3})\b|\b([34]\d{3}) (?:WARNING|ERROR)\b|\b([34]\d{3})\b/g;
const STATEMENT_MAX = 2500;

/** The statement around an offset, as far as semicolons tell. */
function statementAt({ code, text }: SourceFile, at: number): readonly [before: string, whole: string] {
  const from = Math.max(code.lastIndexOf(';', at) + 1, at - STATEMENT_MAX, 0);
  const end = code.indexOf(';', at);
  return [text.slice(from, at), text.slice(from, end === -1 ? at + STATEMENT_MAX : end)];
}

/** The names and numbers of events that the tests of a file expect. */
function expected(file: SourceFile): ReadonlySet<string> {
  const found = new Set<string>();
  for (const match of file.text.matchAll(MENTION)) {
    const [whole, name, logged, printed, number] = match;
    if (file.comments.slice(match.index, match.index + whole.length).trim() !== '') continue;
    const [before, statement] = statementAt(file, match.index);
    if (!ASSERTS.test(statement) || DENIES.test(statement) || MAKES.test(before)) continue;
    // Of a bare number only the code counts: in a string it is nothing that is compared.
    if (number !== undefined && (file.code.slice(match.index, match.index + 4) !== whole || !NUMBERED.test(before)))
      continue;
    found.add(name ?? logged ?? printed ?? number ?? '');
  }
  return found;
}

const expects = (text: string): string[] => [...expected(source('a.test.ts', text))];

test('an event is expected where an assertion names it, and not where the test makes it or denies it', () => {
  assert.deepEqual(expects("assert.deepEqual(told, ['queue.full', 'storage.space-low']);"), [
    'queue.full',
    'storage.space-low',
  ]);
  assert.deepEqual(expects('const seen = await service.seen(4007);'), ['4007']);
  assert.deepEqual(expects('const one = events.find(({ event }) => event === 3018);'), ['3018']);
  assert.deepEqual(expects("journal.emit('queue.full', {}); assert.ok(true);"), []);
  assert.deepEqual(expects('assert.ok(!events.some(({ event }) => event === 4007));'), []);
  assert.deepEqual(expects('assert.match(out, /"event":3801/);'), ['3801']);
  assert.deepEqual(expects('assert.equal(ttl, 3600);'), []);
  assert.deepEqual(expects("// assert 4007 'queue.full'\nassert.equal(a, '4007');"), []);
});

test('every warning and every error is provoked by a test', () => {
  const tests = trackedPaths
    .filter((path) => /^(?:src|test)\/.*\.ts$/.test(path) && (path.endsWith('.test.ts') || path.startsWith('test/')))
    .filter((path) => !/^(?:src\/events|test\/(?:house|support))\//.test(path));
  const all = new Set(tests.flatMap((path) => [...expected(read(path))]));
  const findings = Object.entries(catalogue).flatMap(([number, row]): Finding[] =>
    row.severity === 'information' || all.has(number) || all.has(row.name)
      ? []
      : [{ path: 'src/events/catalogue', line: 1, what: `no test provokes ${number} ${row.name}` }],
  );
  expectNone('events that a test provokes', findings);
});
