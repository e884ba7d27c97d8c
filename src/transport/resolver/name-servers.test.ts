import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerCache } from './cache.ts';
import { parseNameServer, parseResolvConf, printNameServer } from './name-servers.ts';

test('Q150969: of resolv.conf only the servers count, search lists do not', () => {
  const text =
    '# local\nsearch example.test\ndomain example.test\nnameserver 192.0.2.53\n nameserver\t2001:DB8::53 # x\noptions rotate\nnameserver 999.1.1.1\n';
  assert.deepEqual(parseResolvConf(text), [
    { address: '192.0.2.53', port: 53 },
    { address: '2001:db8::53', port: 53 },
  ]);
});

test('Q146165: an empty resolv.conf means the server on this machine', () => {
  assert.deepEqual(parseResolvConf(''), [{ address: '127.0.0.1', port: 53 }]);
});

test('at most ten servers are taken', () => {
  assert.equal(
    parseResolvConf(Array.from({ length: 20 }, (_, index) => `nameserver 192.0.2.${index}`).join('\n')).length,
    10,
  );
});

test('a server of the settings is an address with or without a port', () => {
  for (const text of ['192.0.2.1', '192.0.2.1:5353', '2001:db8::1', '[2001:db8::1]:5353'])
    assert.equal(printNameServer(parseNameServer(text) ?? assert.fail(text)), text);
  for (const bad of ['', 'ns.example.com', '192.0.2.1:', '192.0.2.1:0', '192.0.2.1:70000', '[::1', '010.0.0.1', 'a:1'])
    assert.equal(parseNameServer(bad), undefined, bad);
});

test('the cache gives up what was used least recently', () => {
  const cache = new AnswerCache<number>(2);
  cache.set('a', 1, 100);
  cache.set('b', 2, 100);
  cache.get('a', 0);
  cache.set('c', 3, 100);
  assert.equal(cache.get('b', 0), undefined);
  assert.deepEqual(cache.get('a', 60), { value: 1, leftMs: 40 });
  assert.equal(cache.get('a', 100), undefined);
  assert.equal(cache.size, 1);
});

test('a link-local server keeps its zone, as a router at home gives it', () => {
  assert.deepEqual(parseResolvConf('nameserver fe80::1%eth0\n'), [{ address: 'fe80::1%eth0', port: 53 }]);
  assert.equal(printNameServer(parseNameServer('[FE80::1%wlan0]:5353') ?? assert.fail()), '[fe80::1%wlan0]:5353');
  for (const bad of ['192.0.2.1%eth0', '2001:db8::1%eth0', 'fe80::1%', 'fe80::1%a b', 'fe80::1%a%b'])
    assert.equal(parseNameServer(bad), undefined, bad);
});
