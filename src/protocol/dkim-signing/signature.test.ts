import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { relaxedField, signature, signedFields, type SignedField } from './signature.ts';

const relaxed = (text: string): string => relaxedField(Buffer.from(text, 'latin1'));
const field = (name: string, value: string): SignedField => ({
  name: name.toLowerCase(),
  octets: Buffer.from(`${name}: ${value}\r\n`, 'utf8'),
});
const FACTS = {
  domain: 'example.com',
  selector: 's',
  algorithm: 'rsa',
  bodyHash: 'aGFzaA==',
  atMs: 1_528_637_909_999,
} as const;
const tag = (text: string, name: string): string =>
  new RegExp(`[;\\s]${name}=([^;]*)`).exec(text)?.[1]?.replace(/\s/g, '') ?? '';

test('RFC 6376 §3.4.2, §3.4.5: fields are unfolded, their names are small, and white space is reduced', () => {
  assert.equal(relaxed('A: X\r\n'), 'a:X');
  assert.equal(relaxed('B : Y\t\r\n\tZ  \r\n'), 'b:Y Z');
  assert.equal(relaxed('SUBJect:\t  \r\n a \t b\r\n'), 'subject:a b');
  assert.equal(relaxed('Cc:\r\n'), 'cc:');
  assert.equal(relaxed('To: a:b'), 'to:a:b');
  assert.equal(relaxed('Subject: \xc3\xa9\r\n'), 'subject:\xc3\xa9');
});

test('no field that counts can be added unseen: each is listed once more than it is there (RFC 6376 §8.15)', () => {
  const one = signature(FACTS, [field('From', 'a@example.com'), field('Subject', 'x'), field('List-Id', '<l>')]);
  const names = tag(one.field(Buffer.alloc(0)), 'h').split(':');
  const count = (name: string): number => names.filter((each) => each === name).length;
  assert.deepEqual(
    ['from', 'subject', 'to', 'cc', 'reply-to', 'list-id', 'sender', 'date'].map(count),
    [2, 2, 1, 1, 1, 1, 0, 0],
  );
});

test('RFC 6376 §5.4.2: of fields that are there several times the last comes first', () => {
  const { input } = signature(FACTS, [field('From', 'a'), field('To', 'first'), field('To', 'second')]);
  assert.match(input.toString(), /^from:a\r\nto:second\r\nto:first\r\ndkim-signature:v=1; a=rsa-sha256; /);
  assert.match(input.toString(), /; b=$/);
});

test('the field is in lines of at most 78, and what it says can be read back', () => {
  const all = signedFields.map((name) => field(name, 'x'));
  const domain = `${'d'.repeat(60)}.${'e'.repeat(60)}.example.com`;
  const text = signature({ ...FACTS, domain }, all).field(Buffer.alloc(256, 7));
  for (const line of text.split('\r\n')) assert.ok(line.length <= 78 || line.includes(domain), line);
  assert.match(text, /^DKIM-Signature: v=1; [\s\S]*\r\n$/);
  assert.doesNotMatch(text, /\r\n\r\n|\r\n[^\t]/);
  assert.equal(tag(text, 'd'), domain);
  assert.equal(tag(text, 't'), '1528637909');
  assert.equal(tag(text, 'bh'), FACTS.bodyHash);
  assert.equal(tag(text, 'b'), Buffer.alloc(256, 7).toString('base64'));
});

test('what is signed is what a verifier makes of the field, for any fields', () => {
  const value = fc.string({ unit: fc.constantFrom('a', ' ', '\t', '\r\n ', 'é', ':', ';'), maxLength: 20 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...signedFields), value), { maxLength: 20 }), (given) => {
      const fields = given.map(([name, text]) => field(name, text));
      const made = signature(FACTS, fields);
      const text = made.field(Buffer.from('signature'));
      const left = [...fields];
      const covered = tag(text, 'h')
        .split(':')
        .map((name) => {
          const at = left.findLastIndex((one) => one.name === name);
          const [found] = at === -1 ? [] : left.splice(at, 1);
          return found === undefined ? '' : `${relaxedField(found.octets)}\r\n`;
        });
      assert.equal(left.length, 0, 'every field is covered');
      const unsigned = text.slice(0, text.indexOf('b=', text.indexOf('bh=') + 3) + 2);
      assert.equal(made.input.toString('latin1'), covered.join('') + relaxedField(Buffer.from(unsigned, 'latin1')));
    }),
  );
});

test('long fields of nothing but spaces take time in proportion to their length', () => {
  assert.equal(relaxedField(Buffer.from(`Subject:${' \t'.repeat(100_000)}x${' '.repeat(200_000)}\r\n`)), 'subject:x');
});
