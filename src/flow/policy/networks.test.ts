import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkTable } from './networks.ts';

test('Q155920: of overlapping networks the most specific wins, whatever their order', () => {
  for (const order of [
    ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3'],
    ['10.1.2.3', '10.1.0.0/16', '10.0.0.0/8'],
  ]) {
    const table = networkTable(order);
    assert.equal(table.match('10.1.2.3')?.prefix, 32);
    assert.equal(table.match('10.1.9.9')?.network, '10.1.0.0/16');
    assert.equal(table.match('10.9.9.9')?.network, '10.0.0.0/8');
    assert.equal(table.match('11.0.0.1'), undefined);
  }
});

test('IPv6 networks, mapped addresses, zones, and all of a family', () => {
  const table = networkTable(['2001:db8::/32', '192.0.2.0/24', '::1', 'fe80::/10', '0.0.0.0/0']);
  assert.equal(table.match('2001:db8:ffff::1')?.network, '2001:db8::/32');
  assert.equal(table.match('::ffff:192.0.2.9')?.network, '192.0.2.0/24');
  assert.equal(table.match('fe80::1%eth0')?.network, 'fe80::/10');
  assert.equal(table.match('0:0:0:0:0:0:0:1')?.network, '::1');
  assert.equal(table.match('203.0.113.1')?.network, '0.0.0.0/0');
  assert.equal(table.match('2001:db9::1'), undefined);
  assert.equal(table.match('/run/ims/lmtp'), undefined);
});

test('what is no network is told, not guessed', () => {
  const bad = [
    '10.0.0',
    '10.0.0.256',
    '10.0.0.0/33',
    '2001:db8::/129',
    ':::',
    '1::2::3',
    'example.test',
    '10.0.0.0/',
    '12345::',
    '10.1.1.1/8',
  ];
  assert.deepEqual(networkTable(bad).unreadable, bad);
});

test('100,000 networks are looked up in steps of prefix lengths', () => {
  const many = Array.from({ length: 100_000 }, (_, n) => `${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}.0/24`);
  const table = networkTable(many);
  assert.equal(table.match('1.134.159.77')?.network, '1.134.159.0/24');
});
