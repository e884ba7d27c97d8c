import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInside } from './address-kinds.ts';
import { parseIp } from './ip.ts';

const inside = (text: string): boolean => {
  const ip = parseIp(text);
  assert.ok(ip !== undefined, text);
  return isInside(ip);
};

test('private, shared, link-local and loopback addresses are never seen by others', () => {
  for (const text of [
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.1.1',
    '127.0.0.53',
    'fd00::1',
    'fe80::1',
    '::1',
  ])
    assert.ok(inside(text), text);
  for (const text of ['192.0.2.10', '172.32.0.1', '100.128.0.1', '8.8.8.8', '2001:db8::1', '::2'])
    assert.ok(!inside(text), text);
});
