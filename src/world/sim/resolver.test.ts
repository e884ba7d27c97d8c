import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zoneResolver } from './resolver.ts';

test('a zone answers with records, aliases, wildcards, definite negatives and faults', async () => {
  const resolver = zoneResolver(`
    example.test.      600 IN MX 10 mx.example.test.  ; a comment
    mx.example.test.   A 192.0.2.1
    alias.test         CNAME example.test
    *.wild.test        A 192.0.2.9
    null.test          MX 0 .
    txt.test           TXT "v=spf1 -all" "two; parts"
    broken.test        SERVFAIL
    half.test          SERVFAIL AAAA
    half.test          A 192.0.2.3`);
  const alias = await resolver.query('Alias.test.', 'MX');
  assert.ok(alias.kind === 'records' && alias.canonicalName === 'example.test' && alias.ttlSeconds === 300);
  assert.deepEqual(alias.records, [{ preference: 10, exchange: 'mx.example.test' }]);
  const wild = await resolver.query('a.b.wild.test', 'A');
  assert.ok(wild.kind === 'records' && wild.records[0] === '192.0.2.9');
  assert.equal((await resolver.query('test', 'A')).kind, 'no-data');
  assert.equal((await resolver.query('mx.example.test', 'AAAA')).kind, 'no-data');
  assert.equal((await resolver.query('other.test', 'A')).kind, 'no-such-name');
  assert.equal((await resolver.query('broken.test', 'A')).kind, 'failure');
  assert.equal((await resolver.query('half.test', 'AAAA')).kind, 'failure');
  assert.equal((await resolver.query('half.test', 'A')).kind, 'records');
  const nullMx = await resolver.query('null.test', 'MX');
  assert.ok(nullMx.kind === 'records' && nullMx.records[0]?.exchange === '');
  const text = await resolver.query('txt.test', 'TXT');
  assert.ok(text.kind === 'records' && text.records[0]?.[1]?.toString() === 'two; parts');
  resolver.fail('SERVFAIL from nowhere');
  assert.deepEqual(await resolver.query('example.test', 'MX'), { kind: 'failure', reason: 'SERVFAIL from nowhere' });
  assert.equal(resolver.asked.length, 11);
});
