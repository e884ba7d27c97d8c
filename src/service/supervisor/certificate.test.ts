import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeDisk } from '../../world/node/disk.ts';
import { nodeNetwork } from '../../world/node/network.ts';
import { loadCertificate, makeSelfSigned, tryPair } from './certificate.ts';

const settings = { certificate: '/etc/c.pem', key: '/etc/k.pem', handshakeTimeoutMs: 30_000 };
const tryThem = (certificatePem: string, keyPem: string): void =>
  tryPair({ certificatePem, keyPem }, settings, nodeNetwork.tlsContext);

test('a certificate and key that cannot be used together are found before any worker has them', async () => {
  const [one, other] = await Promise.all([makeSelfSigned('a.test', 0), makeSelfSigned('b.test', 0)]);
  tryThem(one.certificatePem, one.keyPem);
  assert.throws(
    () => tryThem(one.certificatePem, other.keyPem),
    /^Error: \/etc\/c\.pem and \/etc\/k\.pem: the private key does not belong to the certificate \(/,
  );
  assert.throws(() => tryThem('no certificate', one.keyPem), /\/etc\/c\.pem holds no certificate in PEM form$/);
  assert.throws(() => tryThem('', one.keyPem), /holds no certificate in PEM form: it is empty$/);
  assert.throws(() => tryThem(one.keyPem, one.certificatePem), /k\.pem holds one: are the two interchanged\?$/);
  assert.throws(() => tryThem(one.certificatePem, one.keyPem.slice(0, 90)), /no PEM file|cannot use them/);
});

test('what cannot be read is named with its path, also where the system does not name it', async () => {
  const where = { disk: nodeDisk, dataDirectory: '/nowhere', serverName: 'a.test', nowMs: 0 };
  const named = (certificate: string): Promise<unknown> => loadCertificate({ ...settings, certificate }, where);
  await assert.rejects(named('/'), /^Error: \/: EISDIR/);
  await assert.rejects(named('/nowhere/c.pem'), /ENOENT.*'\/nowhere\/c\.pem'/);
});
