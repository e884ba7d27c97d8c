import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '../../src/world/node/disk.ts';
import { openLog } from './log-queue.ts';
import { queueContract } from './queue.ts';

queueContract('log on a real directory', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ims-queue-'));
  let { queue } = await openLog(nodeDisk, { directory });
  return {
    queue,
    reopen: async () => {
      await queue.close();
      ({ queue } = await openLog(nodeDisk, { directory }));
      return queue;
    },
    end: async () => {
      await queue.close();
      rmSync(directory, { recursive: true });
    },
  };
});
