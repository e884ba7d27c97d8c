import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesByPort } from './listening.ts';

test('addresses of a port: those listened on, and all of the host for a listener on all of a family', () => {
  const listener = { profile: 'mx' as const, tls: 'none' as const, greetingDelay: false };
  const listeners = {
    a: { ...listener, address: ['0.0.0.0', '2001:DB8::1'], port: 25 },
    b: { ...listener, address: '127.0.0.1', port: 2525 },
    c: { ...listener, address: ['/run/x', '::'], port: 0 },
  };
  const own = addressesByPort(listeners, () => ['192.0.2.7', '2001:db8::9', '127.0.0.1']);
  assert.deepEqual(own(25), ['0.0.0.0', '2001:db8::1', '192.0.2.7', '127.0.0.1']);
  assert.deepEqual(own(2525), ['127.0.0.1']);
  assert.deepEqual(own(26), []);
});
