import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeEmbedded, encodeEmbedded, printFinal, printOriginal } from './address.ts';
import { base64Lines, quotedPrintable } from './quoted-printable.ts';
import { printField, tame } from './field.ts';

test('utf-8-addr-xtext is ASCII without specials and reads back (RFC 6533 §3)', () => {
  assert.equal(encodeEmbedded('j\u00f6rg+a@ex\u{1f600}.test'), 'j\\x{F6}rg\\x{2B}a@ex\\x{1F600}.test');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const encoded = encodeEmbedded(text);
      assert.match(encoded, /^[\x21-\x7e]*$/);
      assert.equal(decodeEmbedded(encoded), text);
    }),
  );
  assert.equal(decodeEmbedded('\\x{D800}\\x{110000}\\x{zz}'), '\\x{D800}\\x{110000}\\x{zz}');
});

test('Original-Recipient keeps type and address, and cannot begin another field', () => {
  assert.equal(printOriginal('rfc822;Alice+Tag@Example.test', false), 'rfc822;Alice+Tag@Example.test');
  assert.equal(printOriginal('x400;/g=alice/s=smith', false), 'x400;/g=alice/s=smith');
  assert.equal(printOriginal('utf-8;j\\x{F6}rg@example.test', false), 'utf-8;j\\x{F6}rg@example.test');
  assert.equal(printOriginal('utf-8;j\\x{F6}rg@example.test', true), 'utf-8;j\u00f6rg@example.test');
  assert.equal(printOriginal('rfc822;a\r\nStatus: 2.0.0', false), 'rfc822;a+0D+0AStatus: 2.0.0');
  assert.equal(printOriginal('no type', false), 'rfc822;no type');
});

test('Final-Recipient is rfc822 wherever ASCII can say it', () => {
  assert.equal(printFinal({ localPart: 'a b', domain: 'example.test' }, false), 'rfc822;"a b"@example.test');
  assert.equal(
    printFinal({ localPart: 'bob', domain: 'b\u00fccher.example' }, false),
    'rfc822;bob@xn--bcher-kva.example',
  );
  assert.equal(printFinal({ localPart: 'j\u00f6rg', domain: 'example.test' }, false), 'utf-8;j\\x{F6}rg@example.test');
});

test('quoted-printable and base64 keep within 76 columns and read back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (octets) => {
      const content = Buffer.from(octets);
      const quoted = quotedPrintable(content);
      for (const line of quoted.split('\r\n')) {
        assert.match(line, /^[\t\x20-\x7e]{0,76}$/);
        assert.doesNotMatch(line, /[ \t]$/);
      }
      const back = quoted
        .replace(/=\r\n/g, '')
        .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
      assert.deepEqual(Buffer.from(back, 'latin1'), content);
      const lines = base64Lines(content);
      assert.ok(lines.split('\r\n').every((line) => line.length <= 76));
      assert.deepEqual(Buffer.from(lines, 'base64'), content);
    }),
  );
});

test('fields are folded at spaces, never into a line of spaces, and keep their words', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 90 })), (words) => {
      const value = tame(words.join(' '), false);
      const field = printField('Diagnostic-Code', value);
      const lines = field.slice(0, -2).split('\r\n');
      for (const line of lines) assert.ok(line.length <= 78 || line.trim().split(' ').length <= 2);
      for (const line of lines.slice(1)) assert.match(line, /^ \S/);
      assert.deepEqual(
        lines
          .join('')
          .split(/ +/)
          .slice(1)
          .filter((w) => w !== ''),
        value.split(/ +/).filter((w) => w !== ''),
      );
    }),
  );
});
