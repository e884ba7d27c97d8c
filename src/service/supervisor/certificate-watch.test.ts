import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { settingsOf } from '../../../test/support/doctor-parts.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { makeSelfSigned, type CertificatePair } from './certificate.ts';
import { limits } from './limits.ts';

const settings = settingsOf('tls: { certificate: /etc/c.pem, key: /etc/k.pem }\n');
let one: CertificatePair;
let other: CertificatePair;
before(async () => {
  [one, other] = await Promise.all([makeSelfSigned('a.test', 0), makeSelfSigned('b.test', 0)]);
});

function watched(inUse: CertificatePair | undefined) {
  const clock = new ManualClock();
  const files: Record<string, string> = {};
  const readFile = async (path: string): Promise<Buffer> => {
    const text = files[path];
    if (text === undefined) throw new Error(`ENOENT: ${path}`);
    return Buffer.from(text);
  };
  let used = inUse;
  let renewals = 0;
  const onDisk = (pair: CertificatePair, key = pair.keyPem): void => {
    Object.assign(files, { '/etc/c.pem': pair.certificatePem, '/etc/k.pem': key });
  };
  const watch = new CertificateWatch({
    clock,
    disk: { readFile } as unknown as Disk,
    settings: () => settings,
    tlsContext: (certificatePem, keyPem) => {
      const whole = [one, other].some((pair) => pair.certificatePem === certificatePem && pair.keyPem === keyPem);
      if (!whole) throw new Error('KEY_VALUES_MISMATCH');
    },
    inUse: () => used,
    renew: async () => {
      renewals += 1;
      used = one.certificatePem === files['/etc/c.pem'] ? one : other;
    },
  });
  const look = async (): Promise<number> => {
    clock.advance(limits.certificateLookMs);
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
    return renewals;
  };
  return { look, onDisk, watch };
}

test('a certificate that is renewed on disk is taken once it fits its key and is whole, and once only', async () => {
  const { look, onDisk, watch } = watched(one);
  onDisk(one);
  assert.deepEqual([await look(), await look()], [0, 0]);
  onDisk(other, one.keyPem); // the key comes a moment later
  assert.deepEqual([await look(), await look()], [0, 0]);
  onDisk(other);
  assert.deepEqual([await look(), await look(), await look()], [0, 1, 1]);
  watch.stop();
  onDisk(one);
  assert.deepEqual([await look(), await look()], [1, 1]);
});

test('a certificate that was not there at the start is taken when it is', async () => {
  const { look, onDisk } = watched(undefined);
  assert.deepEqual([await look(), await look()], [0, 0]);
  onDisk(one);
  assert.deepEqual([await look(), await look()], [0, 1]);
});
