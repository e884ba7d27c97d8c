import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeWords, printable, shownHeader } from './header-text.ts';

test('encoded words are decoded, and white space between two of them goes', () => {
  assert.equal(
    decodeWords('=?utf-8?B?R3LDvMOfZQ==?= from =?ISO-8859-1?Q?K=F6ln_?= =?utf-8?q?am?='),
    'Grüße from Köln am',
  );
  assert.equal(decodeWords('=?no-such-charset?B?AAAA?='), '=?no-such-charset?B?AAAA?=');
  assert.equal(decodeWords('=?utf-8?B?R3LD'), '=?utf-8?B?R3LD');
});

test('the fields of a header are found, unfolded and made safe for a terminal', () => {
  const header = shownHeader(
    Buffer.from(
      'Received: x\r\nSUBJECT: a\r\n b =?utf-8?q?=1B[2J?=\r\nFrom: Al <al@example.test>\r\n\r\nSubject: not this\r\n',
    ),
  );
  assert.equal(header.subject, 'a b  [2J');
  assert.equal(header.from, 'Al <al@example.test>');
  assert.equal(header.date, '');
  assert.equal(printable('a\x1b[31mb\u009b'), 'a [31mb');
});
