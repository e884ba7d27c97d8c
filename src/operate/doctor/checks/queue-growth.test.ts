import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, runningService } from '../../../../test/support/doctor-parts.ts';
import { MovementHistory } from '../../movement/history.ts';
import type { Verdict } from '../verdict.ts';
import { queueSteady } from './queue-growth.ts';

/** Looks after an hour in which the queue had these lengths, one a minute. */
function after(lengths: readonly number[]): Promise<Verdict> {
  const history = new MovementHistory();
  const samples = lengths.map((messages, minute) => ({
    atMs: minute * 60_000,
    messages,
    bytes: messages * 1000,
    arrived: messages,
  }));
  for (const one of samples.slice(0, -1)) history.add(one);
  const last = samples.at(-1);
  const bounds = { freeBytes: 1e9, floorBytes: 1e6, messagesMax: 10_000 };
  const rows = [{ nextHop: 'mx:slow.test' }, { nextHop: 'mx:slow.test' }, { nextHop: 'mx:b.test' }];
  return lookWith(queueSteady, {
    service: runningService([]),
    answers: {
      'queue.movement': () => (last === undefined ? undefined : { ...history.look(last, bounds), text: '' }),
      'queue.list': () => ({ rows, total: 3, offset: 0, missing: [] }),
    },
  });
}

const minutes = (count: number, length: (minute: number) => number): number[] =>
  Array.from({ length: count }, (_, minute) => length(minute));

test('a queue that grows all the time is told, with its rates, what it waits for, and where that ends', async () => {
  const verdict = await after(minutes(60, (minute) => 50 + minute * 20));
  assert.ok(verdict.kind === 'unhealthy', JSON.stringify(verdict));
  assert.match(
    verdict.cause,
    /has grown from 50 to 1230 messages in 59 min.*queue\.messagesMax\) is reached in about 7 h/,
  );
  assert.match(verdict.evidence.map(({ what, seen }) => `${what}: ${seen}`).join('\n'), /mx:slow\.test.*: 2/);
});

test('one burst, a full queue that stands, one that drains, a short look and a few messages are no growth', async () => {
  for (const lengths of [
    minutes(60, (minute) => (minute < 50 ? 10 : 5000)),
    minutes(60, () => 90_000),
    minutes(60, (minute) => 60_000 - minute * 100),
    minutes(20, (minute) => minute * 50),
    minutes(60, (minute) => minute),
    minutes(60, (minute) => 100_000 + minute * 3),
    [7],
    [],
  ])
    assert.notEqual((await after(lengths)).kind, 'unhealthy', `${lengths.length}: ${lengths.slice(-2)}`);
});
