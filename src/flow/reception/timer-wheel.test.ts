import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StillClock } from '../../../test/support/reception.ts';
import { tickMs, wheelSlots } from './limits.ts';
import { Deadline, TimerWheel } from './timer-wheel.ts';

test('deadlines pass in time: never early, at most a tick and a half late, also those moved and those rounds away', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.integer({ min: 0, max: tickMs * wheelSlots * 3 }),
          fc.option(fc.integer({ min: 0, max: tickMs * wheelSlots * 3 })),
        ),
        {
          maxLength: 40,
        },
      ),
      (plans) => {
        const clock = new StillClock();
        const wheel = new TimerWheel(clock);
        const start = clock.now();
        const passed: number[] = [];
        plans.forEach(([first, second], index) => {
          const deadline = new Deadline(() => passed.push(index, clock.now() - start));
          wheel.set(deadline, start + first);
          if (second !== null) wheel.set(deadline, start + second);
        });
        clock.advance(tickMs * (wheelSlots * 3 + 4));
        assert.equal(passed.length, plans.length * 2);
        for (let at = 0; at < passed.length; at += 2) {
          const [first, second] = plans[passed[at] ?? 0] ?? [0, null];
          const late = (passed[at + 1] ?? 0) - (second ?? first);
          assert.ok(late >= 0 && late <= tickMs * 2, `late by ${late}`);
        }
        assert.equal(wheel.size, 0);
        assert.equal(clock.timers, 0);
      },
    ),
    { numRuns: 60 },
  );
});

test('a forgotten deadline never passes, and one clock timer serves all', () => {
  const clock = new StillClock();
  const wheel = new TimerWheel(clock);
  const deadlines = Array.from({ length: 5000 }, () => new Deadline(() => assert.fail('forgotten')));
  for (const deadline of deadlines) wheel.set(deadline, clock.now() + 10_000);
  assert.equal(clock.timers, 1);
  for (const deadline of deadlines) wheel.forget(deadline);
  assert.equal(clock.timers, 0);
  clock.advance(60_000);
});

test('a process that stood still for an hour handles each deadline once', () => {
  const clock = new StillClock();
  const wheel = new TimerWheel(clock);
  let passed = 0;
  const again = new Deadline(() => {
    passed += 1;
    wheel.set(again, clock.now() + 1000);
  });
  wheel.set(again, clock.now() + 1000);
  clock.advance(10_000);
  assert.ok(passed >= 4 && passed <= 10, String(passed));
});
