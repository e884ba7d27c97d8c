import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { DoctorReport } from '../../../src/operate/doctor/index.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const CHECK = 'storage.private';
const LOOKS_MS = 40_000;
let service: TestService;
let folder: string;

before(async () => {
  const port = await freePort();
  service = await startService((directory) =>
    testConfiguration({ directory, ports: { mx: port }, more: 'doctor: { every: 10s }\n' }),
  );
  folder = join(service.directory, 'data/queue');
});
after(() => service.remove());

async function found(
  ...words: string[]
): Promise<DoctorReport & { changes?: readonly { what: string; check: string }[] }> {
  const { stdout, stderr } = await service.ims('doctor', '--json', '--only', CHECK, ...words);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as DoctorReport;
}

const told = (number: number): number => service.events.filter(({ event }) => event === number).length;

test('the service finds by itself what is not well, tells it once, and once when it is over', async () => {
  assert.equal(told(3960), 0);
  await chmod(folder, 0o755);
  const event = await service.seen(3960, LOOKS_MS);
  assert.equal(event.data['check'], CHECK);
  assert.match(event.text, /queue/);
  const [finding] = (await found()).findings.filter(({ id }) => id === CHECK);
  assert.ok(finding?.verdict.kind === 'unhealthy' && (finding.sinceMs ?? 0) > 0);
  await service.stop();
  await service.restart();
  const since = (await conditions())[0]?.sinceMs;
  assert.equal(since, finding.sinceMs, 'a restart begins nothing anew');
  await chmod(folder, 0o700);
  const { code, stdout } = await service.ims('doctor', '--watch', CHECK, '--every', '1s', '--for', '20s');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /healthy .*is well/);
  await service.seen(2960, LOOKS_MS);
  assert.equal(told(3960), 0, 'a restart tells nothing again');
  const changes = (await found('--since', '1h')).changes ?? [];
  assert.deepEqual(
    changes.map(({ what, check }) => `${what} ${check}`),
    [`found ${CHECK}`, `over ${CHECK}`],
  );
});

async function conditions(): Promise<readonly { check: string; sinceMs: number }[]> {
  for (let tries = 0; tries < 50; tries += 1) {
    const { findings } = await found();
    const known = findings.flatMap(({ id, sinceMs }) => (sinceMs === undefined ? [] : [{ check: id, sinceMs }]));
    if (known.length > 0) return known;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return [];
}

test('what is watched and does not become well is given up with exit code 1, and a change says so once', async () => {
  await chmod(folder, 0o755);
  const { code, stdout } = await service.ims('doctor', '--watch', CHECK, '--every', '1s', '--for', '3s');
  await chmod(folder, 0o700);
  assert.equal(code, 1, stdout);
  assert.equal(stdout.match(/unhealthy/g)?.length, 1);
  assert.match(stdout, /given-up/);
  assert.equal((await service.ims('doctor', '--watch', 'no.such')).code, 2);
});

test('without a service the changes are read from the event log', async () => {
  await service.stop();
  const changes = (await found('--since', '1h')).changes ?? [];
  assert.ok(changes.some(({ what, check }) => what === 'found' && check === CHECK));
});
