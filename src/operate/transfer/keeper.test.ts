import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryJournal } from '../../../test/support/claims.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { SimDisk } from '../../world/sim/disk.ts';
import type { Workers } from '../actions/context.ts';
import { TransferKeeper } from './keeper.ts';
import { REMIND_MS, REPEAT_MS } from './limits.ts';
import { readTransfer, transferPath } from './state.ts';

const DATA = '/srv/ims';

async function stage() {
  const disk = new SimDisk({ random: { fraction: () => 0.5 } });
  await disk.makeDirectory(DATA);
  const clock = new ManualClock();
  const journal = memoryJournal();
  const parts = new Map<string, string>();
  const told: string[] = [];
  const deaf = new Set<number>();
  const workers = {
    call: async (name: string, { state }: { state?: { mode: string } }) =>
      [0, 1].map((worker) => {
        if (name === 'queue.counts') return { worker, ok: true, result: { messages: 2 } };
        if (deaf.has(worker)) return { worker, ok: false, why: 'is starting' };
        told.push(`${worker} ${state?.mode}`);
        return { worker, ok: true, result: null };
      }),
  } as unknown as Workers; // the calls that the keeper makes
  const keeper = (): TransferKeeper =>
    new TransferKeeper({
      disk,
      clock,
      journal,
      workers,
      data: () => DATA,
      board: { set: ({ part, cause = '' }) => parts.set(part, cause), drop: (part) => parts.delete(part) },
    });
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 20; n += 1) await new Promise(setImmediate);
  };
  return { disk, clock, journal, parts, told, deaf, keeper, settle };
}

test('Q146298: an order is told at its entry, every hour while it lasts, and at its end (events 3860, 3861, 2860)', async () => {
  const { clock, journal, keeper, settle, parts } = await stage();
  const one = keeper();
  await one.start(clock.wall());
  await one.order('none', undefined, 'a move');
  await one.order('none', undefined, 'a long move');
  assert.deepEqual(journal.names, ['transfer.limited']);
  assert.deepEqual([...parts.keys()], ['transfer in', 'transfer out']);
  for (let hour = 1; hour <= 3; hour += 1) {
    clock.advance(REMIND_MS - 1);
    await settle();
    assert.equal(journal.names.length, hour);
    clock.advance(1);
    await settle();
    assert.equal(journal.names.filter((name) => name === 'transfer.still-limited').length, hour);
  }
  // The operator process alone starts again: nothing has changed, nothing is told.
  one.stop();
  const next = keeper();
  await next.start(clock.wall() - 10 * REMIND_MS);
  await settle();
  assert.equal(journal.names.length, 4);
  await next.order('both', undefined, '');
  assert.equal(journal.names.at(-1), 'transfer.whole');
  assert.deepEqual([...parts.keys()], []);
  clock.advance(5 * REMIND_MS);
  await settle();
  assert.equal(journal.names.length, 5);
});

test('an order for a time ends at it, also where nobody ran at that moment', async () => {
  const { clock, journal, keeper, disk, settle } = await stage();
  const one = keeper();
  await one.order('out', 60_000, '');
  clock.advance(60_000);
  await settle();
  assert.equal(journal.names.at(-1), 'transfer.whole');
  await one.order('in', 60_000, '');
  one.stop();
  clock.advance(3_600_000);
  const next = keeper();
  await next.start(clock.wall());
  await settle();
  assert.equal(journal.names.at(-1), 'transfer.whole');
  assert.equal((await readTransfer(disk, DATA)).state.mode, 'both');
});

test('a worker that does not hear an order is told again', async () => {
  const { clock, keeper, told, deaf, settle } = await stage();
  deaf.add(1);
  const { missing } = await keeper().order('out', undefined, '');
  assert.deepEqual(missing, ['worker 1: is starting']);
  deaf.clear();
  clock.advance(REPEAT_MS);
  await settle();
  assert.ok(told.includes('1 out'));
});

test('a kept mode that cannot be read is told, and mail is taken and sent (event 3862)', async () => {
  const { clock, keeper, disk, journal } = await stage();
  await disk.replaceFile(transferPath(DATA), '{"format":1,"mode":"sideways"}');
  const one = keeper();
  await one.start(clock.wall());
  assert.deepEqual(journal.names, ['transfer.file-unreadable']);
  assert.equal(one.state.mode, 'both');
});
