import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MovementHistory, type MovementBounds, printMovement } from './history.ts';
import { SAMPLE_MS, SAMPLES_MAX } from './limits.ts';

const MB = 1024 ** 2;
const bounds: MovementBounds = { freeBytes: 556 * MB, floorBytes: 256 * MB, messagesMax: 10_000_000 };
const minutes = (n: number): number => n * 60_000;

/** An hour in which so many messages of a megabyte came and left each minute. */
function hour(comes: number, leaves: number, waiting = 0): MovementHistory {
  const history = new MovementHistory();
  for (let minute = 0; minute < 60; minute += 1) {
    const messages = waiting + minute * (comes - leaves);
    history.add({ atMs: minutes(minute), messages, bytes: messages * MB, arrived: minute * comes });
  }
  return history;
}

test('Q261414: a queue that grows faster than it drains says when the floor of free space is reached', () => {
  const messages = 60 * 2;
  const movement = hour(5, 3).look({ atMs: minutes(60), messages, bytes: messages * MB, arrived: 300 }, bounds);
  assert.equal(movement.inPerHour, 300);
  assert.equal(movement.outPerHour, 180);
  assert.equal(
    printMovement(movement),
    'The queue grows faster than it drains: 300 in and 180 out per hour, seen for 60 min; at this rate the floor of free space (queue.spaceFloor) is reached in about 3 h.',
  );
});

test('Q261414: a queue that drains says when it is empty', () => {
  const movement = hour(1, 4, 240).look({ atMs: minutes(60), messages: 60, bytes: 60 * MB, arrived: 60 }, bounds);
  assert.equal(
    printMovement(movement),
    'The queue empties: 60 in and 240 out per hour, seen for 60 min; at this rate it is empty in about 20 min.',
  );
});

test('what keeps its length is not spoken of, however much goes through', () => {
  const movement = hour(500, 500, 40).look(
    { atMs: minutes(60), messages: 43, bytes: 43 * MB, arrived: 30_000 },
    bounds,
  );
  assert.deepEqual(movement.forecast, { kind: 'steady' });
  assert.equal(movement.inPerHour, 30_000);
  assert.equal(printMovement(movement), undefined);
});

test('the bound that is reached first is named; one that is far away is not', () => {
  const at = { atMs: minutes(60), messages: 120, bytes: 120, arrived: 300 };
  const few = hour(5, 3).look(at, { freeBytes: undefined, floorBytes: 0, messagesMax: 240 });
  assert.deepEqual(few.forecast, { kind: 'grows', bound: 'messages', reachedInMs: minutes(60) });
  const far = hour(5, 3).look(at, { freeBytes: undefined, floorBytes: 0, messagesMax: 10_000_000 });
  assert.match(printMovement(far) ?? '', /no bound is near/);
});

test('nothing is foretold from one sample, or from a moment', () => {
  const history = new MovementHistory();
  const now = { atMs: 0, messages: 500, bytes: 0, arrived: 500 };
  assert.equal(history.look(now, bounds).windowMs, 0);
  history.add({ atMs: 0, messages: 0, bytes: 0, arrived: 0 });
  assert.deepEqual(history.look({ ...now, atMs: 5000 }, bounds).forecast, { kind: 'steady' });
});

test('no more than the samples of an hour are kept (SAMPLES_MAX)', () => {
  const history = new MovementHistory();
  for (let n = 0; n < SAMPLES_MAX * 3; n += 1) history.add({ atMs: n * SAMPLE_MS, messages: n, bytes: n, arrived: n });
  const atMs = SAMPLES_MAX * 3 * SAMPLE_MS;
  assert.ok(history.look({ atMs, messages: 0, bytes: 0, arrived: 0 }, bounds).windowMs <= 3_600_000);
});
