import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { firstGood } from './in-turn.ts';

const good = (end: string): boolean => end.startsWith('good');
const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
};

/** Attempts that end so long after they begin. */
function attempts(clock: ManualClock, ends: readonly (readonly [afterMs: number, end: string])[]) {
  const begunAt: number[] = [];
  const attempt = (index: number): Promise<string> => {
    begunAt.push(clock.now());
    const [afterMs = 0, end = ''] = ends[index] ?? [];
    return new Promise((resolve) => clock.after(afterMs, () => resolve(end)));
  };
  return { attempt, begunAt };
}

async function run(clock: ManualClock, asked: Promise<string>): Promise<readonly [end: string, atMs: number]> {
  const ended = asked.then((end) => [end, clock.now()] as const);
  for (let i = 0; i < 100; i += 1) {
    await settle();
    clock.advance(100);
  }
  return ended;
}

test('without an overlap the next attempt waits for the end of the one before', async () => {
  const clock = new ManualClock();
  const { attempt, begunAt } = attempts(clock, [
    [1000, 'bad'],
    [1000, 'good'],
    [0, 'good'],
  ]);
  assert.deepEqual(await run(clock, firstGood(3, attempt, good)), ['good', 2000]);
  assert.deepEqual(begunAt, [0, 1000]);
});

test('with an overlap one that is slow is still heard, and one that is silent keeps nobody waiting', async () => {
  for (const [first, second, at] of [
    [2000, 3000, 2000],
    [4000, 500, 1700],
  ] as const) {
    const clock = new ManualClock();
    const { attempt, begunAt } = attempts(clock, [
      [first, 'good'],
      [second, 'good'],
      [0, 'good'],
    ]);
    assert.deepEqual(await run(clock, firstGood(2, attempt, good, { ms: 1200, clock })), ['good', at]);
    assert.deepEqual(begunAt, [0, 1200]);
    assert.equal(clock.pending, 0);
  }
});

test('with an overlap one that ends badly is followed at once, and the last end is told where none is good', async () => {
  const clock = new ManualClock();
  const { attempt, begunAt } = attempts(clock, [
    [300, 'bad'],
    [3000, 'worse'],
    [100, 'worst'],
  ]);
  assert.deepEqual(await run(clock, firstGood(3, attempt, good, { ms: 1200, clock })), ['worse', 3300]);
  assert.deepEqual(begunAt, [0, 300, 1500]);
});
