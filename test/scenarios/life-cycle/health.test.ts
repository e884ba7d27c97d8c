import assert from 'node:assert/strict';
import { rename, writeFile, readFile, mkdir, rmdir } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { until } from '../../support/processes.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService;
let health: number;
let other: number;
let holder: Server | undefined;
before(async () => {
  const mx = await freePort();
  health = await freePort();
  other = await freePort();
  const more = 'names: { servers: [127.0.0.1] }\n';
  service = await startService((directory) =>
    testConfiguration({ directory, ports: { mx }, more }).replace(
      'server: {',
      `server: { health: '127.0.0.1:${health}',`,
    ),
  );
});
after(async () => {
  holder?.close();
  await service.remove();
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

function ask(path: string, where: object = { port: health }, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', path, method, ...where }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) }),
      );
    });
    asked.once('error', reject);
    asked.end();
  });
}

test('a service that accepts mail is live and ready', async () => {
  // On a busy machine the start is told before the operator process has its endpoint.
  await until('it answers', async () =>
    ask('/live').then(
      () => true,
      () => false,
    ),
  );
  assert.deepEqual(await ask('/live'), { status: 200, body: { live: true, verdict: 'Everything runs.' } });
  assert.deepEqual(await ask('/ready?x=1'), { status: 200, body: { ready: true, verdict: 'Everything runs.' } });
  assert.deepEqual(await ask('/ready', { port: health }, 'HEAD'), { status: 200, body: {} });
  assert.equal((await ask('/other')).status, 404);
  assert.equal((await ask('/ready', { port: health }, 'POST')).status, 405);
});

test('a request that does not end, is too long or no HTTP harms nobody', async () => {
  const said = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let got = '';
      const socket = connect(health, '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
      socket.once('error', () => resolve(got));
      socket.once('close', () => resolve(got));
    });
  assert.match(await said(`GET /${'x'.repeat(10_000)}`), /^HTTP\/1\.1 400 /);
  assert.match(await said('EHLO client.test\r\n\r\n'), /^HTTP\/1\.1 400 /);
  const idle = Array.from({ length: 30 }, () => connect(health, '127.0.0.1'));
  for (const socket of idle) socket.on('error', () => undefined);
  await until('those beyond the limit are refused', () => idle.filter(({ closed }) => closed).length >= 14);
  for (const socket of idle) socket.destroy();
  await until('there is room again', async () =>
    ask('/ready').then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
});

test('a place that somebody else has is told once, tried again, and a reload moves it', async () => {
  const text = await readFile(service.configuration, 'utf8');
  holder = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => holder?.listen(other, '127.0.0.1', resolve));
  await writeFile(service.configuration, text.replace(`:${health}'`, `:${other}'`));
  assert.equal((await service.ims('reload')).code, 0);
  const { data } = await service.seen(3753);
  assert.deepEqual(data, { place: `127.0.0.1:${other}`, cause: 'EADDRINUSE' });
  assert.match((await service.ims('status')).stdout, /health endpoint: failed/);
  await new Promise((resolve) => holder?.close(resolve));
  holder = undefined;
  await service.seen(2753, 15_000);
  assert.equal((await ask('/live', { port: other })).status, 200);
  const socketPath = join(service.directory, 'health');
  await writeFile(service.configuration, text.replace(`127.0.0.1:${health}`, socketPath));
  assert.equal((await service.ims('reload')).code, 0);
  await until('it is at the socket', async () =>
    ask('/live', { socketPath }).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  await writeFile(service.configuration, text);
  assert.equal((await service.ims('reload')).code, 0);
});

test('who asks while the operator process begins anew waits for it, and is answered', async () => {
  const { stdout } = await service.ims('status', '--json');
  const { processes } = JSON.parse(stdout) as { processes: readonly { role: string; pid: number }[] };
  await until('it is back where it was', async () =>
    ask('/live').then(
      () => true,
      () => false,
    ),
  );
  process.kill(processes.find(({ role }) => role === 'operator')?.pid ?? -1, 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (let asked = 0; asked < 5; asked += 1) assert.equal((await ask('/live')).status, 200);
});

test('a service that accepts no mail is live, not ready, and says why', async () => {
  await service.stop();
  const data = join(service.directory, 'data');
  await rename(data, `${data}.away`);
  await mkdir(data);
  await service.restart(3752);
  const { status, body } = await ask('/ready');
  assert.equal(status, 503);
  assert.match(String(body['verdict']), /^No mail is accepted: storage: /);
  assert.equal((await ask('/live')).status, 200);
  await rmdir(data);
  await rename(`${data}.away`, data);
  await service.seen(2751, 15_000);
  const started = service.seen(1000, 15_000).then(() => true);
  let runs = false;
  void started.then(() => {
    runs = true;
  });
  while (!runs) {
    const answered = await ask('/live').then(
      () => true,
      (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED',
    );
    assert.ok(answered, 'somebody takes the question');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await started;
  // The operator process has begun anew, at the place where it belongs.
  await until('it is ready', async () =>
    ask('/ready').then(
      (answer) => answer.status === 200,
      () => false,
    ),
  );
});
