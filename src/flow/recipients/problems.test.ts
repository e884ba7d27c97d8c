import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DomainSettings, RecipientsSettings } from '../../settings/recipients.ts';
import { findProblems } from './problems.ts';

const box = { maySendAs: [] };
const domain = (over: Partial<DomainSettings>): DomainSettings => ({ mailboxes: {}, aliases: {}, plusAddressing: '+', ...over });
const paths = (settings: RecipientsSettings, groups?: ReadonlySet<string>): string[] => findProblems(settings, groups).map((problem) => problem.path.join('.'));

test('a configuration in order has no problems', () => {
  const settings = { 'a.test': domain({ mailboxes: { x: box }, aliases: { y: ['x', 'far@else.test'], x: ['x', 'z@else.test'] }, catchAll: 'x' }) };
  assert.deepEqual(findProblems(settings, new Set()), []);
});

test('Q257578: empty, half and unknown targets are named with their place', () => {
  const settings = { 'a.test': domain({ mailboxes: { x: box }, aliases: { one: '', two: ['x', 'smtp:'], three: 'a@', four: 'gone', five: 'gone@a.test', six: 'x@else.test' } }) };
  assert.deepEqual(paths(settings), ['a.test.aliases.one', 'a.test.aliases.two.1', 'a.test.aliases.three', 'a.test.aliases.four', 'a.test.aliases.five']);
});

test('Q143375: circles of aliases and of the catch-all are found', () => {
  assert.deepEqual(paths({ 'a.test': domain({ aliases: { a: 'b', b: 'a' } }) }), ['a.test.aliases.a', 'a.test.aliases.b']);
  assert.deepEqual(paths({ 'a.test': domain({ catchAll: 'nobody' }) }), ['a.test.catchAll']);
});

test('Q251152: doubles and hidden mailboxes', () => {
  assert.deepEqual(paths({ 'a.test': domain({ mailboxes: { x: box, X: box } }) }), ['a.test.mailboxes.X']);
  assert.deepEqual(paths({ 'a.test': domain({ mailboxes: { x: box, y: box }, aliases: { x: 'y' } }) }), ['a.test.aliases.x']);
  assert.deepEqual(paths({ 'a.test': domain({}), 'A.test': domain({}) }), ['A.test']);
});

test('Q166540: control characters in names and targets are found and not printed', () => {
  const problems = findProblems({ 'a.test': domain({ mailboxes: { 'x\u0007': box }, aliases: { b: 'x\r\ny' } }), 'b ad': domain({}) });
  assert.equal(problems.length, 3);
  for (const problem of problems) assert.ok(!/[\x00-\x1f]/.test(problem.message));
});

test('groups that do not exist', () => {
  const settings = { 'a.test': domain({ mailboxes: { x: { maySendAs: [], delivery: { lmtp: 'no' } } }, fallback: 'nix', lmtp: 'yes' }) };
  assert.deepEqual(paths(settings, new Set(['yes'])), ['a.test.fallback', 'a.test.mailboxes.x.delivery.lmtp']);
});
