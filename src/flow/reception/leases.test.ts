import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientKey, localLeases } from './leases.ts';

test('an IPv6 /64 is one client, an IPv4 address is one', () => {
  assert.equal(clientKey('192.0.2.1'), '192.0.2.1');
  assert.equal(clientKey('2001:db8::1'), clientKey('2001:db8:0:0:1:2:3:4'));
  assert.notEqual(clientKey('2001:db8:0:1::1'), clientKey('2001:db8::1'));
  assert.equal(clientKey('::1'), clientKey('::2'));
  assert.equal(clientKey('/run/lmtp'), '/run/lmtp');
});

test('a share that shrinks is never below what is taken, so no place is lent twice', () => {
  const leases = localLeases({ connections: 3, perAddress: 10 });
  for (let n = 0; n < 3; n += 1) assert.equal(leases.take('192.0.2.1'), 'granted');
  assert.equal(leases.take('192.0.2.1'), 'too-many');
  assert.equal(leases.resize({ connections: 1, perAddress: 10 }).connections, 3);
  leases.give('192.0.2.1');
  assert.equal(leases.resize({ connections: 1, perAddress: 10 }).connections, 2);
  leases.give('192.0.2.1');
  leases.give('192.0.2.1');
  leases.give('192.0.2.1');
  assert.equal(leases.taken, 0);
});

test('clients whose address a proxy does not tell are limited together by the whole, not as one address', () => {
  const leases = localLeases({ connections: 3, perAddress: 1 });
  for (let n = 0; n < 3; n += 1) assert.equal(leases.take(''), 'granted');
  assert.equal(leases.take(''), 'too-many');
  for (let n = 0; n < 3; n += 1) leases.give('');
  assert.equal(leases.taken, 0);
});
