import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyLinesMax, recordMax, tagsMax } from './limits.ts';
import {
  coversHost,
  isDmarc,
  isMtaSts,
  isTlsReport,
  parseDmarc,
  parseMtaSts,
  parseMtaStsPolicy,
  parseTlsReport,
} from './records.ts';
import { parseTags } from './tags.ts';

const problem = (parsed: { readonly ok: boolean; readonly problem?: string }): string => parsed.problem ?? '';

test('tags are read as names and values, each once, within bounds', () => {
  assert.deepEqual(
    [...(parseTags('v=DMARC1; p = none ;rua=mailto:a@b.test;') ?? [])],
    [
      ['v', 'DMARC1'],
      ['p', 'none'],
      ['rua', 'mailto:a@b.test'],
    ],
  );
  for (const text of ['v=DMARC1; p', 'p=none; p=reject', 'v=DMARC1;;p=none', `v=${'a'.repeat(recordMax)}`])
    assert.equal(parseTags(text), undefined, text.slice(0, 20));
  assert.equal(parseTags(Array.from({ length: tagsMax + 1 }, (_, index) => `t${index}=1`).join(';')), undefined);
});

test('a DMARC record is strict where it matters', () => {
  assert.ok(
    isDmarc('v=DMARC1; p=none') && isDmarc('v=DMARC1') && !isDmarc('v=DMARC12') && !isDmarc('p=none; v=DMARC1'),
  );
  assert.deepEqual(parseDmarc('v=DMARC1; p=reject; rua=mailto:a@b.test!10m,mailto:c@d.test'), {
    ok: true,
    value: { policy: 'reject', reportsTo: ['a@b.test', 'c@d.test'] },
  });
  assert.ok(parseDmarc('v=DMARC1; rua=mailto:a@b.test').ok);
  assert.match(problem(parseDmarc('v=DMARC1')), /no policy/);
  assert.match(problem(parseDmarc('v=DMARC1; p=refuse')), /p=refuse is not/);
  assert.match(problem(parseDmarc('v=DMARC1; p=none; rua=a@b.test')), /no mailto/);
  assert.match(problem(parseDmarc('v=DMARC1; p=none; aspf=x')), /aspf=x/);
});

test('records of TLS reporting and MTA-STS', () => {
  assert.ok(isTlsReport('v=TLSRPTv1; rua=mailto:a@b.test') && isMtaSts('v=STSv1; id=1;'));
  assert.ok(parseTlsReport('v=TLSRPTv1; rua=mailto:a@b.test,https://b.test/r').ok);
  assert.match(problem(parseTlsReport('v=TLSRPTv1')), /nowhere/);
  assert.match(problem(parseTlsReport('v=TLSRPTv1; rua=ftp://b.test')), /neither/);
  assert.deepEqual(parseMtaSts('v=STSv1; id=20260101T000000'), { ok: true, value: '20260101T000000' });
  assert.match(problem(parseMtaSts('v=STSv1')), /no id/);
  assert.match(problem(parseMtaSts('v=STSv1; id=2026-01-01')), /letters and digits/);
});

test('a policy of MTA-STS names hosts, with one label for a star', () => {
  const read = parseMtaStsPolicy(
    'version: STSv1\r\nmode: enforce\r\nmx: mail.company.com\r\nmx: *.company.net\r\nmax_age: 604800\r\n',
  );
  assert.ok(read.ok);
  assert.ok(coversHost(read.value, 'mail.company.com') && coversHost(read.value, 'a.company.net'));
  assert.ok(!coversHost(read.value, 'a.b.company.net') && !coversHost(read.value, 'company.net'));
  assert.match(problem(parseMtaStsPolicy('mode: enforce')), /version/);
  assert.match(problem(parseMtaStsPolicy('version: STSv1\nmode: on\nmax_age: 1')), /mode 'on'/);
  assert.match(problem(parseMtaStsPolicy('version: STSv1\nmode: enforce\nmax_age: 1')), /no mx/);
  assert.match(problem(parseMtaStsPolicy('version: STSv1\nmode: none\nmax_age: soon')), /max_age/);
  assert.match(problem(parseMtaStsPolicy('mx: a\n'.repeat(policyLinesMax + 1))), /over 500 lines/);
});
