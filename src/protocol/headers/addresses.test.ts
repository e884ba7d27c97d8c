import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printMailbox } from '../../mail/mailbox.ts';
import { headerAddressesMax, parseAddress, parseAddressList } from './addresses.ts';

const plain = (text: string): string[] => parseAddressList(text).map((address) => printMailbox(address.mailbox));

test('the examples of RFC 5322 Appendix A', () => {
  assert.deepEqual(plain('John Doe <jdoe@machine.example>'), ['jdoe@machine.example']);
  assert.deepEqual(plain('"Joe Q. Public" <john.q.public@example.com>'), ['john.q.public@example.com']);
  assert.deepEqual(plain('Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>'), [
    'mary@x.test',
    'jdoe@example.org',
    'one@y.test',
  ]);
  assert.deepEqual(plain('<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>'), [
    'boss@nil.test',
    'sysservices@example.net',
  ]);
  assert.deepEqual(plain('A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;'), [
    'c@a.test',
    'joe@where.test',
    'jdoe@one.test',
  ]);
  assert.deepEqual(plain('Undisclosed recipients:;'), []);
  assert.deepEqual(plain('Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>'), ['pete@silly.test']);
  assert.deepEqual(plain('Mary Smith <@node.test,@b.test:mary@example.net>, , jdoe@test  . example'), [
    'mary@example.net',
    'jdoe@test.example',
  ]);
});

test('display names and the place of the addr-spec', () => {
  const text = 'A "B, C" <"a b"@Example.test>, (x) d@[IPv6:2001:db8::1]';
  const [first, second] = parseAddressList(text);
  assert.equal(first?.displayName, 'A B, C');
  assert.deepEqual(first?.mailbox, { localPart: 'a b', domain: 'example.test' });
  assert.equal(text.slice(first?.start, first?.end), '"a b"@Example.test');
  assert.equal(second?.mailbox.domain, '[ipv6:2001:db8::1]');
  assert.equal(text.slice(second?.start, second?.end), 'd@[IPv6:2001:db8::1]');
});

test('what is no address is left out, its neighbours stay', () => {
  assert.deepEqual(plain('broken@, good@x.test, <>, @y.test, a b@x.test, c@x..test, "open@x.test'), ['good@x.test']);
});

test('one address alone: nothing around it', () => {
  assert.deepEqual(parseAddress('alice@Example.test'), { localPart: 'alice', domain: 'example.test' });
  assert.deepEqual(parseAddress('"a@b"@x.test'), { localPart: 'a@b', domain: 'x.test' });
  for (const bad of [
    '',
    'alice',
    'alice@',
    '@x.test',
    'a@x.test ',
    ' a@x.test',
    'a @x.test',
    '<a@x.test>',
    'a@b@c',
    'a@x.test, b@x.test',
    'a.@x.test',
  ]) {
    assert.equal(parseAddress(bad), undefined, bad);
  }
});

test('a quoted local part of one at sign is no source route', () => {
  assert.deepEqual(parseAddressList('N <"@"@x.test>')[0]?.mailbox, { localPart: '@', domain: 'x.test' });
});

test('addresses printed are read again', () => {
  const local = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/[\r\n]/.test(text));
  fc.assert(
    fc.property(local, (localPart) => {
      const mailbox = { localPart, domain: 'x.test' };
      assert.deepEqual(parseAddressList(`N <${printMailbox(mailbox)}>, z@y.test`)[0]?.mailbox, mailbox);
    }),
  );
});

test('long hostile fields take time in proportion to their length, and a bound holds', () => {
  for (const text of [
    '('.repeat(100_000),
    '"'.repeat(100_001),
    '<'.repeat(100_000),
    'a.'.repeat(100_000),
    ',<@'.repeat(50_000),
    '\\'.repeat(100_000),
  ])
    parseAddressList(text);
  assert.equal(parseAddressList('a@b.test,'.repeat(headerAddressesMax + 5)).length, headerAddressesMax);
});
