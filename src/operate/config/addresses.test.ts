import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDomain, isDomainPattern, isIpv4, isIpv6, isNetwork, splitAddress } from './addresses.ts';

test('addresses and networks', () => {
  for (const good of ['127.0.0.1', '255.255.255.255']) assert.ok(isIpv4(good), good);
  for (const bad of ['1.2.3', '01.2.3.4', '1.2.3.256', '']) assert.ok(!isIpv4(bad), bad);
  for (const good of ['::', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', '1::'])
    assert.ok(isIpv6(good), good);
  for (const bad of ['1:2:3', ':::', '1::2::3', '12345::', '1:2:3:4:5:6:7:8:9', 'fe80::1%eth0', ''])
    assert.ok(!isIpv6(bad), bad);
  for (const good of ['10.0.0.0/8', '::/0', '192.0.2.1']) assert.ok(isNetwork(good), good);
  for (const bad of ['10.0.0.0/33', '10.0.0.5/8', '::/129', '10.0.0.0/', 'example.com'])
    assert.ok(!isNetwork(bad), bad);
});

test('domains, patterns and addresses', () => {
  for (const good of ['example.com', 'localhost', 'bücher.example', 'xn--bcher-kva.example', 'a-b.example'])
    assert.ok(isDomain(good), good);
  for (const bad of ['', 'a..b', '-a.example', 'a b', '*.example.com', `${'a'.repeat(64)}.example`])
    assert.ok(!isDomain(bad), bad);
  assert.ok(isDomainPattern('*') && isDomainPattern('*.example.com') && !isDomainPattern('a.*'));
  assert.deepEqual(splitAddress('a@b@example.com'), { local: 'a@b', domain: 'example.com' });
  for (const bad of ['', '@example.com', 'a', 'a b@example.com', 'a@', 'a@-'])
    assert.equal(splitAddress(bad), undefined, bad);
});
