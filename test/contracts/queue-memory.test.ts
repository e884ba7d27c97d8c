import { openMemoryQueue } from '../../src/flow/queue/memory/engine.ts';
import { TestClock } from './clock.ts';
import { queueContract } from './queue.ts';

queueContract('memory', async () => {
  const queue = openMemoryQueue({ world: { clock: new TestClock() }, shard: 0 });
  return { queue, end: () => queue.close() };
});
