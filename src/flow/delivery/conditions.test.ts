import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conditions } from './conditions.ts';
import { CONDITIONS_MAX } from './limits.ts';

test('a condition begins once until it ends', () => {
  const conditions = new Conditions();
  assert.deepEqual([conditions.begins('a'), conditions.begins('a')], [true, false]);
  conditions.ends('a');
  assert.equal(conditions.begins('a'), true);
});

test('no more conditions are remembered than allowed; the oldest is forgotten', () => {
  const conditions = new Conditions();
  for (let i = 0; i <= CONDITIONS_MAX; i++) conditions.begins(String(i));
  assert.equal(conditions.begins(String(CONDITIONS_MAX)), false);
  assert.equal(conditions.begins('0'), true);
});
