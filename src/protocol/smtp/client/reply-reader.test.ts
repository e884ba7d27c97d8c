import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Reply } from '../../../mail/reply.ts';
import { REPLY_LINE_BYTES_MAX, REPLY_LINES_MAX } from './limits.ts';
import { ReplyReader } from './reply-reader.ts';

function read(...chunks: readonly (string | Buffer)[]): { replies: Reply[]; fault: string | undefined } {
  const reader = new ReplyReader();
  const replies: Reply[] = [];
  let fault: string | undefined;
  for (const chunk of chunks) fault ??= reader.read(Buffer.from(chunk as string), (reply) => replies.push(reply) > 0);
  return { replies, fault };
}

test('reads replies of one and of several lines, with and without enhanced status', () => {
  const { replies, fault } = read('250-2.1.0 one\r\n250 2.1.0 two\r\n550 5.1.1 no\n354\r\n250 4.0.0 odd\r\n');
  assert.equal(fault, undefined);
  assert.deepEqual(replies, [
    { code: 250, detail: '1.0', text: ['one', 'two'] },
    { code: 550, detail: '1.1', text: ['no'] },
    { code: 354, text: [''] },
    { code: 250, text: ['4.0.0 odd'] },
  ]);
});

test('an enhanced status of another class than the code is text', () => {
  assert.deepEqual(read('450 5.1.1 what\r\n').replies, [{ code: 450, text: ['5.1.1 what'] }]);
});

for (const [what, bytes] of [
  ['text without a code', 'hello\r\n'],
  ['a code of 1xx', '150 wait\r\n'],
  ['a code of 6xx', '650 wait\r\n'],
  ['a changing code', '250-a\r\n251 b\r\n'],
  ['no separator', '250ok\r\n'],
  ['an empty line', '\r\n'],
  ['a line that is too long', `250 ${'x'.repeat(REPLY_LINE_BYTES_MAX + 1)}\r\n`],
  ['a line that never ends', 'x'.repeat(REPLY_LINE_BYTES_MAX + 1)],
  ['too many lines', `${'250-x\r\n'.repeat(REPLY_LINES_MAX + 1)}`],
  ['too many octets', `250-${'x'.repeat(4000)}\r\n`.repeat(9)],
] as const) {
  test(`${what} is not a reply`, () => {
    assert.notEqual(read(bytes).fault, undefined);
  });
}

test('control characters of a peer never reach its text', () => {
  assert.deepEqual(read('250 a\x1b[31m\x07b\r\n').replies[0]?.text, ['a?[31m?b']);
});

test('chunking never changes the replies', () => {
  const bytes = Buffer.from('220 hi\r\n250-2.0.0 grüße\r\n250-2.0.0 two\r\n250 2.0.0 three\r\n421 4.3.2 bye\r\n');
  const whole = read(bytes);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: bytes.length }), { maxLength: 20 }), (cuts) => {
      const chunks: Buffer[] = [];
      let at = 0;
      for (const cut of [...cuts].sort((a, b) => a - b)) {
        if (cut > at) chunks.push(bytes.subarray(at, cut));
        at = Math.max(at, cut);
      }
      chunks.push(bytes.subarray(at));
      assert.deepEqual(read(...chunks), whole);
    }),
  );
});
