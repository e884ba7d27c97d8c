import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { Alarm } from './alarm.ts';

test('an alarm rings once, after the least time asked for, and not after it was cancelled', () => {
  const clock = new ManualClock();
  let rings = 0;
  const alarm = new Alarm(clock, () => (rings += 1));
  alarm.within(1000);
  alarm.within(50);
  alarm.within(500);
  clock.advance(49);
  assert.equal(rings, 0);
  clock.advance(1);
  assert.equal(rings, 1);
  clock.advance(2000);
  assert.equal(rings, 1);
  alarm.within(10);
  alarm.cancel();
  clock.advance(20);
  assert.equal(rings, 1);
});
