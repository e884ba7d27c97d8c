import assert from 'node:assert/strict';
import { test } from 'node:test';
import { droppedLineMax, keptLineMax } from '../limits.ts';
import { LineReader } from './line-reader.ts';

/** Reads octets that come in pieces and returns the kinds of what was read, with the most octets that were kept. */
function read(text: string, pieceSize: number): { kinds: string[]; keptMax: number } {
  const reader = new LineReader();
  const octets = Buffer.from(text, 'latin1');
  const kinds: string[] = [];
  let kept: Buffer = Buffer.alloc(0);
  let keptMax = 0;
  for (let at = 0; at < octets.length; at += pieceSize) {
    kept = Buffer.concat([kept, octets.subarray(at, at + pieceSize)]);
    for (;;) {
      const line = reader.read(kept, 0);
      kept = kept.subarray(line.end);
      if (line.kind === 'none') break;
      kinds.push(line.kind === 'line' ? line.text : line.kind);
      if (line.kind === 'endless') return { kinds, keptMax };
    }
    keptMax = Math.max(keptMax, kept.length);
  }
  return { kinds, keptMax };
}

test('lines are the same however they are cut', () => {
  const text = 'one\r\n\r\ntwo\nthree\r\nfo\rur\r\nfive\n\nsix\r\nseven\xe4\r\neight \xc3\xa4\r\n';
  const want = [
    'one',
    '',
    'bad-ending',
    'bad-ending',
    'bad-octets',
    'bad-ending',
    'bad-ending',
    'bad-ending',
    'bad-octets',
    'eight ä',
  ];
  for (const size of [1, 2, 3, 5, 1000]) assert.deepEqual(read(text, size).kinds, want, `${size}`);
});

test('an overlong line is dropped as it comes, up to its end', () => {
  for (const size of [1000, 1001, 4096]) {
    const { kinds, keptMax } = read(`${'x'.repeat(keptLineMax + 5000)}\r\nnext\r\n`, size);
    assert.deepEqual(kinds, ['too-long', 'next']);
    assert.ok(keptMax <= keptLineMax + 1);
  }
  assert.deepEqual(read(`${'x'.repeat(keptLineMax)}\r\nnext\r\n`, 100_000).kinds, ['too-long', 'next']);
  assert.equal(read(`${'x'.repeat(keptLineMax - 2)}\r\n`, 1000).kinds[0]?.length, keptLineMax - 2);
});

test('a line without end is given up', () => {
  assert.deepEqual(read('x'.repeat(droppedLineMax + 2 * keptLineMax), 1000).kinds, ['endless']);
});
