import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { cidrSet, parseCidr } from './cidr.ts';
import { canonicalIp, isLoopback, parseIp, parseIpv6, printIp, reverseName } from './ip.ts';

test('an IPv4 address has four decimal numbers without leading zeros', () => {
  for (const bad of ['010.1.1.1', '1.1.1', '1.1.1.1.1', '256.1.1.1', '0x7f.0.0.1', '1.1.1.1 ', '2130706433', '', '1..1.1', '٣.1.1.1']) {
    assert.equal(parseIp(bad), undefined, bad);
  }
  assert.deepEqual(parseIp('192.0.2.1'), { family: 4, value: 0xc0000201 });
});

test('IPv6 is read in all its forms and printed in one', () => {
  assert.equal(canonicalIp('2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
  assert.equal(canonicalIp('::'), '::');
  assert.equal(canonicalIp('1::'), '1::');
  assert.equal(canonicalIp('2001:db8:0:1:1:1:1:1'), '2001:db8:0:1:1:1:1:1');
  assert.equal(canonicalIp('64:ff9b::192.0.2.33'), '64:ff9b::c000:221');
  assert.equal(canonicalIp('fe80::1%eth0'), 'fe80::1');
  for (const bad of [':', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '12345::', '::1.2.3', '1.2.3.4::', '1:2:3:4:5:6:7::8:9', '[::1]']) {
    assert.equal(parseIp(bad), undefined, bad);
  }
});

test('IPv4 mapped into IPv6 is IPv4', () => {
  assert.equal(canonicalIp('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(canonicalIp('::FFFF:c000:0201'), '192.0.2.1');
});

test('print and parse of IPv6 are inverse, and agree with the platform', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
      const text = printIp({ family: 6, value });
      return isIP(text) === 6 && parseIpv6(text) === value;
    }),
  );
  fc.assert(fc.property(fc.ipV6(), (text) => parseIpv6(text) !== undefined));
});

test('loopback and unspecified lead back here', () => {
  for (const text of ['127.0.0.1', '127.9.9.9', '::1', '::', '0.0.0.0', '::ffff:127.0.0.1']) assert.ok(isLoopback(parseIp(text) ?? assert.fail()));
  assert.ok(!isLoopback(parseIp('128.0.0.1') ?? assert.fail()));
});

test('the reverse name of both families', () => {
  assert.equal(reverseName(parseIp('192.0.2.7') ?? assert.fail()), '7.2.0.192.in-addr.arpa');
  assert.equal(reverseName(parseIp('2001:db8::1') ?? assert.fail()), `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`);
});

test('a range has no bits beyond its prefix', () => {
  for (const bad of ['10.1.1.1/8', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/-1', '::1/127', '010.0.0.0/8', '10/8', '::ffff:0.0.0.0/80']) {
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
  for (const inside of ['10.0.0.0', '10.255.255.255', '::ffff:10.2.3.4', '2001:db8::9', 'fe80::1%eth0']) assert.ok(set.has(inside), inside);
  for (const outside of ['11.0.0.0', '9.255.255.255', '192.0.3.0', '2001:db9::', '010.0.0.1', '', 'x']) assert.ok(!set.has(outside), outside);
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
  fc.assert(fc.property(fc.ipV4(), (text) => small.has(text) === list.check(text) && (!small.has(text) || set.has(text))));
});
