import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { equalShare, LeaseTable } from './leases.ts';

/** Workers that hold shares and use some of them. */
function scene(workers: number, limit: number) {
  const share = Array.from({ length: workers }, () => equalShare(limit, workers));
  const used = share.map(() => 0);
  const table = new LeaseTable(workers, async (worker, _key, wanted) => {
    const given = Math.min(wanted, (share[worker] ?? 0) - (used[worker] ?? 0));
    share[worker] = (share[worker] ?? 0) - given;
    return given;
  });
  const ask = async (worker: number, wanted: number): Promise<number> => {
    const granted = await table.more(worker, 'key', limit, wanted);
    share[worker] = (share[worker] ?? 0) + granted;
    return granted;
  };
  return { share, used, ask, table };
}

test('what the equal shares leave over is lent first', async () => {
  const { share, ask } = scene(3, 20);
  assert.equal(await ask(0, 5), 5);
  assert.equal(
    share.reduce((a, b) => a + b),
    20,
  );
});

test('one connection for two workers is held by one of them at a time', async () => {
  const { share, used, ask } = scene(2, 1);
  assert.equal(await ask(0, 1), 1);
  used[0] = 1;
  assert.equal(await ask(1, 1), 0);
  used[0] = 0;
  assert.equal(await ask(1, 1), 1);
  assert.deepEqual(share, [0, 1]);
});

test('the sum of the shares never exceeds the limit, whoever asks when', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 20 }), fc.double({ min: 0, max: 1, noNaN: true })), {
        maxLength: 40,
      }),
      async (workers, limit, steps) => {
        const { share, used, ask } = scene(workers, limit);
        for (const [who, wanted, load] of steps) {
          const worker = who % workers;
          used[worker] = Math.floor((share[worker] ?? 0) * load);
          await Promise.all([ask(worker, wanted), ask((worker + 1) % workers, wanted)]);
          assert.ok(share.reduce((a, b) => a + b, 0) <= limit);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a worker that starts anew holds what it had left, not the equal share that others have borrowed', async () => {
  const { ask, table } = scene(2, 10);
  assert.equal(await ask(0, 5), 5);
  assert.equal(table.sharesAtStart(1).get('key'), 0);
});
