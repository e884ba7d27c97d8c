import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { cidrSet, parseCidr } from './cidr.ts';

test('a range has no bits beyond its prefix', () => {
  for (const bad of [
    '10.1.1.1/8',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '::1/127',
    '010.0.0.0/8',
    '10/8',
    '::ffff:0.0.0.0/80',
  ]) {
    assert.equal(parseCidr(bad), undefined, bad);
  }
  assert.deepEqual(parseCidr('10.0.0.0/8'), { family: 4, first: 0x0a000000, last: 0x0affffff });
  assert.deepEqual(parseCidr('::ffff:10.0.0.0/104'), parseCidr('10.0.0.0/8'));
  assert.deepEqual(parseCidr('0.0.0.0/0'), { family: 4, first: 0, last: 0xffffffff });
});

test('membership of both families, mapped addresses and zones', () => {
  const set = cidrSet(['10.0.0.0/8', '192.0.2.0/24', '2001:db8::/32', 'fe80::/10', 'nonsense', '10.1.0.0/16']);
  assert.deepEqual(set.invalid, ['nonsense']);
  assert.equal(set.size, 4);
  for (const inside of ['10.0.0.0', '10.255.255.255', '::ffff:10.2.3.4', '2001:db8::9', 'fe80::1%eth0'])
    assert.ok(set.has(inside), inside);
  for (const outside of ['11.0.0.0', '9.255.255.255', '192.0.3.0', '2001:db9::', '010.0.0.1', '', 'x'])
    assert.ok(!set.has(outside), outside);
});

test('ten thousand ranges answer as the platform does', () => {
  const list = new BlockList();
  const texts: string[] = [];
  for (let i = 0; i < 10_000; i += 1) {
    const base = `${(i % 200) + 1}.${(i * 7) % 256}.${(i * 13) % 256}.0`;
    texts.push(`${base}/24`);
    if (i < 200) list.addSubnet(base, 24);
  }
  const small = cidrSet(texts.slice(0, 200));
  const set = cidrSet(texts);
  fc.assert(
    fc.property(fc.ipV4(), (text) => small.has(text) === list.check(text) && (!small.has(text) || set.has(text))),
  );
});
