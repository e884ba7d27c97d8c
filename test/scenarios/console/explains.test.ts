import assert from 'node:assert/strict';
import { mkdir, rename, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Browser, type Got, request } from '../../support/browser.ts';
import { until } from '../../support/processes.ts';
import { freePort, type TestService } from '../../support/service.ts';
import { startWithConsole, tokenOf } from '../../support/with-console.ts';

let service: TestService | undefined;
let other: Server | undefined;
afterEach(async () => {
  other?.close();
  other = undefined;
  await service?.remove();
  service = undefined;
});

async function overviewOf(running: TestService, port: number): Promise<Got> {
  const browser = new Browser(port);
  return browser.logIn(await tokenOf(running));
}

test('while the storage is away the console says so with cause, what was seen, and cure', {
  timeout: 180_000,
}, async () => {
  const port = await freePort();
  const running = await startWithConsole(`127.0.0.1:${port}`, { mx: await freePort() });
  service = running;
  const before = await tokenOf(running);
  await running.stop();
  const [data, away] = [join(running.directory, 'data'), join(running.directory, 'away')];
  await rename(data, away);
  await mkdir(data, { mode: 0o700 });
  await running.restart(3752);
  const { text } = await overviewOf(running, port);
  assert.match(text, /class="verdict bad">No mail is accepted: storage: [^<]* held a spool/);
  assert.match(text, /<h3>storage: failed, for /);
  assert.match(text, /<pre>findmnt -T /);
  assert.match(text, /<a href="\/kb\/4753">/);
  const during = await tokenOf(running);
  assert.notEqual(during, before, 'the token on the drive cannot be read');
  const api = await request(port, '/api/status', { fields: { authorization: `Bearer ${during}` } });
  assert.equal(api.status, 200);
  await rmdir(data);
  await rename(away, data);
  await running.seen(1000, 30_000);
  await until('the token of the drive counts again', async () => (await tokenOf(running)) === before, 30_000);
  assert.match((await overviewOf(running, port)).text, /class="verdict good">Everything runs\./);
});

test('with a configuration that does not load the console is where the last good one has it, and shows the lines', {
  timeout: 120_000,
}, async () => {
  const port = await freePort();
  const mx = await freePort();
  const running = await startWithConsole(`127.0.0.1:${port}`, { mx });
  service = running;
  await tokenOf(running);
  await until('the last good one', () =>
    stat(join(running.directory, 'data/last-good.json')).then(
      () => true,
      () => false,
    ),
  );
  await running.stop();
  const good = await readFile(running.configuration, 'utf8');
  await writeFile(
    running.configuration,
    good.replace(`port: ${mx}`, 'port: lots').replace(/console: '[^']*'/, "console: 'nowhere'"),
  );
  await running.restart();
  const { text } = await overviewOf(running, port);
  assert.match(text, /<h3>configuration: degraded/);
  assert.match(text, /listeners\.mx\.port/);
  assert.match(text, /<a href="\/kb\/3751">/);
});

test('with no listener that can be bound the console says which program has the port', {
  timeout: 120_000,
}, async () => {
  const port = await freePort();
  const mx = await freePort();
  const running = await startWithConsole(`127.0.0.1:${port}`, { mx });
  service = running;
  await running.stop();
  const blocker = createServer();
  other = blocker;
  await new Promise<void>((resolve) => blocker.listen(mx, '127.0.0.1', resolve));
  await running.restart(4007);
  const { text } = await overviewOf(running, port);
  assert.match(text, /class="verdict bad">No mail is accepted: listener mx/);
  assert.match(text, /<a href="\/kb\/4007">/);
  const browser = new Browser(port);
  await browser.logIn(await tokenOf(running));
  assert.match((await browser.get('/kb/4007')).text, /<h2>What to do<\/h2>/);
  assert.match((await browser.get('/events?severity=error')).text, /<a href="\/kb\/4007">4007 error<\/a>/);
  const running2 = await browser.post('/doctor', { only: 'listeners' }, '/doctor');
  assert.match(running2.text, /http-equiv="refresh"|unhealthy/);
  await until(
    'the verdicts',
    async () => /<code>listeners\.[a-z-]+<\/code>/.test((await browser.get('/doctor')).text),
    20_000,
  );
  assert.match((await browser.get('/doctor')).text, /unhealthy<\/span> <code>listeners\./);
});
