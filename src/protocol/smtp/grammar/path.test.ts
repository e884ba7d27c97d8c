import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printPath } from '../../../mail/mailbox.ts';
import { isIpv4, isIpv6 } from './address-literal.ts';
import { isDomain, isLiteral } from './domain.ts';
import { parseMailbox, readPath } from './path.ts';
import { mailboxes } from '../../../../test/support/arbitrary-mailboxes.ts';

test('a printed path is read back', () => {
  fc.assert(
    fc.property(mailboxes, (mailbox) => {
      const text = printPath(mailbox);
      assert.deepEqual(readPath(text, 0), { path: mailbox, end: text.length });
    }),
    { numRuns: 1000 },
  );
  assert.deepEqual(readPath('<>', 0), { path: null, end: 2 });
});

test('any text is read or refused, never thrown at', () => {
  const noise = fc.string({
    unit: fc.constantFrom('<', '>', '@', '"', '\\', '.', ',', ':', '[', ']', 'a', '1', ' ', 'ä', '\0', 'IPv6:'),
  });
  fc.assert(
    fc.property(noise, (text) => {
      const read = readPath(`<${text}`, 0);
      if (read?.path) assert.deepEqual(readPath(printPath(read.path), 0)?.path, read.path);
    }),
    { numRuns: 3000 },
  );
});

test('a source route is left out', () => {
  assert.deepEqual(readPath('<@a.test,@[192.0.2.1]:bob@c.test>', 0)?.path, { localPart: 'bob', domain: 'c.test' });
  for (const bad of [
    '<@a.test bob@c.test>',
    '<@a.test,:bob@c.test>',
    '<@a.test,b.test:bob@c.test>',
    '<@:bob@c.test>',
    '<@a.test:>',
  ])
    assert.equal(readPath(bad, 0), undefined, bad);
});

test('quotes and backslashes are not part of a local part', () => {
  assert.deepEqual(parseMailbox('"a\\"b\\\\ c"@d.test'), { localPart: 'a"b\\ c', domain: 'd.test' });
  assert.deepEqual(parseMailbox('"plain"@d.test'), { localPart: 'plain', domain: 'd.test' });
  assert.deepEqual(parseMailbox('""@d.test'), { localPart: '', domain: 'd.test' });
  assert.equal(parseMailbox('"a\\ä"@d.test'), undefined);
});

test('limits are octets: 64 before the @, 255 behind it, 256 for the path', () => {
  assert.ok(parseMailbox(`${'a'.repeat(64)}@d.test`));
  assert.equal(parseMailbox(`${'a'.repeat(65)}@d.test`), undefined);
  assert.ok(parseMailbox(`${'ä'.repeat(32)}@d.test`));
  assert.equal(parseMailbox(`${'ä'.repeat(33)}@d.test`), undefined);
  const domain = (length: number) =>
    'abc.'
      .repeat(64)
      .slice(0, length - 1)
      .replace(/\.$/, 'x')
      .concat('x');
  assert.equal(domain(255).length, 255);
  assert.ok(isDomain(domain(255)));
  assert.equal(isDomain(domain(256)), false);
  assert.ok(readPath(`<a@${domain(252)}>`, 0));
  assert.equal(readPath(`<a@${domain(253)}>`, 0), undefined);
  assert.equal(isDomain(`${'a'.repeat(64)}.test`), false);
});

test('domains and address literals', () => {
  for (const good of ['a', 'a.b', '1.2.3.4', 'a-b.c', 'xn--bcher-kva.example', 'bücher.example', 'a_b.c'])
    assert.ok(isDomain(good), good);
  for (const bad of ['', '.', 'a.', '.a', 'a..b', '-a', 'a-', 'a b', 'a/b', '[1.2.3.4]', 'a\u3000b'])
    assert.equal(isDomain(bad), false, bad);
  for (const good of [
    '[192.0.2.1]',
    '[IPv6:::]',
    '[ipv6:::1]',
    '[IPv6:2001:db8::192.0.2.1]',
    '[IPv6:1:2:3:4:5:6:7:8]',
    '[x-tag:content]',
  ])
    assert.ok(isLiteral(good), good);
  for (const bad of [
    '[]',
    '[1.2.3]',
    '[1.2.3.256]',
    '[01.2.3.4]',
    '[IPv6:]',
    '[IPv6:1.2.3.4]',
    '[IPv6:1::2::3]',
    '[IPv6:12345::]',
    '[tag-:x]',
    '[tag:]',
    '[tag:a b]',
    '[1.2.3.4',
    '[1.2.3.4]x',
  ])
    assert.equal(isLiteral(bad), false, bad);
});

test('addresses', () => {
  for (const bad of ['', '1', '1.2.3.4.5', '1.2.3.-4', '1.2.3.', '1.2.3.4 ']) assert.equal(isIpv4(bad), false, bad);
  for (const good of [
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3:4:5:6:1.2.3.4',
    '::ffff:1.2.3.4',
  ])
    assert.ok(isIpv6(good), good);
  for (const bad of [
    '',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1.2.3.4::',
    'g::',
    '1:2:3:4:5:6:7:1.2.3.4',
  ])
    assert.equal(isIpv6(bad), false, bad);
});
