import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TimelineEntry } from '../../mail/timeline.ts';
import { hashKey, searchKey } from './key-hash.ts';
import { parseEntry } from './search.ts';
import { keysOf } from './timeline-log.ts';
import { renderTrace } from './trace.ts';

const received: TimelineEntry = {
  atMs: 0,
  queueId: '0-1',
  what: 'received',
  messageId: 'one@example.test',
  sender: 'Alice@example.test',
  recipients: Array.from({ length: 12 }, (_, i) => `r${i}@example.com`),
  client: '192.0.2.1',
  protocol: 'ESMTP',
  sizeBytes: 10,
  nextHops: ['mx:example.com'],
};

test('a trace shows each step of a life in a line or a few', () => {
  const entries: TimelineEntry[] = [
    received,
    {
      atMs: 1000,
      queueId: '0-1',
      what: 'attempt',
      nextHop: 'mx:example.com',
      attempt: 1,
      remote: '',
      durationMs: 3.6,
      outcomes: [
        { recipient: 'r0@example.com', kind: 'deferred', reply: { code: 451, detail: '4.1', text: ['later'] } },
      ],
      nextDueMs: 60_000,
    },
    { atMs: 2000, queueId: '0-1', what: 'operator', action: 'hold', recipients: [] },
    { atMs: 3000, queueId: '0-1', what: 'quarantined', why: 'two crashes' },
  ];
  assert.equal(
    renderTrace([{ queueId: '0-1', entries }]),
    [
      '0-1',
      '  1970-01-01 00:00:00.000  received from 192.0.2.1 by ESMTP, 10 octets',
      '                           message-id <one@example.test>',
      `                           from Alice@example.test to ${Array.from({ length: 10 }, (_, i) => `r${i}@example.com`).join(', ')} and 2 more`,
      '                           queued for mx:example.com',
      '  1970-01-01 00:00:01.000  attempt 1 for mx:example.com, 4 ms',
      '                           deferred r0@example.com: 451 4.4.1 later',
      '                           next attempt at 1970-01-01 00:01:00',
      '  1970-01-01 00:00:02.000  operator: hold',
      '  1970-01-01 00:00:03.000  quarantined: two crashes',
      '  still in the queue, or its end was not written down',
    ].join('\n'),
  );
});

test('keys compare without brackets, addresses without case, and kinds never meet', () => {
  assert.equal(searchKey('messageId', '<one@example.test>'), searchKey('messageId', 'one@example.test'));
  assert.equal(searchKey('address', '<Alice@Example.test>'), 'aalice@example.test');
  assert.notEqual(hashKey(searchKey('messageId', 'x')), hashKey(searchKey('queueId', 'x')));
  assert.deepEqual(keysOf({ ...received, recipients: ['Bob@example.com'] }), [
    'q0-1',
    'mone@example.test',
    'aalice@example.test',
    'abob@example.com',
  ]);
  assert.deepEqual(keysOf({ atMs: 0, queueId: '0-1', what: 'ended' }), ['q0-1']);
});

test('lines that are no entries are not read as such', () => {
  for (const line of [
    '',
    '\0\0',
    '[]',
    'null',
    '{"atMs":1}',
    '{"atMs":1,"queueId":"0-1","what":"received"}',
    '{"atMs":1,"queueId":"0-1","what":"rec',
  ]) {
    assert.equal(parseEntry(line), undefined);
  }
  assert.deepEqual(parseEntry(JSON.stringify(received)), received);
});
