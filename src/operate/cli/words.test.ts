import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryLines } from '../tracking/entry-lines.ts';
import { filterOf, parseAge } from './commands/queue.ts';
import { scanServerSection } from './find-service.ts';
import { table } from './table.ts';
import { count, showBytes, showSpan, showTime } from './text.ts';

test('a table fits the terminal by cutting its flexible column', () => {
  const columns = [{ title: 'ID' }, { title: 'N', align: 'right' as const }, { title: 'TEXT', flexible: true }];
  const rows = [
    ['a', '1', 'x'.repeat(100)],
    ['bb', '20', ''],
  ];
  assert.deepEqual(table(columns, rows, 30).split('\n'), ['ID   N  TEXT', `a    1  ${'x'.repeat(21)}…`, 'bb  20']);
});

test('times, spans and sizes', () => {
  assert.equal(showTime(0), '1970-01-01 00:00:00Z');
  assert.deepEqual([40, 5000, 302_000, 3_600_000, 90_000_000].map(showSpan), ['40ms', '5s', '5m 2s', '1h', '1d 1h']);
  assert.deepEqual([0, 812, 4200, 150 * 1024 ** 2].map(showBytes), ['0B', '812B', '4.1KB', '150MB']);
  assert.deepEqual(
    [count(1, 'delivery', 'deliveries'), count(2, 'delivery', 'deliveries')],
    ['1 delivery', '2 deliveries'],
  );
});

test('the server section is read without a YAML parser where it is written in the usual way', () => {
  assert.deepEqual(
    scanServerSection(
      "# x\nserver:\n  # y\n  name: a\n  data: '/var/lib/my ims' # z\n  run: /run/ims\nlisteners:\n  data: no\n",
    ),
    { data: '/var/lib/my ims', run: '/run/ims' },
  );
  assert.deepEqual(scanServerSection('server:\n  name: a\n'), {});
  for (const other of ['server: { data: x }\n', '{}', 'server:\n  data: *alias\n', 'server:\n  data: >\n    x\n'])
    assert.equal(scanServerSection(other), undefined, other);
});

test('options become a filter', () => {
  assert.deepEqual(filterOf({ domain: 'Example.com', messageId: '<a@b>', older: parseAge('2h') }, '0-1'), {
    queueId: '0-1',
    domain: 'example.com',
    messageId: 'a@b',
    olderThanMs: 7_200_000,
  });
  assert.throws(() => parseAge('2 hours'), /30m, 2h or 5d/);
});

test('a timeline is told in words', () => {
  const at = { atMs: 0, queueId: '0-1' };
  assert.deepEqual(
    entryLines({
      ...at,
      what: 'attempt',
      nextHop: 'mx:example.com',
      attempt: 2,
      remote: 'mx1.example.com [192.0.2.1]:25',
      durationMs: 1500,
      outcomes: [
        { recipient: 'a@example.com', kind: 'deferred', reply: { code: 451, detail: '4.1', text: ['later'] } },
      ],
      nextDueMs: 60_000,
    }),
    [
      'attempt 2  mx:example.com at mx1.example.com [192.0.2.1]:25, took 1s; next at 1970-01-01 00:01:00Z',
      'deferred  a@example.com  451 4.4.1 later',
    ],
  );
  assert.deepEqual(entryLines({ ...at, what: 'ended' }), ['ended      nothing of this delivery waits any more']);
});

test('what came from outside cannot command the terminal', () => {
  const entry = {
    atMs: 0,
    queueId: '0-1',
    what: 'received',
    messageId: '\x1b]0;gone\x07\u202ex@y',
    sender: 'a@b.test',
    recipients: ['\u2066c@d.test'],
    client: '192.0.2.1',
    protocol: 'ESMTP',
    sizeBytes: 1,
    nextHops: ['local'],
  } as const;
  assert.doesNotMatch(entryLines(entry).join('\n'), /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
  assert.equal(table([{ title: 'A' }], [['\x1b[2J\u202e']]), 'A\n?[2J?');
});
