import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyHash } from './body-hash.ts';

const hashOf = (body: string): string => createHash('sha256').update(body, 'latin1').digest('base64');

function ours(body: string, cuts: readonly number[] = []): string {
  const octets = Buffer.from(body, 'latin1');
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (octets.length + 1)), octets.length])].sort((a, b) => a - b);
  const hash = new BodyHash();
  for (let i = 1; i < edges.length; i += 1) hash.update(octets.subarray(edges[i - 1], edges[i]));
  return hash.digest();
}

/** RFC 6376 §3.4.4 on the whole of it at once. */
function relaxed(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''));
  while (lines.at(-1) === '') lines.pop();
  return lines.map((line) => `${line}\r\n`).join('');
}

test('RFC 6376 §3.4.4, §3.4.5: white space is reduced, and empty lines at the end count as none', () => {
  const cases: readonly (readonly [body: string, canonical: string])[] = [
    [' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n'],
    ['', ''],
    ['\r\n', ''],
    [' \t\r\n\r\n \r\n', ''],
    ['a', 'a\r\n'],
    ['a \t', 'a\r\n'],
    ['\r\n\r\na\r\n', '\r\n\r\na\r\n'],
    ['a\rb\nc\r\n', 'a\rb\nc\r\n'],
    ['a\r\r\n', 'a\r\r\n'],
    ['a\r', 'a\r\r\n'],
    ['.\r\n..\r\n', '.\r\n..\r\n'],
  ];
  for (const [body, canonical] of cases) assert.equal(ours(body), hashOf(canonical), JSON.stringify(body));
  assert.equal(ours(''), '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
});

test('however the body is cut, and whatever is in it, the hash is that of the whole', () => {
  const body = fc
    .array(fc.constantFrom('\r\n', ' ', '\t', 'a', 'b c', '\xe9', '\0', '.', '\r', '\n', '\r\n\r\n'), { maxLength: 40 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(body, fc.array(fc.nat(100), { maxLength: 12 }), (text, cuts) => {
      assert.equal(ours(text, cuts), ours(text));
      assert.equal(ours(text), hashOf(relaxed(text)), JSON.stringify(text));
    }),
    { numRuns: 2000 },
  );
});

test('a million empty lines wait in no memory, and count when something follows them', () => {
  const lines = Buffer.from('\r\n'.repeat(32 * 1024));
  const hash = new BodyHash();
  const expected = createHash('sha256').update('a');
  hash.update(Buffer.from('a'));
  for (let i = 0; i < 32; i += 1) {
    hash.update(lines);
    expected.update(lines);
  }
  const rest = Buffer.from(' b');
  hash.update(rest);
  assert.equal(hash.digest(), expected.update(' b\r\n').digest('base64'));
});
