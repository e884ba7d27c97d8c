import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { pretendedHost } from '../../../test/support/pretended-host.ts';
import { defineCheck, type Check } from './check.ts';
import { checks } from './checks/index.ts';
import { explainCheck } from './explain.ts';
import { checkMs, runMs } from './limits.ts';
import { renderReport } from './render.ts';
import { makeReport } from './report.ts';
import { assertSound, chosen, runChecks } from './run.ts';
import { changesFrom, mergeFindings } from './merge.ts';
import { healthy, unhealthy, unknown, row, type Verdict } from './verdict.ts';

const parts = { host: pretendedHost({}) };

function check(id: string, number: number, after: readonly string[], look: () => Verdict | Promise<Verdict>): Check {
  return defineCheck({ id, number, title: id, why: id, needs: ['host'], after, cost: 'host', look });
}
const bad = (): Verdict => unhealthy('It is bad.', { cure: 'mend it', event: 4007 }, [row('a', 'b', 'c\x1b[2J')]);
const verdicts = async (all: readonly Check[]): Promise<Record<string, Verdict>> =>
  Object.fromEntries((await runChecks(all, parts, new ManualClock())).map(({ id, verdict }) => [id, verdict]));

test('the checks are in the order of their graph, and each is there once', () => {
  assertSound(checks);
  const a = check('a', 1, ['b'], () => healthy());
  const b = check('b', 2, [], () => healthy());
  assert.throws(() => assertSound([a, b]));
  assert.throws(() => assertSound([b, b]));
  for (const { id, title, why } of checks)
    assert.ok(title.length > 10 && why.length > 20 && /^[a-z]+\.[a-z0-9-]+$/.test(id), id);
});

test('behind an unhealthy check others are blocked by the root, not red', async () => {
  const seen = await verdicts([
    check('a', 1, [], bad),
    check('b', 2, ['a'], () => healthy()),
    check('c', 3, ['b'], () => healthy()),
    check('d', 4, [], () => healthy()),
  ]);
  assert.deepEqual(seen['b'], { kind: 'blocked', by: 'a', evidence: [] });
  assert.deepEqual(seen['c'], { kind: 'blocked', by: 'a', evidence: [] });
  assert.equal(seen['d']?.kind, 'healthy');
});

test('a check that throws, at once or later, is broken, not green', async () => {
  const seen = await verdicts([
    check('a', 1, [], () => {
      throw new Error('at once');
    }),
    check('b', 2, [], () => Promise.reject(new Error('later'))),
  ]);
  assert.deepEqual(seen['a'], { kind: 'broken', fault: 'at once', evidence: [] });
  assert.deepEqual(seen['b'], { kind: 'broken', fault: 'later', evidence: [] });
});

test('a check that does not end is unknown after its deadline, and a run ends within its own', async () => {
  const clock = new ManualClock();
  const never = (): Promise<Verdict> => new Promise(() => undefined);
  const all = [check('a', 1, [], never), check('b', 2, [], () => healthy())];
  const run = runChecks(all, parts, clock);
  await new Promise((resolve) => clock.soon(() => resolve(undefined)));
  clock.advance(checkMs);
  const [a, b] = await run;
  assert.equal(a?.verdict.kind, 'unknown');
  assert.equal(b?.verdict.kind, 'healthy');
  assert.ok(runMs < 10_000);
});

test('a check that needs settings is blocked by the configuration where there are none', async () => {
  const needy = defineCheck({
    id: 'a',
    number: 1,
    title: 'a',
    why: 'a',
    needs: ['settings'],
    after: [],
    cost: 'host',
    look: () => healthy(),
  });
  assert.deepEqual((await verdicts([needy]))['a'], { kind: 'blocked', by: 'configuration.loads', evidence: [] });
});

test('a check gets what it needs, and no more', async () => {
  let given: readonly string[] = [];
  const curious = defineCheck({
    id: 'a',
    number: 1,
    title: 'a',
    why: 'a',
    needs: ['host'],
    after: [],
    cost: 'host',
    look(got) {
      given = Object.keys(got);
      return healthy();
    },
  });
  await runChecks([curious], { ...parts, clock: new ManualClock() }, new ManualClock());
  assert.deepEqual(given, ['host']);
  const facts = { id: 'b', number: 2, title: 'b', why: 'b', after: [], cost: 'host' } as const;
  // @ts-expect-error: a part that `needs` does not name is not there
  defineCheck({ ...facts, needs: ['host'], look: ({ disk }) => healthy([disk]) });
});

test('--only takes a check or an area, with all that it stands on', () => {
  assert.deepEqual(
    chosen(checks, 'storage.space').map(({ id }) => id),
    ['configuration.loads', 'storage.data-directory', 'storage.space'],
  );
  assert.ok(chosen(checks, 'names').some(({ id }) => id === 'names.servers-answer'));
  assert.deepEqual(chosen(checks, 'nothing'), []);
});

test('the screen names cause, evidence, cure and event, and obeys no control characters of others', async () => {
  const all = [check('a', 1, [], bad), check('b', 2, ['a'], () => healthy()), check('c', 3, [], () => healthy())];
  const report = makeReport(await runChecks(all, parts, new ManualClock()), 0);
  assert.equal(report.verdict, 'unhealthy');
  const screen = {
    paint: (_: string, text: string) => text,
    plain: (text: string) => text.replace(/\x1b/g, '?'),
  };
  const text = renderReport(report, 'mail.example.test', false, screen).join('\n');
  for (const words of [
    '1 thing is not well',
    'cause     It is bad. (event 4007)',
    'a: c?[2J (expected: b)',
    'cure      mend it',
    'event     4007',
    'b: waits for a',
  ])
    assert.ok(text.includes(words), `${words} in ${text}`);
  assert.ok(!text.includes('\x1b'));
  assert.ok(renderReport(report, '', true, screen).join('\n').includes('healthy    c'));
});

test('a broken check makes the examination failed, and never well', async () => {
  const report = makeReport(
    await runChecks([check('a', 1, [], () => Promise.reject(new Error('x')))], parts, new ManualClock()),
    0,
  );
  assert.equal(report.verdict, 'failed');
  assert.equal(makeReport([], 0).verdict, 'well');
});

test('what seems unhealthy is so only where a second look says so too, and where there is time for one', async () => {
  const look = async (first: number, all: readonly Verdict[]): Promise<Verdict | undefined> => {
    const clock = new ManualClock();
    let looks = 0;
    const one: Check = {
      ...check('a', 1, [], () => {
        clock.advance(looks === 0 ? first : 0);
        return all[Math.min(looks++, all.length - 1)] ?? healthy();
      }),
      cost: 'network',
    };
    const run = runChecks([one], parts, clock, { twice: true });
    for (let turn = 0; turn < 5; turn += 1) {
      await new Promise((resolve) => clock.soon(() => resolve(undefined)));
      clock.advance(500);
    }
    return (await run)[0]?.verdict;
  };
  assert.equal((await look(0, [bad(), healthy()]))?.kind, 'healthy');
  assert.equal((await look(0, [bad(), bad()]))?.kind, 'unhealthy');
  assert.equal((await look(0, [bad(), unknown('dark')]))?.kind, 'unknown');
  assert.equal((await look(2900, [bad(), healthy()]))?.kind, 'healthy');
});

test('what a run could not see is told as the service saw it; what it sees well is well', () => {
  const condition = { check: 'a', number: 1, title: 'a', cause: 'c', cure: 'd', event: 4007, evidence: [], sinceMs: 5 };
  const merged = (verdict: Verdict) =>
    mergeFindings([{ id: 'a', number: 1, title: 'a', verdict, tookMs: 0 }], [condition])[0];
  assert.deepEqual(merged(unknown('dark'))?.verdict, {
    kind: 'unhealthy',
    cause: 'c',
    cure: 'd',
    event: 4007,
    evidence: [],
  });
  assert.equal(merged(unknown('dark'))?.seenBy, 'service');
  assert.equal(merged(bad())?.sinceMs, 5);
  assert.equal(merged(healthy())?.verdict.kind, 'healthy');
  const data = { check: 'a', cause: 'c' };
  const events = [3960, 2960, 4007].map((number) => ({ atMs: 1, number, data }));
  assert.deepEqual(
    changesFrom(events).map(({ what }) => what),
    ['found', 'over'],
  );
});

test('a check explains itself by id and by number', () => {
  assert.match(explainCheck('storage.space') ?? '', /452 4\.3\.1/);
  assert.equal(explainCheck('203'), explainCheck('storage.space'));
  assert.equal(explainCheck('nothing'), undefined);
});
