import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectNone } from './expect.ts';

test('a finding fails with its place, and an exemption only while it is needed', () => {
  const finding = { path: 'a.ts', line: 3, what: 'is wrong here' };
  const accepted = { path: 'a.ts', contains: 'wrong', why: 'for the test' };
  assert.throws(() => expectNone('rule', [finding], []), { message: 'rule:\na.ts:3: is wrong here' });
  expectNone('rule', [finding], [accepted]);
  assert.throws(() => expectNone('rule', [], [accepted]), {
    message: 'rule:\na.ts: the exemption "wrong" is no longer needed',
  });
  expectNone('rule', [], []);
});
