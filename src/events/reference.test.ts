import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventReference } from './reference.ts';

test('the reference has every event once, in order, with advice that is a sentence', () => {
  const entries = eventReference();
  assert.deepEqual(
    entries.map((e) => e.number),
    [...new Set(entries.map((e) => e.number))].sort((a, b) => a - b),
  );
  for (const { number, title, advice } of entries) {
    assert.doesNotMatch(title, /[{}]|\.$/, `title of ${number}`);
    if (advice !== '') assert.match(advice, /^[A-Z`].*\.$/s, `advice of ${number}`);
  }
});
