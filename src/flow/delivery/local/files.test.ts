import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirectorySyncs } from './files.ts';

test('deliveries that wait at the same time share a directory sync that begins after they came', async () => {
  const ends: (() => void)[] = [];
  const syncs = new DirectorySyncs({ syncDirectory: () => new Promise((resolve) => ends.push(resolve)) });
  let done = 0;
  const count = (): void => {
    done += 1;
  };
  const first = syncs.sync('/a').then(count);
  const others = [1, 2, 3].map(() => syncs.sync('/a').then(count));
  const elsewhere = syncs.sync('/b').then(count);
  assert.equal(ends.length, 2);
  ends[0]?.();
  await first;
  assert.equal(done, 1);
  await Promise.resolve();
  assert.equal(ends.length, 3);
  ends[1]?.();
  ends[2]?.();
  await Promise.all([...others, elsewhere]);
  assert.equal(done, 5);
});

test('a sync that fails fails those who waited for it and nobody after', async () => {
  let fail = true;
  const syncs = new DirectorySyncs({
    syncDirectory: async () => {
      if (fail) throw new Error('EIO');
    },
  });
  await assert.rejects(syncs.sync('/a'));
  fail = false;
  await syncs.sync('/a');
});
