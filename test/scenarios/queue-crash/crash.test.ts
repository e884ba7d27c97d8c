import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SimDiskFaults } from '../../../src/world/sim/disk.ts';
import { SimDisk } from '../../../src/world/sim/disk.ts';
import { seeded, TestClock } from '../../contracts/clock.ts';
import type { OpenedLog } from '../../contracts/log-queue.ts';
import { openLog } from '../../contracts/log-queue.ts';
import { Ledger } from './ledger.ts';

const WORKERS = 6;
const GENERATIONS = 4;

interface Run {
  readonly wrong: readonly string[];
  readonly acknowledged: number;
}

/** One machine through several crashes, each at a moment that the seed decides; after each everything promised is looked for. */
async function crashes(seed: number, faults: Partial<SimDiskFaults>, how: 'power' | 'kill' = 'power'): Promise<Run> {
  const random = seeded(seed);
  const ledger = new Ledger(() => random.fraction());
  let disk = new SimDisk({ random, faults });
  const wrong: string[] = [];
  for (let generation = 0; generation < GENERATIONS; generation += 1) {
    const crashed = new Promise<void>((resolve) => disk.crashAt(1 + Math.floor(random.fraction() * 700), resolve));
    let over = false;
    void crashed.then(() => {
      over = true;
    });
    const clocks: TestClock[] = [];
    void live(disk, ledger, clocks, () => over);
    await crashed;
    // The machine is off: what its queues still wait for never comes.
    over = true;
    for (const clock of clocks) clock.stop();
    disk = how === 'power' ? disk.crash() : disk.kill();
    const checked = await openLog(disk).catch((error: unknown) => error);
    if (checked instanceof Error) {
      wrong.push(`seed ${seed} generation ${generation}: cannot be opened: ${checked.message}`);
      break;
    }
    const { queue, clock } = checked as OpenedLog;
    wrong.push(...(await ledger.check(queue)).map((what) => `seed ${seed} generation ${generation}: ${what}`));
    await queue.close();
    clock.stop();
    Object.assign(disk.faults, faults);
  }
  return { wrong, acknowledged: ledger.acknowledged };
}

/** Opens the queue, again where that fails, and works on it. */
async function live(disk: SimDisk, ledger: Ledger, clocks: TestClock[], over: () => boolean): Promise<void> {
  while (!over()) {
    const clock = new TestClock();
    clocks.push(clock);
    try {
      const { queue } = await openLog(disk, {}, clock);
      await Promise.all(Array.from({ length: WORKERS }, () => ledger.work(queue, over)));
    } catch {
      clock.stop();
    }
  }
}

async function many(seeds: number, faults: Partial<SimDiskFaults>, how?: 'power' | 'kill'): Promise<Run> {
  const wrong: string[] = [];
  let acknowledged = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const run = await crashes(seed, faults, how);
    wrong.push(...run.wrong);
    acknowledged += run.acknowledged;
  }
  return { wrong, acknowledged };
}

describe('a queue on a disk that crashes', () => {
  it('keeps every promise over power cuts', async () => {
    const { wrong, acknowledged } = await many(40, {});
    assert.deepEqual(wrong, []);
    assert(acknowledged > 1000, `${acknowledged} acknowledged`);
  });

  it('keeps every promise when writes are short, and writes and syncs fail', async () => {
    const { wrong } = await many(30, { shortWrites: 0.2, failingWrites: 0.01, failingSyncs: 0.01 });
    assert.deepEqual(wrong, []);
  });

  it('keeps every promise when only the process is killed', async () => {
    const { wrong } = await many(15, {}, 'kill');
    assert.deepEqual(wrong, []);
  });

  it('is caught where syncs are left out', async () => {
    const { wrong } = await many(5, { lyingSyncs: true });
    assert(
      wrong.some((what) => what.includes('lost')),
      'the control finds nothing',
    );
  });
});
