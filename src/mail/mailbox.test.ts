import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printMailbox } from './mailbox.ts';

test('local parts are quoted where they must be', () => {
  assert.equal(printMailbox({ localPart: 'a.b', domain: 'x.test' }), 'a.b@x.test');
  assert.equal(printMailbox({ localPart: 'a b"\\', domain: 'x.test' }), '"a b\\"\\\\"@x.test');
  assert.equal(printMailbox({ localPart: 'postmaster', domain: '' }), 'postmaster');
});

test('RFC 5321 §4.1.3: an IPv6 literal is printed with its tag as the standard writes it', () => {
  assert.equal(printMailbox({ localPart: 'a', domain: '[ipv6:2001:db8::1]' }), 'a@[IPv6:2001:db8::1]');
  assert.equal(printMailbox({ localPart: 'a', domain: '[192.0.2.1]' }), 'a@[192.0.2.1]');
});
