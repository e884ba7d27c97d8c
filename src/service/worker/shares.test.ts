import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { Shares } from './shares.ts';

const turn = async (): Promise<void> => {
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
};

test('a worker that gave all of its share away and is refused asks again until it gets some', async () => {
  const clock = new ManualClock();
  const grants = [0, 0, 3];
  let asked = 0;
  const shares = new Shares(2, clock, async () => grants[asked++] ?? 0);
  assert.equal(shares.giveUp('host:x', 20, 0, 10), 10);
  let looks = 0;
  // As the scheduler does: it looks whether there is room, and wants more where there is none.
  const look = (): void => {
    looks += 1;
    if (shares.of('host:x', 20) === 0) shares.want('host:x', 20, 4, look);
  };
  look();
  for (let i = 0; i < 4; i += 1) {
    await turn();
    clock.advance(250);
  }
  await turn();
  assert.equal(asked, 3);
  assert.equal(shares.of('host:x', 20), 3);
  assert.equal(looks, 4, 'three times for nothing, and when it was granted');
});

test('a worker that gives its last share away soon after a refusal looks again', async () => {
  const clock = new ManualClock();
  const shares = new Shares(2, clock, async () => 0);
  let looks = 0;
  shares.want('host:x', 20, 4, () => (looks += 1));
  await turn();
  clock.advance(100);
  assert.equal(looks, 0, 'its own attempts look when they end');
  shares.giveUp('host:x', 20, 0, 10);
  shares.want('host:x', 20, 4, () => (looks += 1));
  clock.advance(250);
  assert.equal(looks, 1);
});

test('a worker that uses more than the equal share without end makes room for one that asks', () => {
  const clock = new ManualClock();
  const shares = new Shares(2, clock, async () => 0, new Map([['host:x', 20]]));
  assert.equal(shares.giveUp('host:x', 20, 20, 4), 0, 'all of it is in use');
  assert.equal(shares.of('host:x', 20), 16, 'four of its attempts are not followed by others');
  clock.advance(250);
  assert.equal(shares.giveUp('host:x', 20, 16, 4), 4);
  assert.equal(shares.of('host:x', 20), 16);
  assert.equal(shares.giveUp('host:x', 20, 16, 10), 0);
  assert.equal(shares.of('host:x', 20), 10, 'not below the equal share');
  clock.advance(1000);
  assert.equal(shares.of('host:x', 20), 16, 'nobody came for it');
});

test('two workers with one connection between them take turns', async () => {
  const clock = new ManualClock();
  const shares = new Shares(2, clock, async () => 0, new Map([['host:x', 1]]));
  assert.equal(shares.giveUp('host:x', 1, 1, 1), 0);
  assert.equal(shares.of('host:x', 1), 0);
  let looks = 0;
  shares.want('host:x', 1, 1, () => (looks += 1));
  clock.advance(250);
  assert.equal(looks, 1, 'it looks again whether the other came for it');
});
