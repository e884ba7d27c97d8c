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

test('a limit that is changed while the worker runs is taken, and said once', () => {
  const clock = new ManualClock();
  const told: string[] = [];
  const descriptors = { limit: 64, used: () => 32 };
  let more = 0;
  const limitChanged = (): void => {
    more += 1;
  };
  const journal = { emit: (name: string) => void told.push(name), wants: () => true };
  const running = { generation: { attemptsMax: () => 2 }, workers: 1, journal, limitChanged };
  watchDescriptors({ world: { clock }, descriptors }, running, 0);
  clock.advance(20_000);
  assert.deepEqual([told, more], [['service.descriptors-few'], 0]);
  descriptors.limit = 65_536;
  clock.advance(20_000);
  clock.advance(20_000);
  assert.deepEqual([told, more], [['service.descriptors-few', 'service.descriptors-enough'], 1]);
  for (const limit of [2048, 200, 100]) {
    descriptors.limit = limit;
    clock.advance(20_000);
  }
  const few = ['service.descriptors-few', 'service.descriptors-few'];
  assert.deepEqual([told.slice(2), more], [few, 4], "more or fewer within what is enough is nobody's business");
});
