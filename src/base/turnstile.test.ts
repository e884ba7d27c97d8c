import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turnstile } from './turnstile.ts';

test('so many enter, so many wait in order, the rest is turned away', async () => {
  const turnstile = new Turnstile(2, 2);
  const order: string[] = [];
  assert.equal(await turnstile.enter(), true);
  assert.equal(await turnstile.enter(), true);
  const third = turnstile.enter().then(() => order.push('third'));
  const fourth = turnstile.enter().then(() => order.push('fourth'));
  assert.equal(await turnstile.enter(), false);
  turnstile.leave();
  turnstile.leave();
  await Promise.all([third, fourth]);
  assert.deepEqual(order, ['third', 'fourth']);
  turnstile.leave();
  turnstile.leave();
  assert.equal(await turnstile.enter(), true);
});
