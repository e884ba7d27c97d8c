import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalIp, isLoopback, parseIp, parseIpv6, printIp, reverseName } from './ip.ts';

test('an IPv4 address has four decimal numbers without leading zeros', () => {
  for (const bad of [
    '010.1.1.1',
    '1.1.1',
    '1.1.1.1.1',
    '256.1.1.1',
    '0x7f.0.0.1',
    '1.1.1.1 ',
    '2130706433',
    '',
    '1..1.1',
    '٣.1.1.1',
  ]) {
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
  for (const bad of [
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    '::1.2.3',
    '1.2.3.4::',
    '1:2:3:4:5:6:7::8:9',
    '[::1]',
  ]) {
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
  for (const text of ['127.0.0.1', '127.9.9.9', '::1', '::', '0.0.0.0', '::ffff:127.0.0.1'])
    assert.ok(isLoopback(parseIp(text) ?? assert.fail()));
  assert.ok(!isLoopback(parseIp('128.0.0.1') ?? assert.fail()));
});

test('the reverse name of both families', () => {
  assert.equal(reverseName(parseIp('192.0.2.7') ?? assert.fail()), '7.2.0.192.in-addr.arpa');
  assert.equal(reverseName(parseIp('2001:db8::1') ?? assert.fail()), `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`);
});
