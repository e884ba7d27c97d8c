import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DomainSettings, RecipientsSettings } from '../../settings/recipients.ts';
import { findProblems } from './problems.ts';

const box = { maySendAs: [] };
const domain = (over: Partial<DomainSettings>): DomainSettings => ({
  mailboxes: {},
  aliases: {},
  plusAddressing: '+',
  ...over,
});
const paths = (settings: RecipientsSettings): string[] =>
  findProblems(settings).map((problem) => problem.path.join('.'));

test('a configuration in order has no problems', () => {
  const settings = {
    'a.test': domain({
      mailboxes: { x: box },
      aliases: { y: ['x', 'far@else.test'], x: ['x', 'z@else.test'] },
      catchAll: 'x',
    }),
  };
  assert.deepEqual(findProblems(settings), []);
});

test('Q257578: empty, half and unknown targets are named with their place', () => {
  const settings = {
    'a.test': domain({
      mailboxes: { x: box },
      aliases: { one: '', two: ['x', 'smtp:'], three: 'a@', four: 'gone', five: 'gone@a.test', six: 'x@else.test' },
    }),
  };
  assert.deepEqual(paths(settings), [
    'a.test.aliases.one',
    'a.test.aliases.two.1',
    'a.test.aliases.three',
    'a.test.aliases.four',
    'a.test.aliases.five',
  ]);
});

test('Q143375: circles of aliases and of the catch-all are found', () => {
  assert.deepEqual(paths({ 'a.test': domain({ aliases: { a: 'b', b: 'a' } }) }), [
    'a.test.aliases.a',
    'a.test.aliases.b',
  ]);
  assert.deepEqual(paths({ 'a.test': domain({ catchAll: 'nobody' }) }), ['a.test.catchAll']);
});

test('Q251152: a mailbox hidden by an alias of its name', () => {
  assert.deepEqual(paths({ 'a.test': domain({ mailboxes: { x: box, y: box }, aliases: { x: 'y' } }) }), [
    'a.test.aliases.x',
  ]);
  assert.deepEqual(paths({ 'a.test': domain({ mailboxes: { x: box, y: box }, aliases: { X: ['x', 'y'] } }) }), []);
});

test('Q166540: control characters in targets are found and not printed', () => {
  const problems = findProblems({ 'a.test': domain({ aliases: { b: 'x\r\ny' } }) });
  assert.equal(problems[0]?.what, 'not-an-address');
  assert.ok(!/[\x00-\x1f]/.test(problems[0]?.message ?? ''));
});

test('a domain configured twice in other case is looked at once', () => {
  assert.equal(
    paths({ 'a.test': domain({ aliases: { b: 'gone' } }), 'A.test': domain({ aliases: { c: 'gone' } }) }).length,
    1,
  );
});
