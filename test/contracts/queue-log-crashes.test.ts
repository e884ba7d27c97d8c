import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimDisk } from '../../src/world/sim/disk.ts';
import { seeded } from './clock.ts';
import { openLog, smallGeometry } from './log-queue.ts';
import { attempt, claimOne, deferred, delivered, octets, put, recipient, T0 } from './queue-messages.ts';

describe('the log as a ring', () => {
  it('uses its segments again and keeps what still lives', async () => {
    const disk = new SimDisk({ random: seeded(7) });
    const { queue } = await openLog(disk);
    await put(queue, 'stays', {
      messageId: 'stays',
      dueAtMs: T0 - 1,
      deliveries: [{ nextHop: 'local', recipients: [recipient('a@b.test'), recipient('c@b.test')] }],
    });
    const first = await claimOne(queue, 'local');
    await queue.record(first, attempt([delivered, deferred], first));
    for (let at = 0; at < 400; at += 1) {
      await put(queue, 'x'.repeat(3000));
      const claim = await claimOne(queue);
      void queue.record(claim, attempt(delivered, claim));
    }
    const logs = (await disk.list('/queue')).filter((name) => name.endsWith('.log'));
    assert(logs.length * smallGeometry.segmentBytes < 12 * smallGeometry.segmentBytes, `${logs.length} segments`);
    await queue.close();
    const { queue: again } = await openLog(disk);
    const claim = await claimOne(again, 'local', T0 + 60_000);
    assert.deepEqual([claim.recipients.map((one) => one.index), await octets(claim.content)], [[1], 'stays']);
    await again.close();
  });
});

describe('deliveries that were in work at a crash', () => {
  const many = async (disk: SimDisk, count: number): Promise<void> => {
    const { queue, clock } = await openLog(disk);
    for (let at = 0; at < count; at += 1) await put(queue, `${at}`);
    assert.equal((await queue.claim('mx:example.com', T0, count)).length, count);
    clock.stop();
  };

  /** The queue after two crashes: one with so many in work, one with the first of them and another. */
  const afterTwo = async (seed: number, count: number): Promise<Awaited<ReturnType<typeof openLog>>> => {
    const disk = new SimDisk({ random: seeded(seed) });
    await many(disk, count);
    const between = disk.kill();
    const second = await openLog(between, { previousEnd: 'crashed' });
    await put(second.queue, 'other', { deliveries: [{ nextHop: 'local', recipients: [recipient('a@b.test')] }] });
    await claimOne(second.queue);
    await claimOne(second.queue, 'local');
    second.clock.stop();
    return openLog(between.kill(), { previousEnd: 'crashed' });
  };

  it('are offered one at a time after a crash of the worker', async () => {
    let disk = new SimDisk({ random: seeded(8) });
    await many(disk, 3);
    disk = disk.kill();
    const { queue, events } = await openLog(disk, { previousEnd: 'crashed' });
    assert(events.includes('queue.suspects-found'));
    for (let at = 0; at < 3; at += 1) {
      const claims = await queue.claim('mx:example.com', T0, 10);
      assert.equal(claims.length, 1);
      assert.deepEqual(await queue.claim('mx:example.com', T0, 10), []);
      if (claims[0] !== undefined) await queue.record(claims[0], attempt(delivered, claims[0]));
    }
    assert.equal(queue.counts().deliveries, 0);
    await queue.close();
  });

  it('are not suspected after a kill from outside', async () => {
    let disk = new SimDisk({ random: seeded(9) });
    await many(disk, 3);
    disk = disk.kill();
    const { queue } = await openLog(disk, { previousEnd: 'killed' });
    assert.equal((await queue.claim('mx:example.com', T0, 10)).length, 3);
    await queue.close();
  });

  it('are quarantined when one was alone in work in two crashes', async () => {
    let disk = new SimDisk({ random: seeded(10) });
    await many(disk, 1);
    for (const expected of [0, 1]) {
      disk = disk.kill();
      const { queue, clock, events } = await openLog(disk, { previousEnd: 'crashed' });
      assert.equal(queue.counts().quarantined, expected);
      assert.equal((await queue.claim('mx:example.com', T0, 10)).length, 1 - expected);
      if (expected === 0) {
        clock.stop();
        continue;
      }
      assert(events.includes('queue.delivery-quarantined'));
      assert.equal(await queue.resume({}), 1);
      await claimOne(queue);
      await queue.close();
    }
  });

  it('are tried while nothing else is in work when they were in two crashes', async () => {
    const { queue } = await afterTwo(11, 2);
    for (let left = queue.counts().deliveries; left > 0; left -= 1) {
      const hops = await queue.takeDue(T0 + 1, 10);
      const claims = (await Promise.all(hops.map((nextHop) => queue.claim(nextHop, T0 + 1, 10)))).flat();
      assert(claims.length >= 1, 'somebody is next');
      assert.equal(claims.length, 1);
      if (claims[0] !== undefined) await queue.record(claims[0], attempt(delivered, claims[0]));
      for (const nextHop of hops) queue.rearm(nextHop, T0);
    }
    assert.equal(queue.counts().deliveries, 0);
    await queue.close();
  });

  it('wait while their next hop rests, also one that is tried alone', async () => {
    const { queue } = await afterTwo(12, 1);
    const [nextHop] = await queue.takeDue(T0 + 1, 10);
    assert(nextHop !== undefined);
    queue.rearm(nextHop, T0 + 5_000);
    assert.deepEqual(await queue.takeDue(T0 + 1, 10), []);
    assert.equal(queue.nextDueMs(), T0 + 5_000);
    assert.deepEqual(await queue.takeDue(T0 + 5_000, 10), [nextHop]);
    await queue.close();
  });
});
