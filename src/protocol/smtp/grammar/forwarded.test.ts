import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardedAttributesMax, forwardedValueMax, protocolNameMax } from '../limits.ts';
import { mergeForwarded, parseXclient, parseXforward } from './forwarded.ts';

test('XCLIENT: what is said, in xtext, and what is not known', () => {
  assert.deepEqual(
    parseXclient(
      'NAME=mx.far.test ADDR=IPV6:2001:db8::7 PORT=4711 PROTO=esmtp HELO=far.test LOGIN=al+2Bice DESTADDR=192.0.2.25 DESTPORT=25',
    ),
    {
      name: 'mx.far.test',
      address: '2001:db8::7',
      port: 4711,
      extended: true,
      helo: 'far.test',
      login: 'al+ice',
      localAddress: '192.0.2.25',
      localPort: 25,
    },
  );
  assert.deepEqual(
    parseXclient(
      'NAME=[TEMPUNAVAIL] ADDR=[unavailable] PORT=[UNAVAILABLE] HELO=[UNAVAILABLE] LOGIN=[UNAVAILABLE] PROTO=SMTP',
    ),
    { name: '', address: '', port: 0, helo: '', login: '', extended: false },
  );
  assert.deepEqual(parseXclient('HELO=a+20(b'), { helo: 'a??b' }, 'nothing that a field could misread');
});

test('XCLIENT: what is not right, or not offered', () => {
  for (const bad of [
    '',
    'ADDR',
    'ADDR=',
    'ADDR=host.test',
    'ADDR=[192.0.2.7]',
    'NAME=a..b',
    'NAME=a+20b',
    'PORT=x',
    'PORT=65536',
    'PROTO=LMTP',
    'IDENT=4F2A',
    'SOURCE=LOCAL',
    'DESTPORT=65536',
    'REVERSE_NAME=a.test',
    `NAME=${'a'.repeat(forwardedValueMax + 1)}`,
    'HELO=x '.repeat(forwardedAttributesMax + 1),
  ])
    assert.equal(parseXclient(bad), undefined, bad);
});

test('XFORWARD: attributes gather, are replaced, and are erased', () => {
  const first = mergeForwarded(
    undefined,
    parseXforward('NAME=mx.far.test ADDR=198.51.100.7 PORT=4711 PROTO=ESMTP') ?? {},
  );
  assert.deepEqual(first, { name: 'mx.far.test', address: '198.51.100.7', port: 4711, protocol: 'ESMTP' });
  const second = mergeForwarded(
    first,
    parseXforward('HELO=far.test IDENT=4F2A SOURCE=remote NAME=[UNAVAILABLE]') ?? {},
  );
  assert.deepEqual(second, {
    address: '198.51.100.7',
    port: 4711,
    protocol: 'ESMTP',
    helo: 'far.test',
    ident: '4F2A',
    source: 'REMOTE',
  });
  const own = mergeForwarded(second, parseXforward('ADDR=[UNAVAILABLE]') ?? {});
  assert.deepEqual(own, { address: '', ident: '4F2A' }, 'mail of the host itself has no other client');
});

test('XFORWARD: values of old hosts that are no xtext, names that are no hosts, and addresses that are no IP', () => {
  assert.deepEqual(parseXforward('NAME=a+zz ADDR=/run/mail HELO=<x>'), {
    name: 'a+zz',
    address: '/run/mail',
    helo: '?x?',
  });
  for (const bad of [
    '',
    'PORT=x',
    'SOURCE=BOTH',
    'LOGIN=alice',
    `PROTO=${'P'.repeat(protocolNameMax + 1)}`,
    'NAME=\x07',
  ])
    assert.equal(parseXforward(bad), undefined, bad);
});
