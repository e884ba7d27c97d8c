import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import 'reflect-metadata';
import { before, test } from 'node:test';
import * as x509 from '@peculiar/x509';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import type { Check, Parts } from '../check.ts';
import type { Verdict } from '../verdict.ts';
import { certificateAndKey, certificateDates, certificateNames, chainWhole } from './tls.ts';

const YEAR = 365 * 86_400_000;
const NOW = Date.parse('2027-06-01T00:00:00Z');
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

interface Made {
  readonly pem: string;
  readonly key: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly name: string;
}

/** Makes a certificate; `by` issues it, else it issues itself. */
async function make(
  name: string,
  by: Made | undefined,
  {
    untilMs = NOW + YEAR,
    alternative = name,
    rsaBits,
  }: { untilMs?: number; alternative?: string; rsaBits?: number } = {},
): Promise<Made> {
  const { subtle } = webcrypto;
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) };
  const keys = (await subtle.generateKey(rsaBits === undefined ? EC : { ...rsa, modulusLength: rsaBits }, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: `CN=${by?.name ?? name}`,
    notBefore: new Date(NOW - 5 * YEAR),
    notAfter: new Date(untilMs),
    signingAlgorithm: by === undefined && rsaBits !== undefined ? rsa : EC,
    // One interface, two type names that do not know each other.
    publicKey: keys.publicKey as never,
    signingKey: (by?.keys ?? keys).privateKey as never,
    extensions: [
      ...(alternative === '' ? [] : [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: alternative }])]),
    ],
  });
  const exported = Buffer.from(await subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${exported.match(/.{1,64}/g)?.join('\n')}\n-----END PRIVATE KEY-----\n`;
  return { pem: `${certificate.toString('pem')}\n`, key, keys, name };
}

let root: Made;
let between: Made;
let leaf: Made;
before(async () => {
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  root = await make('Root', undefined);
  between = await make('Between', root);
  leaf = await make('mail.example.test', between);
});

async function look(check: Check, chain: readonly Made[], key: Made, listener?: string): Promise<Verdict> {
  const texts: Readonly<Record<string, string>> = { '/c.pem': chain.map(({ pem }) => pem).join(''), '/k.pem': key.key };
  const disk = { readFile: async (path: string) => Buffer.from(texts[path] ?? '') } as unknown as Parts['disk'];
  const settings = settingsOf('tls: { certificate: /c.pem, key: /k.pem }\n', listener);
  return lookWith(check, { settings, more: { disk }, nowMs: NOW });
}

const causeOf = (verdict: Verdict): string => (verdict.kind === 'unhealthy' ? verdict.cause : verdict.kind);

test('a chain in order is well', async () => {
  for (const check of [certificateAndKey, certificateDates, certificateNames, chainWhole])
    assert.equal((await look(check, [leaf, between], leaf)).kind, 'healthy', check.id);
});

test('a file whose first certificate is that of the issuer is in the wrong order, and not of another key', async () => {
  const verdict = await look(certificateAndKey, [between, leaf], leaf);
  assert.match(causeOf(verdict), /wrong order: the first is CN=Between, and that of the private key stands at place 2/);
  assert.ok(verdict.kind === 'unhealthy' && /^Write CN=mail\.example\.test first into \/c\.pem/.test(verdict.cure));
  assert.match(causeOf(await look(certificateAndKey, [between], leaf)), /does not belong to the certificate/);
});

test('an issuer that comes too late is in the wrong order, and not missing', async () => {
  assert.match(
    causeOf(await look(chainWhole, [leaf, root, between], leaf)),
    /wrong order: that of the issuer CN=Between stands at place 3, and must come second/,
  );
});

test('an intermediate certificate that has expired is named', async () => {
  const old = await make('Old', root, { untilMs: NOW - 86_400_000 });
  const under = await make('mail.example.test', old);
  assert.match(
    causeOf(await look(certificateDates, [under, old], under)),
    /intermediate certificate CN=Old .* expired on/,
  );
});

test('a key of 1024 bits is too short', async () => {
  const short = await make('mail.example.test', between, { rsaBits: 1024 });
  assert.match(causeOf(await look(certificateAndKey, [short, between], short)), /too short: RSA of 1024 bits/);
});

test('a name that stands in the common name only is no name', async () => {
  const bare = await make('mail.example.test', between, { alternative: '' });
  assert.match(causeOf(await look(certificateNames, [bare, between], bare)), /has no subjectAltName/);
});

test('a self-signed certificate of the settings is told where mail programs connect, and noted elsewhere', async () => {
  const own = await make('mail.example.test', undefined);
  const mx = await look(chainWhole, [own], own);
  assert.ok(mx.kind === 'unknown' && /is self-signed: clients that verify refuse it/.test(mx.because));
  const submission = '{ profile: submission, address: 127.0.0.1, port: 2525 }';
  assert.match(
    causeOf(await look(chainWhole, [own], own, submission)),
    /is self-signed: .* mail programs first of all/,
  );
});
