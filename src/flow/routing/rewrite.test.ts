import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyEdits } from '../../mail/edits.ts';
import { HeaderScanner } from '../../protocol/headers/scanner.ts';
import { createRewrite } from './rewrite.ts';

function run(rules: Record<string, string>, header: string): string {
  const content = Buffer.from(`${header}\r\n\r\nbody inner.test a@inner.test\r\n`);
  const scanner = new HeaderScanner({
    keep: new Set(['from', 'sender', 'reply-to']),
    headerSizeMax: 100_000,
    hopsMax: 50,
  });
  scanner.feed(content);
  scanner.finish();
  const result = createRewrite(rules)?.({ reversePath: null }, scanner.fields);
  return (
    applyEdits(content, result?.edits ?? [])
      .toString()
      .split('\r\n\r\n')[0] ?? ''
  );
}

test('Q203034: sender addresses of the domain inside become those outside, everything else stays octet for octet', () => {
  const rules = { 'inner.test': 'example.com', 'bob@inner.test': 'robert@example.org' };
  const before =
    'Received: from inner.test\r\nFrom: "A, inner.test" (a@inner.test)\r\n <Alice@INNER.test>, bob@inner.test\r\nTo: c@inner.test\r\nReply-To: g: x@inner.test, y@sub.inner.test;\r\nSender: z@notinner.test';
  const after =
    'Received: from inner.test\r\nFrom: "A, inner.test" (a@inner.test)\r\n <Alice@example.com>, robert@example.org\r\nTo: c@inner.test\r\nReply-To: g: x@example.com, y@sub.inner.test;\r\nSender: z@notinner.test';
  assert.equal(run(rules, before), after);
});

test('names beyond ASCII keep their octets, and quoted local parts their quotes', () => {
  assert.equal(
    run({ 'inner.test': 'example.com' }, 'From: Jörg Müller <"jörg m"@inner.test>, grün@inner.test'),
    'From: Jörg Müller <"jörg m"@example.com>, grün@example.com',
  );
});

test('Q258999: the null reverse-path stays null; others are rewritten', () => {
  const rewrite = createRewrite({ 'inner.test': 'example.com' }) ?? assert.fail();
  assert.equal(rewrite({ reversePath: null }, []).reversePath, null);
  assert.deepEqual(rewrite({ reversePath: { localPart: 'a', domain: 'inner.test' } }, []).reversePath, {
    localPart: 'a',
    domain: 'example.com',
  });
  assert.deepEqual(rewrite({ reversePath: { localPart: 'a', domain: 'else.test' } }, []).reversePath, {
    localPart: 'a',
    domain: 'else.test',
  });
});

test('without rules there is no rewriting', () => {
  assert.equal(createRewrite({}), undefined);
});
