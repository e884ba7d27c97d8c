import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import { needs } from '../../support/needs.ts';
import { family, until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const NOBODY = 65_534;
const root = process.getuid?.() === 0;
const notRoot = root ? false : 'needs root';

let service: TestService | undefined;
afterEach(async () => {
  await service?.remove();
  service = undefined;
});

/** A port below 1024 that nobody uses. */
async function lowPort(): Promise<number> {
  const used =
    (await readFile('/proc/net/tcp', 'latin1')) + (await readFile('/proc/net/tcp6', 'latin1').catch(() => ''));
  for (let port = 600; port < 1024; port += 1)
    if (!used.includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `)) return port;
  throw new Error('no port below 1024 is free');
}

/** Below this ports are privileged; a container may have lowered it. */
const privileged = Number(
  execFileSync('cat', ['/proc/sys/net/ipv4/ip_unprivileged_port_start'], { encoding: 'latin1' }),
);

const uidOf = async (pid: number): Promise<string[]> =>
  (/^Uid:\s+(.*)$/m.exec(await readFile(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '').split(/\s+/);

test('started as root it binds and reads keys as root, and works as the configured user', {
  timeout: 60_000,
  skip: notRoot,
}, async () => {
  const port = await lowPort();
  const pair = await makeSelfSigned('mail.example.test', Date.now());
  const keys = await mkdtemp(join(tmpdir(), 'ims-keys-'));
  await chmod(keys, 0o700);
  await writeFile(join(keys, 'cert.pem'), pair.certificatePem, { mode: 0o600 });
  await writeFile(join(keys, 'key.pem'), pair.keyPem, { mode: 0o600 });
  service = await startService((directory) => {
    chmodSync(directory, 0o755); // the way to the data is open to the user
    return `server: { name: mail.example.test, data: ${directory}/data, workers: 2, user: nobody }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${port} } }
tls: { certificate: ${keys}/cert.pem, key: ${keys}/key.pem }
domains: { example.test: { mailboxes: { alice: {} } } }
`;
  });
  const [supervisor = 0, ...children] = await family(service.pid);
  assert.deepEqual(new Set(await uidOf(supervisor)), new Set(['0']));
  assert.equal(children.length, 3);
  for (const child of children) {
    assert.deepEqual(new Set(await uidOf(child)), new Set([String(NOBODY)]));
    const text = await readFile(`/proc/${child}/status`, 'latin1');
    assert.match(text, /^CapEff:\s+0+$/m);
    assert.match(text, /^Groups:\s*(65534)?\s*$/m);
  }
  assert.equal((await stat(join(service.directory, 'data'))).uid, NOBODY);
  await sendOne(port, 'alice@example.test');
  const events = await service.ims('events');
  assert.equal(events.code, 0, events.stderr);
  assert.match(events.stdout, /the service runs/);
  assert.ok(!service.events.some(({ event }) => event === 3750), 'the key was read');
  await service.stop();
  await service.restart();
  await sendOne(port, 'alice@example.test');
  await rm(keys, { recursive: true });
});

test('an unknown user is the named cause of a refused start', { timeout: 60_000, skip: notRoot }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ims-'));
  const configuration = join(directory, 'ims.yaml');
  await writeFile(
    configuration,
    `server: { name: mail.example.test, data: ${directory}/data, user: no-such-user }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: 0 } }
domains: { example.test: { mailboxes: { alice: {} } } }
`,
    { mode: 0o600 },
  );
  const { status, stdout } = spawnSync(process.execPath, [MAIN, 'run', '--config', configuration], {
    encoding: 'utf8',
  });
  assert.notEqual(status, 0);
  assert.match(stdout, /"event":4020,.*this host has no user no-such-user/);
  await rm(directory, { recursive: true });
});

let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'ims-'));
});
after(() => rm(home, { recursive: true, force: true }));

for (const { capability, words } of [
  {
    capability: 'with CAP_NET_BIND_SERVICE',
    words: ['--ambient-caps', '+net_bind_service', '--inh-caps', '+net_bind_service'],
  },
  { capability: 'without it', words: ['--bounding-set', '-all'] },
]) {
  const skip = notRoot || (privileged <= 600 && 'ports are not privileged here') || needs('setpriv');
  test(`an unprivileged user ${capability} and a port below 1024`, { timeout: 60_000, skip }, async () => {
    const [low, high] = [await lowPort(), await freePort()];
    const directory = await mkdtemp(join(home, 'run-'));
    const file = join(directory, 'ims.yaml');
    await writeFile(
      file,
      `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  low: { profile: mx, address: 127.0.0.1, port: ${low} }
  high: { profile: mx, address: 127.0.0.1, port: ${high} }
domains: { example.test: { mailboxes: { alice: {} } } }
`,
    );
    for (const path of [home, directory, file]) await chown(path, NOBODY, NOBODY);
    const child = spawn(
      'setpriv',
      [
        '--reuid',
        'nobody',
        '--regid',
        'nogroup',
        '--clear-groups',
        ...words,
        process.execPath,
        MAIN,
        'run',
        '--config',
        file,
      ],
      {
        cwd: directory,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    await until('its start', () => output.includes('"event":1000'), 20_000);
    await sendOne(high, 'alice@example.test');
    if (capability === 'without it') {
      assert.match(output, /"event":4007.*EACCES/);
      await assert.rejects(sendOne(low, 'alice@example.test'));
    } else await sendOne(low, 'alice@example.test');
    child.kill('SIGTERM');
    assert.equal(await ended, 0, output);
  });
}
