import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FieldKind } from './field.ts';
import { catalogue } from './catalogue/index.ts';
import type { Journal } from './journal.ts';
import { CONDITIONS_MAX, conditions } from './condition.ts';
import { Fault } from './fault.ts';
import { findRow, fromJson, printFieldValue, renderText, toJson, toLine } from './render.ts';
import { reportFault } from './report-fault.ts';
import type { EventRow } from './row.ts';

const rows = Object.entries(catalogue).map(([number, row]: [string, EventRow]) => ({ number: Number(number), row }));

function anyField(kind: FieldKind): fc.Arbitrary<unknown> {
  if (['port', 'count', 'bytes', 'milliseconds'].includes(kind)) return fc.nat();
  if (kind === 'time') return fc.integer({ min: 0, max: 4e12 });
  if (kind === 'reply')
    return fc.record(
      { code: fc.integer({ min: 200, max: 599 }), text: fc.array(fc.string(), { maxLength: 3 }) },
      { noNullPrototype: true },
    );
  return fc.string({ unit: 'binary' });
}

test('every event prints all of its fields, in one line, and is read back from its JSON', () => {
  for (const { number, row } of rows) {
    const shape = Object.fromEntries(Object.entries(row.data).map(([name, kind]) => [name, anyField(kind)]));
    fc.assert(
      fc.property(fc.record(shape, { noNullPrototype: true }), (data) => {
        const { name, severity, category } = row;
        const event = { atMs: 1_700_000_000_123, number, name, severity, category, process: 'worker 0', data };
        const text = renderText(event);
        for (const [field, kind] of Object.entries(row.data)) {
          assert.ok(row.text.includes(`{${field}}`), `${name} does not print ${field}`);
          assert.ok(text.includes(printFieldValue(kind, data[field])));
        }
        assert.doesNotMatch(toLine(event), /[\r\n\0]/);
        const json = toJson(event);
        assert.doesNotMatch(json, /[\r\n]/);
        assert.deepEqual(fromJson(json), event);
      }),
      { numRuns: 20 },
    );
  }
});

test('numbers, names and severities of the catalogue agree', () => {
  const names = new Set<string>();
  for (const { number, row } of rows) {
    assert.ok(!names.has(row.name), `${row.name} twice`);
    names.add(row.name);
    const first = Math.floor(number / 1000);
    const expected = row.severity === 'error' ? [4] : row.severity === 'warning' ? [3] : [1, 2];
    assert.ok(expected.includes(first), `${number} is no ${row.severity}`);
    assert.equal(findRow(number)?.row.name, row.name);
    for (const [, field] of row.text.matchAll(/\{([A-Za-z0-9]+)\}/g))
      assert.ok(field !== undefined && field in row.data, `${row.name}: {${field}}`);
  }
});

test('fields are printed by their kind', () => {
  assert.equal(printFieldValue('bytes', 1536), '1.5 KB');
  assert.equal(printFieldValue('milliseconds', 90_000), '90.0 s');
  assert.equal(printFieldValue('time', 0), '1970-01-01T00:00:00.000Z');
  assert.equal(printFieldValue('reply', { code: 550, detail: '1.1', text: ['no', 'sir'] }), '550 5.1.1 no / sir');
  assert.equal(printFieldValue('text', 'a\r\n4131 forged'), 'a 4131 forged');
});

test('lines that are no events are not read as such', () => {
  for (const line of ['', '{', 'null', '{}', '{"time":"x","event":1,"name":"a","process":"p","data":{}}', '\0\0\0'])
    assert.equal(fromJson(line), undefined);
  assert.equal(renderText({ name: 'retired.event', data: { a: 1 } }), 'retired.event {"a":1}');
});

function recorded() {
  const events: [string, unknown][] = [];
  const journal: Journal = { emit: (name, data) => void events.push([name, data]) };
  return { events, journal };
}

test('a fault becomes the event that it names, anything else 4131', () => {
  const { events, journal } = recorded();
  reportFault(journal, 'a session', new Fault('storage.space-enough', { path: '/q', free: 1 }));
  reportFault(journal, 'a session', Object.assign(new TypeError('oops'), { code: 'EX' }));
  reportFault(journal, 'a session', 'text');
  assert.deepEqual(
    events.map(([name]) => name),
    ['storage.space-enough', 'journal.unexpected-error', 'journal.unexpected-error'],
  );
  assert.match(JSON.stringify(events[1]), /"reason":"TypeError: oops"/);
});

test('a condition that lasts is told when it begins and when it ends', () => {
  const { events, journal } = recorded();
  const open = conditions(journal);
  const low = { path: '/q', free: 1, floor: 2, resume: 3 };
  open.clear('q', 'storage.space-enough', { path: '/q', free: 9 });
  open.raise('q', 'storage.space-low', low);
  open.raise('q', 'storage.space-low', low);
  open.clear('q', 'storage.space-enough', { path: '/q', free: 9 });
  open.clear('q');
  assert.deepEqual(
    events.map(([name]) => name),
    ['storage.space-low', 'storage.space-enough'],
  );
  for (let i = 0; i <= CONDITIONS_MAX; i += 1) open.raise(`k${i}`, 'storage.space-low', low);
  assert.equal(open.raised('k0'), false);
  assert.equal(open.raised(`k${CONDITIONS_MAX}`), true);
});
