import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const NOBODY = 65_534;
const FOREIGN = 4242;
const notRoot = process.getuid?.() === 0 ? false : 'needs root';

let service: TestService | undefined;
afterEach(async () => {
  await service?.remove();
  service = undefined;
});

test('a spool restored with a wrong owner is given to the user of the service, and a key of root is told; once each', {
  timeout: 60_000,
  skip: notRoot,
}, async () => {
  const port = await freePort();
  const keys = await mkdtemp(join(tmpdir(), 'ims-keys-'));
  chmodSync(keys, 0o700);
  const pair = await makeSelfSigned('mail.example.test', Date.now());
  await writeFile(join(keys, 'cert.pem'), pair.certificatePem, { mode: 0o600 });
  await writeFile(join(keys, 'key.pem'), pair.keyPem, { mode: 0o600 });
  service = await startService((directory) => {
    chmodSync(directory, 0o755);
    return `server: { name: mail.example.test, data: ${directory}/data, workers: 1, user: nobody }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${port} } }
tls: { certificate: ${keys}/cert.pem, key: ${keys}/key.pem }
domains: { example.test: { mailboxes: { alice: {} } } }
`;
  });
  const key = await service.seen(2790);
  assert.deepEqual(key.data, { path: `${keys}/key.pem`, closed: keys });
  assert.ok(!service.events.some(({ event }) => event === 3791), 'its own spool is nobody else’s');
  await service.stop();
  const data = join(service.directory, 'data');
  execFileSync('chown', ['-R', `${FOREIGN}:${FOREIGN}`, data]);
  await service.restart();
  const given = await service.seen(3791);
  assert.match(given.text, /belongs to uid 4242 .* was given to uid 65534/);
  assert.equal((await stat(join(data, 'queue'))).uid, NOBODY);
  assert.equal(service.events.filter(({ event }) => event === 3791).length, 1);
  await rm(keys, { recursive: true });
});

test('a configuration that the user may not read, in a directory that is closed to it, is named as that', {
  skip: notRoot,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ims-closed-'));
  try {
    await writeFile(join(directory, 'ims.yaml'), 'server: { name: mail.example.test }\n', { mode: 0o600 });
    const line = ['--reuid', 'nobody', '--clear-groups', process.execPath, MAIN, 'run', '--config'];
    const { status, stdout, stderr } = spawnSync('setpriv', [...line, join(directory, 'ims.yaml')], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(status, 78, stderr);
    assert.match(stdout, /ims\.yaml: error: .*(?:EACCES|may not|permission)/i);
    assert.doesNotMatch(stderr, /\n +at /, 'no trace of the program');
  } finally {
    await rm(directory, { recursive: true });
  }
});
