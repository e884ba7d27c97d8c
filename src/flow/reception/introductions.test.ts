import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { createIntroductions, introductionAnswer } from './introductions.ts';
import { introductionMs, introductionsMax } from './limits.ts';

test('a word that was announced is answered for a while, by each listener in its own way', () => {
  const clock = new ManualClock();
  const introductions = createIntroductions(clock);
  assert.equal(introductions.of('mx'), undefined);
  introductions.expect('word', 'key');
  assert.equal(introductions.of('mx')?.('word'), introductionAnswer('key', 'word', 'mx'));
  assert.notEqual(introductions.of('mx')?.('word'), introductions.of('submission')?.('word'));
  assert.equal(introductions.of('mx')?.('another'), undefined);
  clock.advance(introductionMs);
  assert.equal(introductions.of('mx')?.('word'), undefined);
});

test('more words than the limit push the oldest out', () => {
  const introductions = createIntroductions(new ManualClock());
  for (let i = 0; i <= introductionsMax; i += 1) introductions.expect(`word ${i}`, 'key');
  assert.equal(introductions.of('mx')?.('word 0'), undefined);
  assert.notEqual(introductions.of('mx')?.('word 1'), undefined);
});
