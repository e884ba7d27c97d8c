import assert from 'node:assert/strict';
import { generateKeyPairSync, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { atOnce } from '../../../../test/support/at-once.ts';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { keyRecord, readSigningKey, type SigningKey } from '../../../protocol/dkim-signing/key.ts';
import { zoneResolver } from '../../../world/sim/resolver.ts';
import { txtStrings } from '../../records/record.ts';
import type { DkimKeySettings } from '../../../settings/recipients.ts';
import type { Parts } from '../check.ts';
import type { Verdict } from '../verdict.ts';
import { dkimFits } from './records-dkim.ts';

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const;
const rsaPem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(PKCS8).toString();
const edPem = generateKeyPairSync('ed25519').privateKey.export(PKCS8).toString();
const keyOf = (pem: string): SigningKey => {
  const read = readSigningKey(pem);
  assert.ok(read.ok);
  return read.key;
};
const rsa = keyOf(rsaPem);
const ed = keyOf(edPem);
const YAML = `server: { name: mail.company.com, data: /srv/ims }
listeners: { mx: { profile: mx, address: 0.0.0.0 } }
domains: { company.com: { mailboxes: { postmaster: {} } } }
`;
const entry = (selector: string, key?: string): DkimKeySettings => ({
  selector,
  keyFile: `/k/${selector}.pem`,
  ...(key === undefined ? {} : { key }),
});
const SOA = 'company.com MX 10 mail.company.com\n';
const txt = (selector: string, text: string): string => `${selector}._domainkey.company.com TXT ${txtStrings(text)}\n`;

const look = (
  zone: string,
  dkim: readonly DkimKeySettings[] = [entry('s1', rsaPem)],
  more: Partial<Parts> = {},
): Promise<Verdict> => {
  const plain = settingsOf(YAML);
  const domains = Object.entries(plain.domains).map(([name, domain]) => [
    name,
    dkim.length === 0 ? domain : { ...domain, dkim: [...dkim] },
  ]);
  return lookWith(dkimFits, {
    settings: { ...plain, domains: Object.fromEntries(domains) },
    more: { resolver: zoneResolver(SOA + zone), clock: atOnce, ...more },
  });
};
const said = (verdict: Verdict): string =>
  verdict.kind === 'unhealthy'
    ? verdict.cause
    : 'because' in verdict
      ? `${verdict.kind}: ${verdict.because}`
      : verdict.kind;

test('the record that publishes our key is healthy, in whatever words and strings it stands', async () => {
  assert.equal((await look(txt('s1', keyRecord(rsa)))).kind, 'healthy');
  assert.equal((await look(txt('s1', `p=${rsa.published}`))).kind, 'healthy');
  const spaced = rsa.published.replace(/(.{60})/g, '$1 ');
  assert.equal((await look(txt('s1', `v=DKIM1; h=sha256; s=email; n=ours; p=${spaced};`))).kind, 'healthy');
  const pkcs1 = createPublicKey(rsa.key).export({ type: 'pkcs1', format: 'der' }).toString('base64');
  assert.equal((await look(txt('s1', `v=DKIM1; k=rsa; p=${pkcs1}`))).kind, 'healthy');
  const both = [entry('s1', rsaPem), entry('s2', edPem)];
  assert.equal((await look(txt('s1', keyRecord(rsa)) + txt('s2', keyRecord(ed)), both)).kind, 'healthy');
  assert.match(
    said(await look(txt('s1', keyRecord(rsa)), both)),
    /signed with the key s2, and there is no DKIM record/,
  );
});

test('a missing record is told with the exact text to publish, split as zones need it', async () => {
  const none = await look('');
  assert.equal(none.kind, 'unhealthy');
  assert.match(none.cause, /there is no DKIM record at s1\._domainkey\.company\.com: nobody can verify it/);
  const line = none.cure.replace('Publish: ', '');
  const strings = [...line.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text);
  assert.ok(strings.length === 2 && strings.every((text) => text.length <= 255));
  assert.equal(strings.join(''), keyRecord(rsa));
  assert.match(line, /^s1\._domainkey\.company\.com\. 3600 IN TXT "v=DKIM1; k=rsa; p=/);
  assert.equal((await look(line.replace('. 3600 IN', ''))).kind, 'healthy');
});

test('what is wrong with a record is named: another key, none, revoked, another kind, several, bad words', async () => {
  const cases: readonly (readonly [zone: string, words: RegExp])[] = [
    [
      txt(
        's1',
        keyRecord(keyOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(PKCS8).toString())),
      ),
      /publishes another key than/,
    ],
    [txt('s1', keyRecord(ed)), /is one for ed25519 keys \(k=\), and we sign with a key for rsa/],
    [txt('s1', 'v=DKIM1; k=rsa; p='), /the key is revoked \(its p= is empty\)/],
    [txt('s1', 'v=DKIM1; k=rsa'), /not valid: it has no key/],
    [txt('s1', `k=rsa; v=DKIM1; p=${rsa.published}`), /v=DKIM1 must be its first tag/],
    [txt('s1', `v=DKIM1; h=sha1; p=${rsa.published}`), /h=sha1 excludes sha256/],
    [txt('s1', `v=DKIM1; s=tlsrpt; p=${rsa.published}`), /s=tlsrpt excludes mail/],
    [txt('s1', 'v=DKIM1; p=not(base64)'), /is not base64/],
    [txt('s1', 'hello'), /not a list of tags/],
    [txt('s1', keyRecord(rsa)) + txt('s1', keyRecord(ed)), /There are 2 TXT records at/],
    ['s1._domainkey.company.com SERVFAIL\n', /cannot be looked up: the name servers of its zone fail/],
  ];
  for (const [zone, words] of cases) {
    const verdict = await look(zone);
    assert.equal(verdict.kind, 'unhealthy', zone);
    assert.match(verdict.cause, words);
    assert.ok(
      verdict.evidence?.some(({ seen }) => seen !== ''),
      zone,
    );
  }
});

test('silence is no fault, a record for trying is said without alarm, and mail that is not signed needs none', async () => {
  assert.match(said(await look('s1._domainkey.company.com SILENT\n')), /^unknown: s1\._domainkey\.company\.com/);
  assert.match(said(await look(txt('s1', `v=DKIM1; t=s:y; p=${rsa.published}`))), /^unknown: .*only tried \(t=y\)/);
  assert.match(said(await look('', [])), /^not-applicable: no domain signs/);
});

test('a key that cannot be used is the fault, not the record', async () => {
  const bad = await look(txt('s1', keyRecord(rsa)), [entry('s1', 'nonsense')]);
  assert.match(said(bad), /leaves without the signature of s1: \/k\/s1\.pem is no private key in PEM form/);
  assert.ok(bad.kind === 'unhealthy' && bad.event === 3260);
  const file = [entry('s1')];
  const failing = (code: string): Partial<Parts> => ({
    disk: { readFile: () => Promise.reject(Object.assign(new Error(code), { code })) } as unknown as Parts['disk'],
  });
  assert.match(said(await look('', file, failing('ENOENT'))), /cannot be read \(ENOENT\)/);
  assert.match(said(await look('', file, failing('EACCES'))), /^unknown: this user may not read \/k\/s1\.pem/);
});
