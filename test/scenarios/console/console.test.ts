import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Browser, request } from '../../support/browser.ts';
import { startWithConsole, tokenOf } from '../../support/with-console.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, type TestService } from '../../support/service.ts';

let service: TestService | undefined;
let other: Server | undefined;
afterEach(async () => {
  other?.close();
  other = undefined;
  await service?.remove();
  service = undefined;
});

async function started(port: number, mx: number): Promise<TestService> {
  service = await startWithConsole(`127.0.0.1:${port}`, { mx });
  return service;
}

test('the console tells what the status tells, to whoever has the token', { timeout: 120_000 }, async () => {
  const port = await freePort();
  const running = await started(port, await freePort());
  const token = await tokenOf(running);
  const browser = new Browser(port);
  const first = await browser.get('/queue');
  assert.match(first.text, /name="token"/);
  assert.doesNotMatch(first.text, /Everything|Queue/);
  assert.match((await browser.logIn('wrong')).text, /This is not the token/);
  const home = await browser.logIn(token);
  const verdict = (await running.ims('status')).stdout.split('\n')[0] ?? '';
  assert.ok(home.text.includes(`<p class="verdict good">${verdict}</p>`), home.text);
  assert.match(String(home.fields['content-security-policy']), /default-src 'none'/);
  await running.seen(2807, 30_000);
  const out = await browser.post('/logout', {}, '/');
  assert.match(out.text, /name="token"/);
});

test('without the place of the console mail runs; it is said once, and over when the place is free', {
  timeout: 120_000,
}, async () => {
  const port = await freePort();
  const blocker = createServer();
  other = blocker;
  await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve));
  const mx = await freePort();
  const running = await started(port, mx);
  const seen = await running.seen(3806, 30_000);
  assert.equal(seen.data['cause'], 'EADDRINUSE');
  await sendOne(mx, 'alice@example.test');
  const { stdout } = await running.ims('status', '--all');
  assert.match(stdout, /^Mail is accepted; one thing is not well: console: 127\.0\.0\.1:\d+: EADDRINUSE\./);
  assert.match(stdout, /^administrator API +stopped .* waits for the place of the console/m);
  await new Promise<void>((resolve) => blocker.close(() => resolve()));
  await running.seen(2806, 30_000);
  assert.equal(running.events.filter(({ event }) => event === 3806).length, 1);
  assert.equal((await request(port, '/login')).status, 200);
});

test('after too many wrong tokens others are put off for a while, the right one is not, and it is said', {
  timeout: 120_000,
}, async () => {
  const port = await freePort();
  const running = await started(port, await freePort());
  const token = await tokenOf(running);
  const browser = new Browser(port);
  await browser.logIn(token);
  const ask = async (given: string): Promise<number> =>
    (await request(port, '/api', { fields: { authorization: `Bearer ${given}` } })).status;
  const answers = [];
  for (let i = 0; i < 11; i += 1) answers.push(await ask('wrong'));
  assert.deepEqual(answers, [...Array.from({ length: 10 }, () => 401), 429]);
  assert.equal(await ask(token), 200);
  assert.match((await browser.get('/')).text, /class="verdict/, 'who is logged in stays so');
  const seen = await running.seen(3807, 30_000);
  assert.equal(seen.data['failures'], 10);
});

test('another place is used at a reload, also a socket; and another token ends what the old one opened', {
  timeout: 120_000,
}, async () => {
  const port = await freePort();
  const running = await started(port, await freePort());
  const first = await tokenOf(running);
  const socket = join(running.directory, 'console.socket');
  const text = await readFile(running.configuration, 'utf8');
  await writeFile(running.configuration, text.replace(`127.0.0.1:${port}`, socket));
  await rm(join(running.directory, 'data/console.token'));
  assert.equal((await running.ims('reload')).code, 0);
  await until('the socket', async () => (await running.ims('console')).stdout.includes(socket), 30_000);
  const second = await tokenOf(running);
  assert.notEqual(second, first);
  await until('it answers', async () =>
    request(socket, '/login').then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  const ask = async (token: string): Promise<number> =>
    (await request(socket, '/api/status', { fields: { authorization: `Bearer ${token}` } })).status;
  assert.deepEqual([await ask(first), await ask(second)], [401, 200]);
  await assert.rejects(request(port, '/login'));
  await writeFile(running.configuration, text.replace(/console: '[^']*',/, ''));
  assert.equal((await running.ims('reload')).code, 0);
  await until(
    'nothing is there',
    async () =>
      request(socket, '/login').then(
        () => false,
        () => true,
      ),
    10_000,
  );
  const { code, stderr } = await running.ims('console');
  assert.equal(code, 1);
  assert.match(stderr, /No console: set server\.console/);
});

test('an address that others reach is refused, with the way there', async () => {
  const port = await freePort();
  const running = await started(port, await freePort());
  const text = await readFile(running.configuration, 'utf8');
  await writeFile(running.configuration, text.replace(`127.0.0.1:${port}`, '0.0.0.0:8026'));
  const { code, stdout, stderr } = await running.ims('config', 'check');
  assert.equal(code, 1);
  assert.match(stdout + stderr, /server\.console[\s\S]*SSH tunnel[\s\S]*reverse proxy/);
});
