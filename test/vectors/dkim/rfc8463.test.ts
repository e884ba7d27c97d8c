// The message of RFC 8463 appendix A with its two signatures, verified over the input that our canonicalization makes of it.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyRecord, readSigningKey } from '../../../src/protocol/dkim-signing/key.ts';
import { projectRoot } from '../../support/root.ts';
import { holds, signaturesOf } from '../../support/signatures.ts';

const RECORDS: Readonly<Record<string, string>> = {
  brisbane: 'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
  test: 'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB',
};
const SECRET = 'nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=';

const message = readFileSync(join(projectRoot, 'test/vectors/dkim/rfc8463.txt'), 'latin1').replaceAll('\n', '\r\n');
const signatures = signaturesOf(Buffer.from(message, 'latin1'));

test('RFC 8463 §A.3: both signatures hold over our canonicalization, and the body hash is theirs', () => {
  assert.equal(signatures.length, 2);
  for (const one of signatures) {
    assert.ok(one.bodyHolds);
    assert.ok(holds(one, RECORDS[one.tags.get('s') ?? ''] ?? ''), one.tags.get('a'));
  }
});

test('RFC 8463 §A.1: the secret key makes the same signature, and its record', () => {
  const [first] = signatures;
  assert.ok(first !== undefined);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(SECRET, 'base64')]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const read = readSigningKey(key.export({ type: 'pkcs8', format: 'pem' }).toString());
  assert.ok(read.ok);
  assert.equal(keyRecord(read.key), RECORDS['brisbane']);
  assert.deepEqual(sign(null, createHash('sha256').update(first.input).digest(), read.key.key), first.signature);
});
