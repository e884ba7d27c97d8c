import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimOf, memoryContent } from '../../../test/support/claims.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { TimelineEntry } from '../../mail/timeline.ts';
import type { AttemptRecord, Claim } from '../queue/port.ts';
import type { Route } from '../routing/port.ts';
import { type AttemptRooms, makeAttempt } from './attempt.ts';

const HOUR = 3_600_000;
const curve = { first: HOUR, factor: 2, longest: 4 * HOUR, expiry: 120 * HOUR, delayNotice: 4 * HOUR };
const settings = {
  jitter: 0,
  urgent: { ...curve, expiry: 24 * HOUR, delayNotice: HOUR },
  normal: curve,
  bulk: curve,
  breaker: { failures: 3, rest: 1000, longest: 5000 },
};
const unreachable: Route = {
  kind: 'deferred',
  reply: { code: 451, detail: '4.3', text: ['the name service does not answer'] },
  reason: 'x',
};
const held: Route = { kind: 'held', reason: 'waits for ETRN' };

/** One attempt at an age, and what it leaves. */
async function attemptAt(age: number, route: Route, change: Partial<Claim> = {}) {
  const clock = new ManualClock();
  const claim: Claim = {
    ...claimOf(['x@far.test'], memoryContent('Subject: x\r\n\r\n')),
    class: 'normal',
    arrivedAtMs: clock.wall() - age,
    expiresAtMs: clock.wall() - age + curve.expiry,
    delayReported: false,
    ...change,
  };
  const records: AttemptRecord[] = [];
  const told: string[] = [];
  const entries: TimelineEntry[] = [];
  const unused = (): never => {
    throw new Error('nobody is to be called');
  };
  const rooms = {
    world: { clock, random: { fraction: () => 0.5 } },
    settings,
    guard: { mayExpire: () => true },
    queue: {
      record: async (_claim: Claim, record: AttemptRecord) => {
        records.push(record);
        return [];
      },
      release: unused,
    },
    router: { belongs: () => true, route: () => Promise.resolve(route), nextHop: () => claim.nextHop },
    courier: { attempt: unused },
    reporter: {
      owed: (_claim: Claim, outcomes: AttemptRecord['outcomes']) => {
        for (const { outcome } of outcomes)
          if (outcome.kind === 'failed') told.push(`failed ${outcome.reply.code} ${outcome.reply.detail}`);
        return Promise.resolve([]);
      },
      delayed: () => {
        told.push('delayed');
        return Promise.resolve([]);
      },
    },
    journal: { emit: () => undefined },
    timeline: { add: (entry: TimelineEntry) => void entries.push(entry) },
  };
  await (await makeAttempt(rooms as unknown as AttemptRooms, claim, false)).recorded;
  return { told, entries, record: records[0] };
}

test('Q184051: mail that waits for ETRN is reported as delayed, and expires like any other', async () => {
  assert.deepEqual((await attemptAt(HOUR, held)).told, []);
  assert.deepEqual((await attemptAt(5 * HOUR, held)).told, ['delayed']);
  assert.deepEqual((await attemptAt(5 * HOUR, held, { delayReported: true })).told, []);
  assert.deepEqual((await attemptAt(121 * HOUR, held)).told, ['failed 451 4.7']);
});

test('Q184051-expiry: delay notice and expiry come by class, also where no attempt was possible or the server was off', async () => {
  for (const route of [held, unreachable]) {
    const late = await attemptAt(5 * HOUR, route);
    assert.deepEqual([late.told, late.record?.delayReported], [['delayed'], true]);
    const ended = await attemptAt(200 * HOUR, route);
    assert.deepEqual(ended.told, ['failed 451 4.7']);
  }
  const urgent = { class: 'urgent' as const };
  assert.deepEqual((await attemptAt(2 * HOUR, unreachable, urgent)).told, ['delayed']);
  assert.deepEqual((await attemptAt(2 * HOUR, unreachable)).told, []);
});

test('Q146669: the timeline of a delivery that ended names no next attempt, that of one that goes on does', async () => {
  const ended = (await attemptAt(121 * HOUR, unreachable)).entries;
  assert.deepEqual(
    ended.map(({ what }) => what),
    ['attempt', 'ended'],
  );
  assert.equal('nextDueMs' in (ended[0] ?? {}), false);
  const goesOn = (await attemptAt(HOUR, unreachable)).entries;
  assert.deepEqual(
    goesOn.map(({ what }) => what),
    ['attempt'],
  );
  assert.equal('nextDueMs' in (goesOn[0] ?? {}), true);
});
