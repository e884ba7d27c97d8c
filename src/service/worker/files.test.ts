import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { attemptsWithin, sessionsWithin, watchDescriptors } from './files.ts';

test('few descriptors leave room for few sessions and deliveries, and a reserve', () => {
  assert.equal(attemptsWithin(64, 200), 2);
  assert.equal(attemptsWithin(20, 200), 1);
  assert.equal(attemptsWithin(65_536, 200), 200);
  assert.equal(sessionsWithin({ limit: 64, used: () => 32 }), 16);
  assert.equal(sessionsWithin({ limit: 64, used: () => 60 }), 0);
});

test('a limit that is raised while the worker runs is seen, and said once', () => {
  const clock = new ManualClock();
  const told: string[] = [];
  const descriptors = { limit: 64, used: () => 32 };
  let more = 0;
  const moreAttempts = (): void => {
    more += 1;
  };
  const journal = { emit: (name: string) => void told.push(name), wants: () => true };
  const running = { generation: { attemptsMax: () => 2 }, workers: 1, journal, moreAttempts };
  watchDescriptors({ world: { clock }, descriptors }, running, 0);
  clock.advance(20_000);
  assert.deepEqual([told, more], [['service.descriptors-few'], 0]);
  descriptors.limit = 65_536;
  clock.advance(20_000);
  clock.advance(20_000);
  assert.deepEqual([told, more], [['service.descriptors-few', 'service.descriptors-enough'], 1]);
});
