import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../../src/events/fault.ts';
import type { Queue } from '../../src/flow/queue/port.ts';
import type { Disk, DiskFile } from '../../src/world/ports/disk.ts';
import { SimDisk } from '../../src/world/sim/disk.ts';
import { seeded } from './clock.ts';
import { headerBytes, readHeader, recordLength, recordType } from '../../src/flow/queue/log/format.ts';
import { openLog } from './log-queue.ts';
import {
  attempt,
  claimOne,
  deferred,
  delivered,
  failed,
  message,
  octets,
  put,
  recipient,
  T0,
} from './queue-messages.ts';
import { turns, until } from './turns.ts';
import { withOther } from './with-other.ts';

const accepting = (queue: Queue): boolean => queue.condition().accepting;

describe('the log when storage fails', () => {
  it('takes no more deliveries than it may hold, and says so once', async () => {
    const settings = { spaceFloor: 1024 ** 2, spaceResume: 2 * 1024 ** 2, freshCache: 64 * 1024, messagesMax: 2 };
    const { queue, events } = await openLog(new SimDisk({ random: seeded(2) }), { settings });
    await put(queue, 'x');
    await put(queue, 'y');
    const condition = queue.condition();
    assert(!condition.accepting && condition.reply.code === 452);
    assert(!accepting(queue));
    assert.deepEqual(
      events.filter((name) => name === 'queue.full'),
      ['queue.full'],
    );
    await queue.close();
  });

  it('says what it could not do besides keeping mail', async () => {
    const disk = new SimDisk({ random: seeded(3) });
    const blind = withOther(disk, { space: () => Promise.reject(Object.assign(new Error('no'), { code: 'EIO' })) });
    const { queue, events } = await openLog(blind);
    await put(queue, 'x');
    assert(events.includes('storage.maintenance-failed'));
    await queue.close();
  });

  it('refuses mail below the floor, says so once, and takes it again from the higher mark', async () => {
    const disk = new SimDisk({ random: seeded(1), faults: { capacityBytes: 8 * 1024 ** 2 } });
    const { queue, events } = await openLog(disk);
    assert(accepting(queue));
    await put(queue, 'x');
    disk.faults.capacityBytes = 1024 ** 2;
    await until(() => !accepting(queue));
    const condition = queue.condition();
    assert(!condition.accepting && condition.reply.code === 452 && condition.reply.detail === '3.1');
    await assert.rejects(put(queue, 'y'), (error) => error instanceof Fault && error.event === 'queue.not-accepting');
    disk.faults.capacityBytes = 2 * 1024 ** 2;
    await turns(50);
    assert(!accepting(queue), 'between the marks nothing changes');
    disk.faults.capacityBytes = 8 * 1024 ** 2;
    await until(() => accepting(queue));
    await put(queue, 'z');
    assert.deepEqual(
      events.filter((name) => name.startsWith('storage.')),
      ['storage.space-low', 'storage.space-enough'],
    );
    await queue.close();
  });

  it('records outcomes on a full disk, from its reserve', async () => {
    const disk = new SimDisk({ random: seeded(2), faults: { capacityBytes: 8 * 1024 ** 2 } });
    const { queue } = await openLog(disk);
    await turns(50);
    for (let at = 0; at < 20; at += 1) await put(queue, 'x'.repeat(100));
    disk.faults.capacityBytes = 0;
    const claims = await queue.claim('mx:example.com', T0, 20);
    await Promise.all(claims.map((claim) => queue.record(claim, attempt(deferred, claim))));
    await until(() => !accepting(queue));
    const again = await queue.claim('mx:example.com', T0 + 60_000, 20);
    await Promise.all(again.map((claim) => queue.record(claim, attempt(delivered, claim))));
    assert.equal(queue.counts().deliveries, 0);
    disk.faults.capacityBytes = 8 * 1024 ** 2;
    await until(() => accepting(queue));
    await queue.close();
  });

  it('takes mail again after a failed write although no outcome waits to be written', async () => {
    const disk = new SimDisk({ random: seeded(3) });
    const { queue, events } = await openLog(disk);
    disk.faults.failingSyncs = 1;
    await assert.rejects(put(queue, 'refused'), Fault);
    disk.faults.failingSyncs = 0;
    await until(() => accepting(queue));
    await put(queue, 'taken');
    assert(events.includes('storage.works-again'));
    await queue.close();
  });

  it('Q146950: acknowledges nothing more once its files are gone, and says so', async () => {
    const disk = new SimDisk({ random: seeded(3) });
    const { queue, events } = await openLog(disk);
    await put(queue, 'kept in memory');
    const claim = await claimOne(queue);
    for (const name of await disk.list('/queue')) if (name.endsWith('.log')) await disk.unlink(`/queue/${name}`);
    await until(() => events.includes('storage.write-failed'));
    assert.equal(await octets(claim.content), 'kept in memory');
    await queue.record(claim, attempt(delivered, claim));
    await queue.close();
  });

  it('Q226202: a quota on the spool is 452 4.3.1 with an event that names it, and outcomes keep their reserve', async () => {
    const disk = new SimDisk({ random: seeded(9) });
    let over = false;
    const limited = withOther<Disk>(disk, {
      open: async (path, how) => {
        const file = await disk.open(path, how);
        const writev: DiskFile['writev'] = (buffers, position) =>
          over
            ? Promise.reject(Object.assign(new Error('EDQUOT'), { code: 'EDQUOT' }))
            : file.writev(buffers, position);
        return path.endsWith('.log') || path.endsWith('.free') ? withOther<DiskFile>(file, { writev }) : file;
      },
    });
    const told: unknown[] = [];
    const { queue } = await openLog(limited, {
      journal: { emit: (name, data) => void told.push([name, (data as { errno?: string }).errno]) },
    });
    await put(queue, 'x');
    const claim = await claimOne(queue);
    over = true;
    await assert.rejects(put(queue, 'y'), Fault);
    const condition = queue.condition();
    assert(!condition.accepting && condition.reply.code === 452 && condition.reply.detail === '3.1');
    assert.deepEqual(
      told.find((one) => Array.isArray(one) && one[0] === 'storage.write-failed'),
      ['storage.write-failed', 'EDQUOT'],
    );
    const recorded = queue.record(claim, attempt(delivered, claim));
    over = false;
    await recorded;
    await until(() => accepting(queue));
    await queue.close();
  });

  it('keeps outcomes through a failing disk and takes mail again when it works', async () => {
    const disk = new SimDisk({ random: seeded(3) });
    const { queue, events } = await openLog(disk);
    await put(queue, 'kept');
    const claim = await claimOne(queue);
    disk.faults.failingSyncs = 1;
    await assert.rejects(put(queue, 'refused'), Fault);
    const recorded = queue.record(claim, attempt(deferred, claim));
    await until(() => !accepting(queue));
    disk.faults.failingSyncs = 0;
    await recorded;
    await until(() => accepting(queue));
    assert(events.includes('storage.write-failed') && events.includes('storage.works-again'));
    await queue.close();
    const { queue: again } = await openLog(disk);
    assert.deepEqual(
      (await again.list({}, { offset: 0, most: 9, envelopes: true })).map((row) => [
        row.attempts,
        row.recipients?.[0]?.lastReply?.code,
      ]),
      [[1, 451]],
    );
    await again.close();
  });

  it('a power cut in the last batch doubled a report and cried damage where the next segment had been made ready', async () => {
    const disk = new SimDisk({ random: seeded(5) });
    const { queue } = await openLog(disk);
    await put(queue, 'x'.repeat(3900));
    const claim = await claimOne(queue);
    for (let at = 0; at < 6; at += 1) await put(queue, 'y'.repeat(3900));
    const report = message({
      messageId: 'report',
      deliveries: [{ nextHop: 'local', recipients: [recipient('a@example.test')] }],
    });
    await queue.record(claim, {
      ...attempt(failed, claim),
      owed: [{ message: report, content: Buffer.from('failed') }],
    });
    await put(queue, 'z');
    await turns(100);
    const cut = disk.kill();
    const logs = (await cut.list('/queue')).filter((name) => name.endsWith('.log')).sort();
    const last = logs.at(-2) ?? '';
    // The outcome's page was lost, those of its report and of what came with it were not.
    const file = await cut.open(`/queue/${last}`, 'write');
    const bytes = await cut.readFile(`/queue/${last}`);
    for (let at = headerBytes; ; ) {
      const header = readHeader(bytes, at, Number.parseInt(last, 10));
      assert(header !== undefined, 'the outcome is in the segment before the one that was made ready');
      if (header.type === recordType.done) {
        await file.writev([Buffer.alloc(headerBytes)], at);
        break;
      }
      at += recordLength(header);
    }
    for (const opening of ['first', 'second'] as const) {
      const { queue: again, events } = await openLog(cut);
      const rows = await again.list({}, { offset: 0, most: 99, envelopes: true });
      assert.equal(rows.length, 7, `${opening}: all that was there before the batch`);
      assert(
        !rows.some((row) => row.messageId === 'report'),
        `${opening}: no report of a failure that is not recorded`,
      );
      assert(!events.includes('queue.segment-damaged'), `${opening}: nothing is damaged`);
      await again.close();
    }
  });

  it('a large message that was refused came back without its content where its record had reached the disk', async () => {
    const disk = new SimDisk({ random: seeded(6) });
    let failing = false;
    const failure = (): Promise<void> => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }));
    const faulty = withOther<Disk>(disk, {
      open: async (path, how) => {
        const file: DiskFile = await disk.open(path, how);
        const sync = (): Promise<void> => (failing ? failure() : file.sync());
        return path.endsWith('.log') ? withOther<DiskFile>(file, { sync }) : file;
      },
    });
    const { queue } = await openLog(faulty);
    await put(queue, 'x');
    failing = true;
    await assert.rejects(put(queue, 'y'.repeat(9000)), Fault);
    await turns(10);
    const left = disk.kill();
    // A hint would say that the record was never stable; its name is not stable either.
    for (const name of await left.list('/queue')) if (name.endsWith('.hint')) await left.unlink(`/queue/${name}`);
    const { queue: again } = await openLog(left);
    const sizes: number[] = [];
    for (const { queueId } of await again.list({}, { offset: 0, most: 9, envelopes: false })) {
      const content = await again.content(queueId);
      sizes.push(content === undefined ? 0 : (await octets(content)).length);
    }
    assert.deepEqual(
      sizes.sort((a, b) => a - b),
      [1, 9000],
      'a message that may be there is there whole',
    );
    await again.close();
  });

  it('Q174036: refuses a queue that a newer version wrote, naming both', async () => {
    const disk = new SimDisk({ random: seeded(4) });
    await disk.makeDirectory('/queue');
    await disk.replaceFile('/queue/boot', 'format 2\nshard 0\nnext 5\n');
    await assert.rejects(openLog(disk), {
      event: 'queue.format-newer',
      data: { path: '/queue/boot', found: 2, known: 1 },
    });
  });

  it('sets aside a record that is cut off, tells it, and goes on with the rest', async () => {
    const disk = new SimDisk({ random: seeded(6) });
    const { queue } = await openLog(disk);
    await put(queue, 'first', { messageId: 'first' });
    await put(queue, 'y'.repeat(3000), { messageId: 'second' });
    await queue.close();
    for (const name of (await disk.list('/queue')).filter((one) => one.endsWith('.hint')))
      await disk.unlink(`/queue/${name}`);
    const path = `/queue/${(await disk.list('/queue')).filter((one) => one.endsWith('.log')).sort()[0] ?? ''}`;
    const whole = await disk.readFile(path);
    await disk.unlink(path);
    const file = await disk.open(path, 'write');
    await file.writev([whole.subarray(0, whole.indexOf('y'.repeat(100)) + 10)], 0);
    await file.sync();
    const { queue: again, events } = await openLog(disk);
    const rows = await again.list({}, { offset: 0, most: 9, envelopes: true });
    assert.deepEqual(
      rows.map(({ messageId }) => messageId),
      ['first'],
    );
    assert.deepEqual(
      events.filter((name) => name === 'queue.record-cut'),
      ['queue.record-cut'],
    );
    assert.match((await disk.readFile(`${path}.cut`)).toString('latin1'), /y{10}$/);
    await again.close();
  });

  it('reports a damaged sealed segment and reads on behind the damage', async () => {
    const disk = new SimDisk({ random: seeded(5) });
    const { queue } = await openLog(disk);
    for (let at = 0; at < 30; at += 1) await put(queue, 'x'.repeat(2000), { messageId: `m${at}` });
    await queue.close();
    const names = (await disk.list('/queue')).sort();
    for (const name of names.filter((one) => one.endsWith('.hint'))) await disk.unlink(`/queue/${name}`);
    const file = await disk.open(`/queue/${names.filter((one) => one.endsWith('.log'))[1] ?? ''}`, 'write');
    await file.writev([Buffer.from('damage')], 5000);
    const { queue: again, events } = await openLog(disk);
    assert(events.includes('queue.segment-damaged'));
    assert.equal(again.counts().deliveries, 29);
    await again.close();
  });

  it('never hands out a damaged message', async () => {
    const disk = new SimDisk({ random: seeded(6) });
    const { queue } = await openLog(disk);
    await put(queue, 'x'.repeat(2000));
    await queue.close();
    const name = (await disk.list('/queue')).filter((one) => one.endsWith('.log')).sort()[0] ?? '';
    const { queue: again, events } = await openLog(disk);
    await (await disk.open(`/queue/${name}`, 'write')).writev([Buffer.from('damage')], 1000);
    assert.deepEqual(await again.claim('mx:example.com', T0, 1), []);
    assert(events.includes('queue.content-damaged'));
    assert.equal(again.counts().quarantined, 1);
    await again.close();
  });
});
