import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../../mail/reply.ts';
import { writeReply } from './grammar/reply.ts';
import { replyTextMax } from './limits.ts';
import { replies } from './replies.ts';

const SAMPLES: readonly Reply[] = [
  ...Object.values(replies).filter((entry): entry is Reply => typeof entry !== 'function'),
  replies.banner('mx.example.test', 'ESMTP'),
  replies.hello(['mx', 'HELP']),
  replies.help(['one', 'two']),
  replies.syntax('X'),
  replies.parameterUnknown('X'),
  replies.chunkAccepted(1),
  replies.accepted('0-1'),
  replies.authChallenge('eA=='),
  replies.etrnPending(2),
];

test('every reply of the table is well formed on the wire', () => {
  for (const reply of SAMPLES) {
    const lines = writeReply(reply).split('\r\n');
    assert.equal(lines.pop(), '');
    for (const [i, line] of lines.entries()) {
      assert.match(line, /^[2-5][0-5]\d[ -][\x20-\x7e]*$/);
      assert.equal(line.charAt(3), i === lines.length - 1 ? ' ' : '-');
      if (reply.detail !== undefined) assert.match(line, /^(\d)\d\d[ -]\1\.\d{1,3}\.\d{1,3} /);
    }
  }
});

test('a reply from elsewhere cannot add lines or overlong ones', () => {
  assert.equal(writeReply({ code: 550, detail: '1.1', text: ['no\r\n250 yes\x1b ä'] }), '550 5.1.1 no??250 yes? ?\r\n');
  assert.equal(writeReply({ code: 550, text: ['x'.repeat(2000)] }).length, replyTextMax + 6);
  assert.equal(writeReply({ code: 250, text: [] }), '250 \r\n');
});
