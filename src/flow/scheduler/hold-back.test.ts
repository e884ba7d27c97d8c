import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimOf, memoryContent } from '../../../test/support/claims.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { Claim, QueueFilter } from '../queue/port.ts';
import type { AttemptRooms } from './attempt.ts';
import { HoldBack } from './hold-back.ts';
import { limits } from './limits.ts';

const HOUR = 3_600_000;

function stage(claims: (nextHop: string) => readonly Claim[]) {
  const clock = new ManualClock();
  const released: number[] = [];
  const retried: QueueFilter[] = [];
  const rooms = {
    world: { clock },
    settings: { normal: { delayNotice: 4 * HOUR } },
    queue: {
      claim: async (nextHop: string) => claims(nextHop),
      release: (_claim: Claim, dueAtMs: number) => void released.push(dueAtMs),
      retryNow: async (filter: QueueFilter) => retried.push(filter),
    },
  } as unknown as AttemptRooms; // what is put off asks for no more
  return { clock, released, retried, heldBack: new HoldBack(() => rooms) };
}

const claimFor = (clock: ManualClock, change: Partial<Claim> = {}): Claim => ({
  ...claimOf(['x@far.test'], memoryContent('Subject: x\r\n\r\n')),
  class: 'normal',
  arrivedAtMs: clock.wall(),
  expiresAtMs: clock.wall() + 120 * HOUR,
  delayReported: false,
  ...change,
});

test('what leaves is held back, what stays here is not; everything is everything', async () => {
  const { heldBack } = stage(() => []);
  assert.ok(!heldBack.holds('mx:far.test'));
  await heldBack.use('leaving');
  for (const nextHop of ['mx:far.test', 'host:smart', 'held:far.test']) assert.ok(heldBack.holds(nextHop), nextHop);
  for (const nextHop of ['local', 'lmtp:store', 'expanded']) assert.ok(!heldBack.holds(nextHop), nextHop);
  await heldBack.use('everything');
  assert.ok(heldBack.holds('local'));
});

test('mail that is held back is due at its next clock: the notice of a delay, then its expiry', async () => {
  const known: Claim[] = [];
  const { clock, released, heldBack } = stage(() => known.splice(0));
  await heldBack.use('leaving');
  known.push(claimFor(clock), claimFor(clock, { delayReported: true }));
  await heldBack.look('mx:far.test');
  assert.deepEqual(released, [clock.wall() + 4 * HOUR, clock.wall() + 120 * HOUR]);
});

test('mail that is looked at while the order ends is due at once', async () => {
  const { clock, released, heldBack } = stage(() => {
    void heldBack.use('nothing');
    return [claimFor(clock)];
  });
  await heldBack.use('leaving');
  await heldBack.look('mx:far.test');
  assert.deepEqual(released, [clock.wall()]);
});

test('at the end of an order exactly what was put off becomes due; beyond the remembered next hops all mail does', async () => {
  const { clock, retried, heldBack } = stage(() => [claimFor(clock)]);
  await heldBack.use('everything');
  await heldBack.look('mx:far.test');
  await heldBack.look('local');
  assert.deepEqual(await heldBack.use('leaving'), ['local']);
  assert.deepEqual(await heldBack.use('nothing'), ['mx:far.test']);
  assert.deepEqual(retried, [{ nextHop: 'local' }, { nextHop: 'mx:far.test' }]);
  await heldBack.use('leaving');
  for (let n = 0; n <= limits.rememberedNextHopsMax; n += 1) await heldBack.look(`mx:d${n}.test`);
  assert.equal(await heldBack.use('nothing'), 'all');
  assert.deepEqual(retried.at(-1), {});
});
