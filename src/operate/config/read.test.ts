import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ALIASES_MAX, FILE_BYTES_MAX, PROBLEMS_MAX } from './limits.ts';
import { loadConfiguration } from './load.ts';
import { readText } from './read.ts';

const messages = (text: string): readonly string[] => readText(text, 'f').problems.map((problem) => problem.message);

test('aliases that multiply are refused ("billion laughs")', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 10; i += 1)
    lines.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(', ')}]`);
  assert.deepEqual(messages(lines.join('\n')), [`more than ${ALIASES_MAX} aliases are used`]);
});

test('a file that is too large or too deep is refused before it is parsed', () => {
  assert.match(messages(' '.repeat(FILE_BYTES_MAX + 1))[0] ?? '', /larger than 32 MB/);
  for (const deep of ['['.repeat(100_000), '{a: '.repeat(100_000), '- '.repeat(100_000)])
    assert.deepEqual(messages(deep), ['the values are nested too deeply']);
});

test('no more problems are told than anybody reads', () => {
  const text = Array.from({ length: PROBLEMS_MAX + 50 }, (_, i) => `unknown${i}: 1`).join('\n');
  const loaded = loadConfiguration(text, 'f', { directory: '/' });
  assert.ok(!loaded.ok);
  assert.equal(loaded.problems.length, PROBLEMS_MAX + 1);
  assert.match(loaded.problems.at(-1)?.message ?? '', /further problems/);
});

test('whatever the text is, loading answers', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc
          .array(
            fc.constantFrom('server:', ' name: x', '- ', '*', '&a ', '{', '}', '\n', '\t', "'", 'domains:\n', ': '),
          )
          .map((parts) => parts.join('')),
      ),
      (text) => {
        const loaded = loadConfiguration(text, 'f', { directory: '/' });
        assert.ok(loaded.ok || loaded.problems.length > 0);
      },
    ),
    { numRuns: 300 },
  );
});
