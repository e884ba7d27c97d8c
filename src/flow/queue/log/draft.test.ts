import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimDisk } from '../../../world/sim/disk.ts';
import { queueLimits } from '../limits.ts';
import { BigFiles } from './big-files.ts';
import { BodyMemory } from './body-memory.ts';
import { LogDraft } from './draft.ts';

const world = async (maxBytes: number): Promise<{ memory: BodyMemory; draft: () => LogDraft; disk: SimDisk }> => {
  const disk = new SimDisk({ random: { fraction: () => 0.5 } });
  await disk.makeDirectory('/big');
  const memory = new BodyMemory(maxBytes);
  const big = new BigFiles(disk, '/big');
  let id = 0;
  const draft = (): LogDraft =>
    new LogDraft({
      memory,
      big,
      inlineBytes: queueLimits.inlineBytes,
      nextId: () => (id += 1),
      commit: async (_message, body) => {
        await body.big?.finish();
        return `${body.sizeBytes}`;
      },
    });
  return { memory, draft, disk };
};

describe('a draft', () => {
  it('keeps small content in memory and copies tiny chunks together', async () => {
    const { draft, memory } = await world(1024 ** 2);
    const one = draft();
    for (let at = 0; at < 5000; at += 1) assert(one.write(Buffer.from('x')));
    assert.equal(Buffer.concat(one.inMemory ?? []).toString(), 'x'.repeat(5000));
    assert((one.inMemory?.length ?? 0) < 5);
    one.discard();
    assert.equal(memory.usedBytes, 0);
  });

  it('asks its writer to wait for the disk, and holds a bounded number of octets', async () => {
    const { draft, memory } = await world(1024 ** 2);
    const one = draft();
    let waits = 0;
    for (let at = 0; at < 400; at += 1) {
      if (one.write(Buffer.alloc(32 * 1024, at))) continue;
      waits += 1;
      await new Promise<void>((resolve) => one.drained(() => resolve()));
    }
    assert(waits > 100, `${waits} waits`);
    assert.equal(memory.usedBytes, 0);
    assert.equal(one.inMemory, undefined);
    assert.equal(await one.commit({} as Parameters<LogDraft['commit']>[0]), String(400 * 32 * 1024));
  });

  it('goes to its file at once where all drafts together have no memory left', async () => {
    const { draft, memory, disk } = await world(10_000);
    const first = draft();
    first.write(Buffer.alloc(9000));
    const second = draft();
    second.write(Buffer.alloc(2000));
    assert.equal(second.inMemory, undefined);
    assert.equal(memory.usedBytes, 9000);
    first.discard();
    second.discard();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await disk.list('/big'), []);
  });

  it('tells its writer when the disk fails', async () => {
    const { draft, disk } = await world(0);
    disk.faults.failingWrites = 1;
    const one = draft();
    one.write(Buffer.alloc(100_000));
    const error = await new Promise((resolve) => one.drained(resolve));
    assert(error instanceof Error);
    await assert.rejects(one.commit({} as Parameters<LogDraft['commit']>[0]));
  });
});
