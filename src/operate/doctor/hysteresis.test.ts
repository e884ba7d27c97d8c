import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Finding } from './run.ts';
import { isUnsure, unseen, type Watch, weigh } from './hysteresis.ts';
import { healthy, notApplicable, unhealthy, unknown, type Verdict } from './verdict.ts';

const needed = { found: 3, over: 2 };
const bad = unhealthy('It is bad.', { cure: 'mend it', event: 4007 }, []);
const blocked: Verdict = { kind: 'blocked', by: 'b', evidence: [] };
const finding = (verdict: Verdict): Finding => ({ id: 'a.a', number: 1, title: 'It is good', verdict, tookMs: 0 });

function after(verdicts: readonly Verdict[], watch: Watch = unseen): Watch {
  return verdicts.reduce((so, verdict, index) => weigh(so, finding(verdict), needed, 1010 + 10 * index), watch);
}

test('something is not well once enough looks in a row say so, since the first of them', () => {
  assert.equal(after([bad, bad]).condition, undefined);
  assert.ok(isUnsure(after([bad])));
  const { condition } = after([bad, bad, bad]);
  assert.equal(condition?.sinceMs, 1010);
  assert.equal(condition?.event, 4007);
  assert.equal(after([bad, bad, healthy(), bad, bad]).condition, undefined);
});

test('it is over once enough looks in a row are healthy, or there is nothing to look at any more', () => {
  const open = after([bad, bad, bad]);
  assert.ok(after([healthy()], open).condition !== undefined && isUnsure(after([healthy()], open)));
  assert.equal(after([healthy(), notApplicable('gone')], open).condition, undefined);
  assert.ok(after([healthy(), bad, healthy()], open).condition !== undefined);
});

test('a condition that shows another cause is the same condition, renewed', () => {
  const other = unhealthy('It is worse.', { cure: 'mend that' }, []);
  const { condition } = after([bad, bad, bad, other]);
  assert.equal(condition?.cause, 'It is worse.');
  assert.equal(condition?.sinceMs, 1010);
});

test('what was not seen neither alarms nor ends an alarm', () => {
  const dumb = fc.constantFrom(unknown('dark'), blocked, { kind: 'broken', fault: 'x', evidence: [] } as const);
  fc.assert(
    fc.property(fc.array(dumb), (verdicts) => {
      assert.equal(after(verdicts).condition, undefined);
      assert.ok(after(verdicts, after([bad, bad, bad])).condition !== undefined);
    }),
  );
});

test('looks that are seldom bad never alarm', () => {
  const verdicts = fc.array(fc.constantFrom(healthy(), unknown('dark'), bad), { maxLength: 60 });
  fc.assert(
    fc.property(verdicts, (all) => {
      const seldom = all.flatMap((verdict) => (verdict === bad ? [bad, healthy()] : [verdict]));
      assert.equal(after(seldom).condition, undefined);
    }),
  );
});
