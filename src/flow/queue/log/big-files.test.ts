import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Disk } from '../../../world/ports/disk.ts';
import { queueLimits } from '../limits.ts';
import { BigFiles } from './big-files.ts';

const KB = 1024;

/** A disk that takes everything, and the sizes of the writes that it saw. */
function scene(): { files: BigFiles; writes: number[]; turn: () => Promise<void> } {
  const writes: number[] = [];
  const file = {
    path: '/big/1',
    writev: (buffers: readonly Buffer[]) => {
      const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
      writes.push(bytes);
      return Promise.resolve(bytes);
    },
    sync: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const disk = {
    open: () => Promise.resolve(file),
    syncDirectory: () => Promise.resolve(),
    unlink: () => Promise.resolve(),
  } as unknown as Disk;
  return { files: new BigFiles(disk, '/big'), writes, turn: () => new Promise((resolve) => setImmediate(resolve)) };
}

test('pieces of a content are written together, and the last ones when it is complete', async () => {
  const { files, writes, turn } = scene();
  const big = files.begin(1, () => undefined);
  for (let at = 0; at < 5; at += 1) {
    big.write(Buffer.alloc(32 * KB));
    await turn();
  }
  assert.deepEqual(writes, [64 * KB, 64 * KB]);
  assert.ok(!big.full, 'whoever waits for more is not full');
  await big.finish();
  assert.deepEqual(writes, [64 * KB, 64 * KB, 32 * KB]);
  assert.equal(files.gatheredBytes, 0);
});

test('where too much waits to be written together, each piece is written as it comes', async () => {
  const { files, writes, turn } = scene();
  const slow = Array.from({ length: queueLimits.gatheredBytesMax / (32 * KB) }, (_, id) => {
    const big = files.begin(id, () => undefined);
    big.write(Buffer.alloc(32 * KB));
    return big;
  });
  await turn();
  assert.deepEqual(writes, []);
  const one = files.begin(9999, () => undefined);
  one.write(Buffer.alloc(KB));
  await turn();
  assert.deepEqual(writes, [KB]);
  for (const big of [...slow, one]) big.abandon();
  assert.equal(files.gatheredBytes, 0);
});
