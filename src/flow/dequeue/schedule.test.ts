import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RETRY_FIRST_MS, RETRY_MAX_MS, USUAL_EVERY_MS } from './limits.ts';
import { intervalOf, nextTimeOfDay, retryWait } from './schedule.ts';

const local = (hour: number, minute: number, day = 10): number => new Date(2026, 5, day, hour, minute).getTime();

test('the next time of day is the first one after now, today or tomorrow', () => {
  assert.equal(nextTimeOfDay(['06:30', '18:00'], local(6, 29)), local(6, 30));
  assert.equal(nextTimeOfDay(['18:00', '06:30'], local(6, 30)), local(18, 0));
  assert.equal(nextTimeOfDay(['06:30', '18:00'], local(18, 0)), local(6, 30, 11));
  assert.equal(nextTimeOfDay([], local(6, 30)), undefined);
});

test('it comes within two days, on every day of the year', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
      fc.integer({ min: 0, max: 23 }),
      (now, h) => {
        const next = nextTimeOfDay([`${`${h}`.padStart(2, '0')}:15`], now) ?? 0;
        assert.ok(next > now && next - now <= 49 * 3_600_000);
      },
    ),
  );
});

test('without a schedule it is every quarter of an hour; times of day alone have no interval', () => {
  assert.equal(intervalOf({}), USUAL_EVERY_MS);
  assert.equal(intervalOf({ at: ['06:30'] }), undefined);
  assert.equal(intervalOf({ every: 5000, at: ['06:30'] }), 5000);
});

test('failed runs are made again soon, then less and less often', () => {
  assert.deepEqual([1, 2, 3, 7, 100].map(retryWait), [
    RETRY_FIRST_MS,
    2 * RETRY_FIRST_MS,
    4 * RETRY_FIRST_MS,
    RETRY_MAX_MS,
    RETRY_MAX_MS,
  ]);
});
