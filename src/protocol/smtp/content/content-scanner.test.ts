import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ContentScanner, type ContentScannerOptions } from './content-scanner.ts';

interface Seen {
  content: string;
  ended: boolean;
  broken: string;
  /** Octets used. */
  used: number;
  views: number;
}

/** Scans octets cut at the given places. */
function scan(text: string, cuts: readonly number[], options: Partial<ContentScannerOptions> = {}): Seen {
  const octets = Buffer.from(text, 'latin1');
  const scanner = new ContentScanner({ dots: true, bareLineEndings: 'refuse', sizeMax: 1e9, ...options });
  const views: Buffer[] = [];
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (octets.length + 1)), octets.length])].sort((a, b) => a - b);
  let used = 0;
  for (let i = 1; i < edges.length && !scanner.ended; i++) {
    const start = edges[i - 1] ?? 0;
    const chunk = octets.subarray(start, edges[i]);
    used = start + scanner.scan(chunk, 0, chunk.length, (view) => views.push(Buffer.from(view)));
  }
  if (options.dots === false) scanner.finish((view) => views.push(Buffer.from(view)));
  const content = Buffer.concat(views).toString('latin1');
  assert.ok(scanner.broken !== 'no' || scanner.size === content.length);
  return { content, ended: scanner.ended, broken: scanner.broken, used, views: views.length };
}

/** What RFC 5321 §4.5.2 says of DATA, on the whole of it at once. */
function expected(text: string): { content: string; used: number; bare: boolean; normal: string } | undefined {
  const end = `\r\n${text}`.indexOf('\r\n.\r\n');
  if (end < 0) return undefined;
  const stuffed = text.slice(0, end);
  const content = stuffed.replace(/(^|\r\n)\./g, '$1');
  const bare = /\r(?!\n)|(?<!\r)\n/g;
  return { content, used: end + 3, bare: bare.test(content), normal: content.replace(/\r(?!\n)|(?<!\r)\n/g, '\r\n') };
}

const stream = fc
  .array(fc.constantFrom('\r\n', '\r\n.', '\r', '\n', '.', 'a', 'bc', '\0', '\xff', '\r\n.\r\n'), { maxLength: 30 })
  .map((parts) => `${parts.join('')}\r\n.\r\n`);
const cuts = fc.array(fc.nat(200), { maxLength: 12 });

test('DATA is read as RFC 5321 has it, however it is cut', () => {
  fc.assert(
    fc.property(stream, cuts, (text, at) => {
      const want = expected(text);
      assert.ok(want !== undefined);
      const refusing = scan(text, at);
      assert.deepEqual(
        [refusing.ended, refusing.used, refusing.broken],
        [true, want.used, want.bare ? 'bare-line-ending' : 'no'],
      );
      if (!want.bare) assert.equal(refusing.content, want.content);
      const normalising = scan(text, at, { bareLineEndings: 'normalise' });
      assert.deepEqual([normalising.ended, normalising.used, normalising.content], [true, want.used, want.normal]);
    }),
    { numRuns: 2000 },
  );
});

test('content that is dot-stuffed comes back', () => {
  const line = fc.string({ unit: fc.constantFrom('.', 'a', ' ', '\xe9'), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), cuts, (lines, at) => {
      const content = lines.map((text) => `${text}\r\n`).join('');
      const stuffed = lines.map((text) => `${text.startsWith('.') ? '.' : ''}${text}\r\n`).join('');
      assert.equal(scan(`${stuffed}.\r\n`, at).content, content);
    }),
  );
});

test('chunks of BDAT know no dots and no end', () => {
  fc.assert(
    fc.property(stream, cuts, (text, at) => {
      const bare = /\r(?!\n)|(?<!\r)\n/.test(text);
      const refusing = scan(text, at, { dots: false });
      assert.deepEqual([refusing.ended, refusing.broken], [false, bare ? 'bare-line-ending' : 'no']);
      const normal = scan(text, at, { dots: false, bareLineEndings: 'normalise' });
      assert.equal(normal.content, text.replace(/\r(?!\n)|(?<!\r)\n/g, '\r\n'));
    }),
  );
  assert.equal(scan('a\r', [], { dots: false }).broken, 'bare-line-ending');
  assert.equal(scan('a\r', [], { dots: false, bareLineEndings: 'normalise' }).content, 'a\r\n');
});

test('a message without dots in one chunk is one view and a dot line costs one more', () => {
  const lines = 'x'.repeat(70).concat('\r\n').repeat(60);
  assert.equal(scan(`${lines}.\r\n`, []).views, 1);
  assert.equal(scan(`${lines}..\r\n${lines}.\r\n`, []).views, 2);
});

test('content over the limit is not yielded and the end is still found', () => {
  assert.deepEqual(scan('12345678\r\n.\r\n', [], { sizeMax: 10 }).broken, 'no');
  const over = scan('123456789\r\n.\r\nQUIT', [5], { sizeMax: 10 });
  assert.deepEqual([over.broken, over.ended, over.used], ['too-big', true, 14]);
});

test('octets beyond ASCII are noticed', () => {
  const scanner = new ContentScanner({ dots: true, bareLineEndings: 'refuse', sizeMax: 100 });
  scanner.scan(Buffer.from('abc\r\n'), 0, 5, () => undefined);
  assert.equal(scanner.eightBit, false);
  scanner.scan(Buffer.from([0xe4]), 0, 1, () => undefined);
  assert.equal(scanner.eightBit, true);
});
