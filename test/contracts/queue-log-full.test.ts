import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Queue } from '../../src/flow/queue/port.ts';
import { SimDisk } from '../../src/world/sim/disk.ts';
import { TestClock, seeded } from './clock.ts';
import { openLog } from './log-queue.ts';
import { turns, until } from './turns.ts';
import { attempt, delivered, put, T0 } from './queue-messages.ts';

/** A disk with a queue of so many messages, closed, and no octet left. */
async function filled(seed: number, messages: number): Promise<SimDisk> {
  const disk = new SimDisk({ random: seeded(seed) });
  const { queue } = await openLog(disk);
  await turns(50);
  for (let at = 0; at < messages; at += 1) await put(queue, `${at}`);
  await queue.close();
  disk.faults.capacityBytes = 0;
  return disk;
}

const bootOf = async (disk: SimDisk): Promise<number> =>
  Number(/next (\d+)/.exec((await disk.readFile('/queue/boot')).toString())?.[1]);

function refusesAsFull(queue: Queue): void {
  const condition = queue.condition();
  assert(!condition.accepting && condition.reply.code === 452 && condition.reply.detail === '3.1');
}

describe('the log on a disk that is full at the start', () => {
  it('opens with its reserve: refuses mail, delivers what waits, and records it', async () => {
    let disk = await filled(1, 20);
    const { queue, clock } = await openLog(disk);
    refusesAsFull(queue);
    const claims = await queue.claim('mx:example.com', T0, 20);
    assert.equal(claims.length, 20);
    await Promise.all(claims.map((claim) => queue.record(claim, attempt(delivered, claim))));
    clock.stop();
    disk = disk.crash();
    const again = await openLog(disk);
    assert.equal(again.queue.counts().deliveries, 0);
    await again.queue.close();
  });

  it('begins no delivery where not even a reserve is left, and goes on by itself when there is space', async () => {
    const disk = await filled(2, 3);
    for (const name of await disk.list('/queue')) if (name.endsWith('.free')) await disk.unlink(`/queue/${name}`);
    const { queue, events } = await openLog(disk);
    refusesAsFull(queue);
    assert(events.includes('storage.write-failed'));
    assert.deepEqual([await queue.takeDue(T0, 10), await queue.claim('mx:example.com', T0, 10)], [[], []]);
    assert.equal(queue.nextDueMs(), undefined);
    const due: string[] = [];
    queue.onDue((nextHop) => due.push(nextHop));
    const files = disk.paths.length;
    await turns(500);
    assert(disk.paths.length <= files, 'what could not be made is not left behind');
    disk.faults.capacityBytes = 64 * 1024 ** 2;
    await until(() => queue.condition().accepting);
    assert.deepEqual(due, ['mx:example.com']);
    for (const claim of await queue.claim('mx:example.com', T0, 3))
      await queue.record(claim, attempt(delivered, claim));
    await put(queue, 'taken again');
    assert.equal(queue.counts().deliveries, 1);
    await queue.close();
  });

  it('never counts from the same number twice, whenever a start is cut short', async () => {
    let disk = await filled(3, 1);
    let known = await bootOf(disk);
    for (let operation = 1; operation < 60; operation += 1) {
      const clock = new TestClock();
      const cut = new Promise<void>((resolve) => disk.crashAt(operation, resolve));
      const opened = openLog(disk, {}, clock);
      opened.catch(() => undefined);
      await Promise.race([cut, opened.then(() => turns(100))]);
      clock.stop();
      disk = disk.crash();
      const next = await bootOf(disk);
      assert(next >= known, `${next} after ${known}`);
      known = next;
      const { queue, clock: other } = await openLog(disk);
      const after = await bootOf(disk);
      assert(after > known, `${after} after ${known}`);
      known = after;
      other.stop();
      assert.equal(queue.counts().deliveries, 1);
      disk = disk.crash();
    }
  });
});
