import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testConfiguration } from '../../support/configurations.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));

let service: TestService;
let port: number;
let good: string;
before(async () => {
  port = await freePort();
  const more = 'names: { servers: [127.0.0.1] }\n';
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, more }));
  good = await readFile(service.configuration, 'utf8');
});
after(() => service.remove());

const breakIt = (): Promise<void> => writeFile(service.configuration, good.replace(`port: ${port}`, 'port: lots'));
const lastGood = (): string => join(service.directory, 'data/last-good.json');

/** Runs `ims run` to its end. */
function runToEnd(): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  const child = spawn(process.execPath, [MAIN, 'run', '--config', service.configuration], { cwd: service.directory });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, lines: text.trimEnd().split('\n') })));
}

test('the configuration in use is kept, for its owner alone', async () => {
  await until('it is kept', async () =>
    stat(lastGood()).then(
      () => true,
      () => false,
    ),
  );
  assert.equal((await stat(lastGood())).mode & 0o777, 0o600);
});

test('Q231878: a refused reload is a part that is not well until the file loads again', async () => {
  await breakIt();
  assert.notEqual((await service.ims('reload')).code, 0);
  assert.match((await service.ims('status')).stdout, /configuration: degraded[\s\S]*listeners\.mx\.port/);
  await writeFile(service.configuration, good);
  assert.equal((await service.ims('reload')).code, 0);
  assert.match((await service.ims('status')).stdout, /^Everything runs/);
});

test('Q182522: a start with a file that does not load goes on with the last good one, and says so', async () => {
  await service.stop();
  await breakIt();
  const check = await service.ims('config', 'check');
  assert.equal(check.code, 1);
  assert.match(check.stdout, /A start would use the last good one, of 20/);
  await service.restart();
  const { text } = await service.seen(3751);
  assert.match(text, /listeners\.mx\.port.*lots/);
  await sendOne(port, 'alice@example.test');
  assert.match((await service.ims('status')).stdout, /the last good one is in use instead/);
  await writeFile(service.configuration, good);
  assert.equal((await service.ims('reload')).code, 0);
  assert.match((await service.ims('status')).stdout, /^Everything runs/);
});

test('a file that is gone is no reason to stop either, and tools find the service', async () => {
  await service.stop();
  await rename(service.configuration, `${service.configuration}.aside`);
  await service.restart();
  await service.seen(3751);
  assert.match((await service.ims('status')).stdout, /there is no such file/);
  await rename(`${service.configuration}.aside`, service.configuration);
});

test('Q173496: a certificate that is gone leaves the service without TLS, not without mail', async () => {
  await service.stop();
  await rm(lastGood());
  await writeFile(service.configuration, `${good}tls: { certificate: /nowhere/cert.pem, key: /nowhere/key.pem }\n`);
  const check = await service.ims('config', 'check');
  assert.match(check.stdout, /A start would go on without TLS/);
  await service.restart();
  await service.seen(3750);
  await sendOne(port, 'alice@example.test');
  const { stdout } = await service.ims('status');
  assert.match(stdout, /certificate: degraded[\s\S]*nowhere\/cert\.pem/);
});

test('where nothing can run the last lines are the cause and what to do next', async () => {
  await service.stop();
  await rm(lastGood());
  await breakIt();
  const refused = await runToEnd();
  assert.equal(refused.code, 78);
  assert.match(refused.lines.at(-3) ?? '', /:\d+:\d+: error: listeners\.mx\.port/);
  assert.match(refused.lines.at(-2) ?? '', /^ims: nothing can run: the configuration .* no last good one/);
  assert.match(refused.lines.at(-1) ?? '', /^ims: next: .*ims config check --config /);
  await writeFile(service.configuration, good);
  await service.restart();
  const second = await runToEnd();
  assert.equal(second.code, 1);
  assert.match(second.lines.at(-2) ?? '', /^ims: nothing can run: another ims service works with /);
  assert.match(second.lines.at(-1) ?? '', /^ims: next: ims status/);
});
