import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { fingerprint, isOurs, keyRecord, readKeyRecord, readSigningKey } from './key.ts';

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const;
const rsaPem = (bits: number): string =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export(PKCS8).toString();
const why = (pem: string): string => {
  const read = readSigningKey(pem);
  return read.ok ? `good${read.key.doubt === undefined ? '' : `, but ${read.key.doubt}`}` : read.why;
};

test('keys that can sign are told from those that cannot, each with the reason', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  assert.equal(why(privateKey.export(PKCS8).toString()), 'good');
  assert.equal(why(rsaPem(2048)), 'good');
  assert.match(why(rsaPem(1024)), /^good, but is an RSA key of 1024 bits; 2048 are advised/);
  assert.match(why(rsaPem(512)), /RSA key of 512 bits; below 1024 no receiver may accept it/);
  assert.match(why(publicKey.export({ type: 'spki', format: 'pem' }).toString()), /is the public key/);
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  assert.match(why(ec.export(PKCS8).toString()), /of type ec; DKIM knows rsa and ed25519/);
  const locked = privateKey.export({ ...PKCS8, cipher: 'aes-128-cbc', passphrase: 'x' }).toString();
  assert.match(why(locked), /encrypted with a passphrase/);
  assert.equal(why(' \n'), 'is empty');
  assert.match(why(rsaPem(2048).slice(0, 300)), /is no private key in PEM form, or is cut off/);
  assert.match(why('-----BEGIN CERTIFICATE-----'), /is a certificate/);
  assert.match(why('-----BEGIN OPENSSH PRIVATE KEY-----\n'), /form of OpenSSH/);
  assert.match(why('x'.repeat(100_000)), /too long/);
});

test('a record is read back as the key that it was made of', () => {
  for (const pem of [rsaPem(2048), generateKeyPairSync('ed25519').privateKey.export(PKCS8).toString()]) {
    const read = readSigningKey(pem);
    assert.ok(read.ok);
    const record = readKeyRecord(keyRecord(read.key));
    assert.ok(record.kind === 'key' && !record.testing);
    assert.equal(record.algorithm, read.key.algorithm);
    assert.ok(isOurs(read.key, record.published));
    assert.match(fingerprint(record.published), /^[0-9a-f]{16}$/);
  }
  const read = readSigningKey(rsaPem(2048));
  assert.ok(read.ok);
  const short = createPublicKey(read.key.key).export({ type: 'pkcs1', format: 'der' }).toString('base64');
  assert.ok(isOurs(read.key, short) && !isOurs(read.key, 'AAAA'));
});
