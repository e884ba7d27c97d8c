import { SimDisk } from '../../src/world/sim/disk.ts';
import { seeded } from './clock.ts';
import { openLog } from './log-queue.ts';
import { queueContract } from './queue.ts';

queueContract('log on a simulated disk', async () => {
  const disk = new SimDisk({ random: seeded(1), faults: { shortWrites: 0.3 } });
  let { queue } = await openLog(disk);
  return {
    queue,
    reopen: async () => {
      await queue.close();
      ({ queue } = await openLog(disk));
      return queue;
    },
    end: () => queue.close(),
  };
});

queueContract('log without a cache of fresh content', async () => {
  const disk = new SimDisk({ random: seeded(2) });
  const settings = { spaceFloor: 1024 ** 2, spaceResume: 2 * 1024 ** 2, freshCache: 0, messagesMax: 1_000_000 };
  const { queue } = await openLog(disk, { settings });
  return { queue, end: () => queue.close() };
});
