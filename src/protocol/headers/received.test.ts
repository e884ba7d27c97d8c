import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateCache } from './date.ts';
import { protocolName, receivedField } from './received.ts';

const facts = {
  greetingName: 'client.test',
  clientAddress: '192.0.2.1',
  serverName: 'mail.test',
  protocol: 'ESMTP',
  id: 'x-1.1',
  recipient: 'a@b.test',
  date: 'Sun, 22 Nov 2026 16:50:13 +0000',
};

test('RFC 5321 §4.4: the clauses in their order', () => {
  assert.equal(
    receivedField({ ...facts, tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' } }),
    'Received: from client.test ([192.0.2.1])\r\n\tby mail.test with ESMTP (TLSv1.3) id x-1.1\r\n\tfor <a@b.test>\r\n\ttls TLS_AES_128_GCM_SHA256;\r\n\tSun, 22 Nov 2026 16:50:13 +0000\r\n',
  );
  assert.match(
    receivedField({ ...facts, clientAddress: '2001:db8::1', recipient: undefined }),
    /\(\[IPv6:2001:db8::1\]\)\r\n\tby mail\.test with ESMTP id x-1\.1;\r\n/,
  );
  assert.match(receivedField({ ...facts, clientAddress: '/run/lmtp' }), /^Received: from client\.test\r\n/);
});

test('RFC 8314 §4.3: the cipher suite is a clause of its own, under its registered name only', () => {
  const field = receivedField({ ...facts, recipient: undefined, tls: { version: 'TLSv1.2', cipher: 'ECDHE-RSA (x)' } });
  assert.match(field, /with ESMTP \(TLSv1\.2\) id x-1\.1;\r\n/);
});

test('a greeting name that is no domain cannot forge a clause, a fold or a comment', () => {
  for (const name of [
    'a b',
    'x\r\nBcc: y',
    'x) by evil (',
    'under_score',
    'ü.test',
    '',
    'a..b',
    '(',
    'x'.repeat(900),
  ]) {
    const field = receivedField({ ...facts, greetingName: name });
    assert.match(
      field,
      /^Received: from \[192\.0\.2\.1\] \(\[192\.0\.2\.1\]\)( \(greeted as [^()\\\s]+\))?\r\n\tby mail\.test with/,
      name,
    );
    assert.ok(field.split('\r\n').every((line) => line.length <= 998));
  }
  assert.match(
    receivedField({ ...facts, greetingName: '[192.0.2.7]' }),
    /^Received: from \[192\.0\.2\.7\] \(\[192\.0\.2\.1\]\)\r\n/,
  );
});

test('RFC 3848 and RFC 6531 §4.3: the names of the protocols', () => {
  const of = (lmtp: boolean, extended: boolean, tls: boolean, authenticated: boolean, smtpUtf8: boolean): string =>
    protocolName({ lmtp, extended, tls, authenticated, smtpUtf8 });
  assert.equal(of(false, false, false, false, false), 'SMTP');
  assert.equal(of(false, true, false, false, false), 'ESMTP');
  assert.equal(of(false, true, true, false, false), 'ESMTPS');
  assert.equal(of(false, true, false, true, false), 'ESMTPA');
  assert.equal(of(false, true, true, true, false), 'ESMTPSA');
  assert.equal(of(false, true, true, true, true), 'UTF8SMTPSA');
  assert.equal(of(true, true, true, false, false), 'LMTPS');
  assert.equal(of(true, true, false, false, true), 'UTF8LMTP');
});

test('a date is printed once a second', () => {
  const date = dateCache();
  assert.equal(date(1_795_366_213_000), 'Sun, 22 Nov 2026 16:50:13 +0000');
  assert.equal(date(1000), date(1999));
  assert.notEqual(date(1000), date(2000));
});

test('RFC 3848: TLS that ended at a proxy is named as such, with what the proxy tells in the shape of a comment', () => {
  const proxied = { toProxy: true, version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES256-GCM-SHA384' };
  assert.match(
    receivedField({ ...facts, protocol: 'ESMTPS', tls: proxied }),
    /with ESMTPS \(TLSv1\.2 ECDHE-RSA-AES256-GCM-SHA384 to the proxy\) id x-1\.1\r\n\tfor <a@b\.test>;/,
  );
  const named = { ...proxied, cipher: 'TLS_AES_128_GCM_SHA256', serverName: 'mx.test', clientName: 'a b) evil (' };
  assert.match(
    receivedField({ ...facts, tls: named }),
    /\(TLSv1\.2 to the proxy as mx\.test,\r\n\tclient certificate a\?b\?\?evil\?\?\) id [^;]*\ttls TLS_AES_128_GCM_SHA256;/,
  );
});
