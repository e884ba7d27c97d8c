import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { spawn } from 'node:child_process';
import { chmod, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import type { DoctorReport } from '../../../src/operate/doctor/index.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService;
let port: number;
const YEAR_MS = 365 * 86_400_000;

before(async () => {
  port = await freePort();
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port } }));
});
after(() => service.remove());

async function report(...words: string[]): Promise<{ code: number; report: DoctorReport }> {
  const { code, stdout, stderr } = await service.ims('doctor', '--json', ...words);
  assert.notEqual(stdout, '', stderr);
  return { code, report: JSON.parse(stdout) as DoctorReport };
}

function unhealthyOf({ findings }: DoctorReport) {
  return findings.flatMap(({ id, verdict }) => (verdict.kind === 'unhealthy' ? [{ ...verdict, id }] : []));
}

test('a healthy service has nothing unhealthy, whatever name servers this machine has', async () => {
  const { code, report: found } = await report();
  assert.deepEqual(unhealthyOf(found), []);
  assert.equal(found.counts.broken, 0, JSON.stringify(found.findings));
  assert.equal(code, 0);
  for (const id of ['service.everything-runs', 'listeners.ports-ours', 'listeners.answer', 'tls.certificate-names'])
    assert.equal(found.findings.find((one) => one.id === id)?.verdict.kind, 'healthy', id);
  assert.ok(found.tookMs < 10_000);
  const { stdout } = await service.ims('doctor');
  assert.match(stdout, /^mail\.example\.test: Nothing is wrong that can be seen/);
});

test('listeners of every profile complete a TLS handshake', async () => {
  const ports = {
    mx: await freePort(),
    submission: await freePort(),
    submissions: await freePort(),
    lmtp: await freePort(),
  };
  const other = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: ${ports.mx} }
  submission: { profile: submission, address: 127.0.0.1, port: ${ports.submission} }
  submissions: { profile: submission, address: 127.0.0.1, port: ${ports.submissions}, tls: implicit }
  lmtp: { profile: lmtp, address: 127.0.0.1, port: ${ports.lmtp}, tls: starttls }
domains: { example.test: { mailboxes: { alice: {} } } }
`,
  );
  try {
    const look = async () => {
      const { stdout } = await other.ims('doctor', '--json', '--only', 'tls.handshake');
      return (JSON.parse(stdout) as DoctorReport).findings.find(({ id }) => id === 'tls.handshake')?.verdict;
    };
    const found = await look();
    assert.equal(found?.kind, 'healthy', JSON.stringify(found));
    assert.equal(found?.evidence.length, 8);

    // Renewed on disk some time ago, and never loaded.
    const { certificatePem, keyPem } = await makeSelfSigned('mail.example.test', Date.now());
    const before = new Date(Date.now() - 3_600_000);
    for (const [name, pem] of [
      ['pem', certificatePem],
      ['key', keyPem],
    ] as const) {
      const path = join(other.directory, `data/tls/self-signed.${name}`);
      await writeFile(path, pem);
      await utimes(path, before, before);
    }
    const old = await look();
    assert.ok(old?.kind === 'unhealthy' && /still shows the certificate that was loaded before/.test(old.cause));
    assert.match(old.cure, /^ims reload/);
    await other.ims('reload');
    assert.equal((await look())?.kind, 'healthy');
  } finally {
    await other.remove();
  }
});

test('a directory that others may enter is unhealthy, with the command that mends it', async () => {
  await chmod(join(service.directory, 'data/run'), 0o755);
  const { code, report: found } = await report();
  await chmod(join(service.directory, 'data/run'), 0o700);
  assert.equal(code, 1);
  const [one, ...others] = unhealthyOf(found);
  assert.deepEqual(others, []);
  assert.equal(one?.cure, `chmod 700 ${join(service.directory, 'data/run')}`);
});

test('--only, --explain and a name that is none', async () => {
  const { report: found } = await report('--only', 'policy');
  const [first, ...others] = found.findings.map(({ id }) => id);
  assert.equal(first, 'configuration.loads');
  assert.ok(others.includes('policy.no-open-relay') && !others.includes('storage.space'), others.join(' '));
  assert.match((await service.ims('doctor', '--explain', 'listeners.answer')).stdout, /banner/);
  assert.equal((await service.ims('doctor', '--only', 'nothing')).code, 2);
});

/** Another program on the port; resolves with its pid when it listens. */
async function holder(): Promise<{ readonly pid: number; stop(): Promise<void> }> {
  const program = `require('node:net').createServer().listen(${port}, '127.0.0.1', () => console.log('ready'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    pid: child.pid ?? -1,
    stop: () => {
      child.kill();
      return ended;
    },
  };
}

test('Q222553: without the service it says so, names the holder of a taken port, and what waits behind', async () => {
  await service.stop();
  const other = await holder();
  const { code, report: found } = await report();
  await other.stop();
  assert.equal(code, 1);
  const byId = new Map(unhealthyOf(found).map((one) => [one.id, one]));
  assert.deepEqual([...byId.keys()], ['service.answers', 'listeners.ports-ours']);
  const taken = byId.get('listeners.ports-ours');
  assert.match(
    taken?.cause ?? '',
    new RegExp(`127\\.0\\.0\\.1:${port} of listener mx is held by node \\(pid ${other.pid}`),
  );
  assert.equal(taken?.event, 4007);
  assert.match(byId.get('service.answers')?.cure ?? '', /^ims run --config /);
  assert.equal(found.findings.find(({ id }) => id === 'listeners.answer')?.verdict.kind, 'blocked');
});

test('a data directory that is gone is unhealthy, and what stands on it is blocked', async () => {
  const data = join(service.directory, 'data');
  await rename(data, `${data}.away`);
  const { report: found } = await report('--only', 'storage');
  await rename(`${data}.away`, data);
  const [one, ...others] = unhealthyOf(found);
  assert.deepEqual(others, []);
  assert.match(one?.cause ?? '', /which held a spool .* does not exist: its volume is not mounted/);
  assert.ok(found.counts.blocked >= 6);
});

test('a certificate that expired, is for another name, or whose key is another is unhealthy', async () => {
  const text = await readFile(service.configuration, 'utf8');
  const certificate = join(service.directory, 'certificate.pem');
  const key = join(service.directory, 'key.pem');
  await writeFile(service.configuration, `${text}tls: { certificate: ${certificate}, key: ${key} }\n`);
  const use = async (name: string, madeMs: number): Promise<readonly string[]> => {
    const made = await makeSelfSigned(name, madeMs);
    await writeFile(certificate, made.certificatePem);
    await writeFile(key, made.keyPem, { mode: 0o600 });
    assert.ok(new X509Certificate(made.certificatePem).subject.includes(name));
    return unhealthyOf((await report('--only', 'tls')).report)
      .filter(({ id }) => id.startsWith('tls.'))
      .map(({ id, cause }) => `${id}: ${cause}`);
  };
  const now = performance.timeOrigin;
  const [expired, ...rest] = await use('mail.example.test', now - 11 * YEAR_MS);
  assert.match(expired ?? '', /^tls\.certificate-dates: The certificate .* expired on /);
  assert.deepEqual(rest, []);
  assert.match((await use('mail.example.test', now - 10 * YEAR_MS + 5 * 86_400_000)).join(), /expires in [45] days/);
  assert.match(
    (await use('other.example.test', now)).join(),
    /^tls\.certificate-names: .* is for other\.example\.test, not for mail/,
  );
  await writeFile(key, (await makeSelfSigned('mail.example.test', now)).keyPem);
  await chmod(key, 0o644);
  const found = unhealthyOf((await report('--only', 'tls')).report).map(({ id }) => id);
  // The service was stopped before: what asks it waits for that.
  assert.deepEqual(found, ['service.answers', 'tls.certificate-and-key', 'tls.key-mode']);
  await writeFile(service.configuration, text);
});

/** Takes connections away from a listener, as a proxy layer or a more exact address does. */
async function imposter(): Promise<Server> {
  const server = createServer((socket) => socket.end('220 somebody.else ESMTP\r\n'));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

test('a configuration that does not load is named with its line; all that needs it waits', async () => {
  const text = await readFile(service.configuration, 'utf8');
  await writeFile(service.configuration, text.replace('profile:', 'profil:'));
  const { code, report: found } = await report();
  await writeFile(service.configuration, text);
  assert.equal(code, 1);
  const [one, ...others] = unhealthyOf(found);
  assert.deepEqual(others, []);
  assert.match(one?.cause ?? '', /ims\.yaml:\d+:\d+: error: .*did you mean 'profile'/);
  assert.equal(found.counts.broken, 0);
});

test('a foreign program that answers at the port is told from the service by pid', async () => {
  const server = await imposter();
  const seen = await new Promise<string>((resolve) =>
    connect(port, '127.0.0.1').once('data', (chunk) => resolve(String(chunk))),
  );
  assert.match(seen, /^220 somebody/);
  const { report: found } = await report('--only', 'listeners');
  await new Promise((resolve) => server.close(resolve));
  assert.match(
    unhealthyOf(found).find(({ id }) => id === 'listeners.ports-ours')?.cause ?? '',
    new RegExp(`\\(pid ${process.pid}`),
  );
});
