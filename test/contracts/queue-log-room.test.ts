/** The log on a file system that has no room: what it gives back, and what it does not begin. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../../src/events/fault.ts';
import { queueLimits } from '../../src/flow/queue/limits.ts';
import type { Queue } from '../../src/flow/queue/port.ts';
import { SimDisk } from '../../src/world/sim/disk.ts';
import { seeded } from './clock.ts';
import { openLog } from './log-queue.ts';
import { attempt, claimOne, delivered, put } from './queue-messages.ts';
import { until } from './turns.ts';
import { withOther } from './with-other.ts';

const accepting = (queue: Queue): boolean => queue.condition().accepting;

describe('the log where there is no room', () => {
  it('gives its own empty segments back where the disk is full at a start, and says so (queue.room-made)', async () => {
    const disk = new SimDisk({ random: seeded(7), faults: { capacityBytes: 8 * 1024 ** 2 } });
    const first = await openLog(disk);
    await put(first.queue, 'kept');
    await until(() => disk.paths.filter((path) => path.endsWith('.free')).length > 1);
    await first.queue.close();
    // The reserve serves as it is, unless a file must be made anew.
    await disk.unlink('/queue/work');
    disk.faults.capacityBytes = disk.usedBytes;
    const second = await openLog(disk);
    assert(second.events.includes('queue.room-made'));
    assert.equal(second.queue.counts().messages, 1);
    assert(!accepting(second.queue));
    disk.faults.capacityBytes = 8 * 1024 ** 2;
    await second.queue.close();
    for (const path of disk.paths.filter((one) => one.endsWith('.free'))) await disk.unlink(path);
    await disk.unlink('/queue/work');
    disk.faults.capacityBytes = disk.usedBytes;
    await assert.rejects(openLog(disk), (error) => error instanceof Fault && error.event === 'storage.write-failed');
  });

  it('delivers from a full disk although no mark of the work can be written', async () => {
    const disk = new SimDisk({ random: seeded(9) });
    const full = withOther(disk, {
      open: async (path: string, how: 'create' | 'write' | 'read') => {
        const file = await disk.open(path, how);
        if (!path.endsWith('/work')) return file;
        return withOther(file, {
          writeNow: () => {
            throw Object.assign(new Error('full'), { code: 'ENOSPC' });
          },
        });
      },
    });
    const { queue } = await openLog(full);
    await put(queue, 'x');
    const claim = await claimOne(queue);
    await queue.record(claim, attempt(delivered, claim));
    assert.equal(queue.counts().messages, 0);
    await queue.close();
  });

  it('looks at the space more often while nothing is allocated ahead', async () => {
    const faults = { capacityBytes: 30 * 1024 };
    const settings = { spaceFloor: 1024, spaceResume: 2048, freshCache: 64 * 1024, messagesMax: 1_000_000 };
    const disk = new SimDisk({ random: seeded(10), faults });
    const { queue, clock, events } = await openLog(disk, { settings });
    await until(() => events.includes('storage.maintenance-failed'));
    assert(accepting(queue));
    disk.faults.capacityBytes = disk.usedBytes;
    const before = clock.now();
    await until(() => !accepting(queue));
    assert(clock.now() - before <= 2 * queueLimits.spaceScarceMs);
    await queue.close();
  });

  it('allocates no segment ahead that does not fit, and leaves no part of one', async () => {
    const disk = new SimDisk({ random: seeded(8), faults: { capacityBytes: 24 * 1024 } });
    const { queue, events } = await openLog(disk);
    await until(() => events.includes('storage.maintenance-failed'));
    assert.deepEqual(
      disk.paths.filter((path) => path.endsWith('.free')),
      [],
    );
    await queue.close();
  });
});
