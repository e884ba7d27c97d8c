import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { pretendedHost } from '../../../test/support/pretended-host.ts';
import { defineCheck, type Check } from './check.ts';
import type { Condition } from './condition.ts';
import { conditionStore } from './condition-store.ts';
import { startExaminer, type Examiner } from './examiner.ts';
import { examiner as limits } from './limits.ts';
import { healthy, unhealthy, unknown, type Verdict } from './verdict.ts';

const bad = unhealthy('It is bad.', { cure: 'mend it', event: 4007, repair: 'a.mend' }, []);

class Stage {
  readonly clock = new ManualClock();
  readonly told: string[] = [];
  looks = 0;
  verdict: Verdict = healthy();
  busy = false;
  stored: readonly Condition[] = [];
  mayWrite = true;
  readonly examiner: Examiner;

  constructor(cost: 'host' | 'network' = 'host', stored: readonly Condition[] = [], everyMs?: number) {
    this.stored = stored;
    this.examiner = startExaminer({
      checks: [{ ...this.#check(cost), ...(everyMs === undefined ? {} : { everyMs }) }],
      makeParts: async () => ({ host: pretendedHost({}) }),
      store: {
        load: async () => this.stored,
        save: async (conditions) => {
          if (this.mayWrite) this.stored = conditions;
          return this.mayWrite;
        },
      },
      clock: this.clock,
      journal: { emit: (name, data) => void this.told.push(`${name} ${'check' in data ? data.check : ''}`) },
      settings: () => ({ every: 300_000, networkEvery: 900_000 }),
      busy: async () => this.busy,
    });
  }

  #check(cost: 'host' | 'network'): Check {
    const look = (): Verdict => {
      this.looks += 1;
      return this.verdict;
    };
    return defineCheck({ id: 'a.a', number: 1, title: 'a', why: 'a', needs: ['host'], after: [], cost, look });
  }

  /** Lets time pass in steps, so that what follows a timer happens before the next one. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left >= 0; left -= 500) {
      await new Promise((resolve) => setImmediate(resolve));
      this.clock.advance(Math.min(left, 500));
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test('the first look comes some seconds after the start, and waits while workers start', async () => {
  const stage = new Stage();
  stage.busy = true;
  await stage.pass(limits.firstMs + limits.busyMs);
  assert.equal(stage.looks, 0);
  stage.busy = false;
  await stage.pass(limits.busyMs + 1000);
  assert.equal(stage.looks, 1);
  stage.examiner.stop();
});

test('a service whose workers do not come up is examined all the same', async () => {
  const stage = new Stage();
  stage.busy = true;
  await stage.pass(limits.busyMsMax + limits.busyMs + 1000);
  assert.equal(stage.looks, 1);
  stage.examiner.stop();
});

test('a condition is told once when it is sure and once when it is over', async () => {
  const stage = new Stage();
  stage.verdict = bad;
  await stage.pass(limits.firstMs + 500);
  assert.deepEqual(stage.told, []);
  await stage.pass(600_000);
  assert.deepEqual(stage.told, ['doctor.condition-found a.a']);
  assert.equal(stage.examiner.conditions()[0]?.repair, 'a.mend');
  stage.verdict = unknown('dark');
  await stage.pass(600_000);
  assert.equal(stage.examiner.conditions().length, 1);
  stage.verdict = healthy();
  await stage.pass(30_000);
  assert.deepEqual(stage.told, ['doctor.condition-found a.a', 'doctor.condition-over a.a']);
  assert.deepEqual(stage.examiner.conditions(), []);
  assert.deepEqual(stage.stored, []);
});

test('what is not well and stands behind another is looked at as soon as what is not well alone', async () => {
  const stage = new Stage();
  stage.verdict = bad;
  await stage.pass(limits.firstMs + limits.unsureHostMs + 1000);
  assert.equal(stage.examiner.conditions().length, 1);
  stage.verdict = { kind: 'blocked', by: 'b.b', evidence: [] };
  const before = stage.looks;
  await stage.pass(2 * limits.openHostMs + 1000);
  assert.equal(stage.looks, before + 2);
  stage.examiner.stop();
});

test('one bad look of three alarms nobody, and is looked into soon', async () => {
  const stage = new Stage('network');
  stage.verdict = bad;
  await stage.pass(limits.firstMs + 500);
  stage.verdict = healthy();
  await stage.pass(limits.unsureNetworkMs + 500);
  assert.equal(stage.looks, 2);
  await stage.pass(60_000);
  assert.equal(stage.looks, 2);
  assert.deepEqual(stage.told, []);
});

test('a restart tells nothing again, and keeps since when', async () => {
  const first = new Stage();
  first.verdict = bad;
  await first.pass(20_000);
  const second = new Stage('host', first.stored);
  second.verdict = bad;
  await second.pass(20_000);
  assert.deepEqual(second.told, []);
  assert.equal(second.examiner.conditions()[0]?.sinceMs, first.examiner.conditions()[0]?.sinceMs);
  const third = new Stage('host', first.stored);
  await third.pass(limits.firstMs + 500);
  assert.deepEqual(third.told, ['doctor.condition-over a.a']);
});

test('a condition of a check that is no more is over', async () => {
  const gone = { check: 'old.one', number: 9, title: '', cause: 'x', cure: 'y', evidence: [], sinceMs: 0 };
  const stage = new Stage('host', [gone]);
  await stage.pass(1000);
  assert.deepEqual(stage.told, ['doctor.condition-over old.one']);
});

test('a change is looked into soon, and what could not be written is written later', async () => {
  const stage = new Stage();
  await stage.pass(20_000);
  stage.verdict = bad;
  stage.mayWrite = false;
  stage.examiner.lookSoon();
  await stage.pass(10_000);
  assert.deepEqual(stage.stored, []);
  stage.mayWrite = true;
  await stage.pass(limits.openHostMs);
  assert.equal(stage.stored.length, 1);
});

test('what somebody else has found is told after one look that says the same, and not after one that does not', async () => {
  const stage = new Stage('network');
  await stage.pass(limits.firstMs + 1_000);
  stage.examiner.suspect('a.a');
  stage.examiner.suspect('b.b');
  await stage.pass(1_000);
  assert.deepEqual([stage.looks, stage.told.length], [2, 0]);
  stage.verdict = bad;
  stage.examiner.suspect('a.a');
  await stage.pass(1_000);
  stage.examiner.suspect('a.a');
  await stage.pass(1_000);
  assert.deepEqual([stage.looks, stage.told], [3, ['doctor.condition-found a.a']]);
  stage.examiner.stop();
});

test('what was mended is over in the same second, and told once', async () => {
  const stage = new Stage('network');
  stage.verdict = bad;
  await stage.pass(60_000);
  assert.equal(stage.examiner.conditions().length, 1);
  stage.verdict = healthy();
  await Promise.all([stage.examiner.lookAgain(['a.a', 'b.b']), stage.examiner.lookAgain(['a.a'])]);
  assert.deepEqual(stage.examiner.conditions(), []);
  await stage.pass(600_000);
  assert.deepEqual(stage.told, ['doctor.condition-found a.a', 'doctor.condition-over a.a']);
  stage.examiner.stop();
});

test('what was not mended stays as it was told', async () => {
  const stage = new Stage();
  stage.verdict = bad;
  await stage.pass(60_000);
  await stage.examiner.lookAgain(['a.a']);
  assert.equal(stage.examiner.conditions().length, 1);
  assert.deepEqual(stage.told, ['doctor.condition-found a.a']);
  stage.examiner.stop();
});

test('after a change one look that finds it well is enough', async () => {
  const stage = new Stage('network');
  stage.verdict = bad;
  await stage.pass(60_000);
  stage.verdict = healthy();
  const { looks } = stage;
  stage.examiner.lookSoon();
  await stage.pass(limits.soonMs + 1000);
  assert.equal(stage.looks, looks + 1);
  assert.deepEqual(stage.examiner.conditions(), []);
  stage.examiner.stop();
});

test('a file of conditions that cannot be understood counts as none', async () => {
  const files = new Map<string, Buffer>();
  const store = conditionStore(
    {
      readFile: async (path) => files.get(path) ?? Promise.reject(new Error('ENOENT')),
      replaceFile: async (path, content) => void files.set(path, Buffer.from(content)),
    },
    '/c',
  );
  assert.deepEqual(await store.load(), []);
  const one = { check: 'a.a', number: 1, title: 't', cause: 'c', cure: 'd', event: 4007, evidence: [], sinceMs: 5 };
  assert.ok(await store.save([one]));
  assert.deepEqual(await store.load(), [one]);
  for (const text of ['{"format":1,"condi', '{"format":2,"conditions":[]}', '[]']) {
    files.set('/c', Buffer.from(text));
    assert.deepEqual(await store.load(), []);
  }
});

test('what others count is looked at seldom, believed at once, and again after a change', async () => {
  const stage = new Stage('network', [], 3_600_000);
  stage.verdict = bad;
  await stage.pass(limits.firstMs + 3_000_000);
  assert.equal(stage.looks, 1);
  assert.deepEqual(stage.told, ['doctor.condition-found a.a']);
  stage.verdict = healthy();
  stage.examiner.lookSoon();
  await stage.pass(limits.soonMs + 1000);
  assert.equal(stage.looks, 2);
  assert.deepEqual(stage.told.slice(1), ['doctor.condition-over a.a']);
  stage.examiner.stop();
});

test('what stood behind another has not looked, and is not put off for long', async () => {
  const stage = new Stage('network', [], 3_600_000);
  stage.verdict = { kind: 'blocked', by: 'b.b', evidence: [] };
  await stage.pass(limits.firstMs + 1_000_000);
  assert.ok(stage.looks >= 2, `${stage.looks}`);
  stage.examiner.stop();
});
