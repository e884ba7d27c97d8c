import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeMessage, dotStuff, encodeText, headerDate, messageFromFile } from './message.ts';
import { chooseListener, parseServer } from './target.ts';

test('a message is composed with CRLF, a date and encoded words', () => {
  assert.equal(headerDate(Date.UTC(2026, 10, 2, 3, 4, 5)), 'Mon, 2 Nov 2026 03:04:05 +0000');
  const text = composeMessage({
    from: 'a@example.test',
    to: ['b@example.test', 'c@example.test'],
    subject: 'Grüße',
    body: 'one\ntwo',
    atMs: 0,
    unique: 'u',
  }).toString();
  assert.match(
    text,
    /^Date: Thu, 1 Jan 1970 00:00:00 \+0000\r\nFrom: a@example\.test\r\nTo: b@example\.test,\r\n c@example\.test\r\n/,
  );
  assert.match(text, /Subject: =\?UTF-8\?B\?R3LDvMOfZQ==\?=\r\nMessage-ID: <u@example\.test>\r\n/);
  assert.ok(text.endsWith('\r\n\r\none\r\ntwo\r\n'));
});

test('no encoded word is too long or splits a character', () => {
  for (const word of encodeText('ä€😀'.repeat(30)).split('\r\n ')) {
    assert.ok(word.length <= 75);
    assert.ok(!Buffer.from(word.slice(10, -2), 'base64').toString('utf8').includes('\ufffd'));
  }
});

test('lines that begin with a dot get another, and octets stay', () => {
  assert.equal(
    dotStuff(messageFromFile(Buffer.from('a\n.b\n\n..c\xff', 'latin1'))).toString('latin1'),
    'a\r\n..b\r\n\r\n...c\xff\r\n.\r\n',
  );
});

test('a server is named by address and port', () => {
  const target = (text: string): unknown => {
    const choice = parseServer(text, 'none');
    return choice.ok ? [choice.target.address, choice.target.port] : choice.why;
  };
  assert.deepEqual(target('127.0.0.1:2525'), ['127.0.0.1', 2525]);
  assert.deepEqual(target('[::1]:26'), ['::1', 26]);
  assert.deepEqual(target('::1'), ['::1', 25]);
  assert.deepEqual(target('localhost'), ['127.0.0.1', 25]);
  assert.match(String(target('smtp.example.com')), /is a name/);
});

test('the listener is chosen by what is wanted: submission with a login, else mx; loopback first', () => {
  const listener = (profile: 'mx' | 'submission', address: string, port: number, tls: 'starttls' | 'implicit') => ({
    name: 'x',
    profile,
    address,
    port,
    tls,
    state: 'listening' as const,
  });
  const all = [
    listener('mx', '::', 25, 'starttls'),
    listener('mx', '0.0.0.0', 25, 'starttls'),
    listener('submission', '127.0.0.1', 465, 'implicit'),
    listener('submission', '127.0.0.1', 587, 'starttls'),
  ];
  assert.deepEqual(chooseListener(all, false, false), {
    ok: true,
    target: { address: '127.0.0.1', port: 25, tls: 'none', lmtp: false },
  });
  assert.deepEqual(chooseListener(all, true, false), {
    ok: true,
    target: { address: '127.0.0.1', port: 587, tls: 'starttls', lmtp: false },
  });
  assert.ok(!chooseListener(all, false, true).ok);
});
