import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testConfiguration } from '../../support/configurations.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { family, until } from '../../support/processes.ts';
import { greeted, sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const STOP_MS = 10_000;

let service: TestService;
let port: number;
let more = '';

const begin = async (): Promise<void> => {
  port = await freePort();
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, workers: 2, more }));
};
beforeEach(() => {
  more = '';
});
afterEach(() => service.remove());

const inbox = (name: string): Promise<string[]> =>
  readdir(join(service.directory, `data/mail/example.test/${name}/new`)).catch(() => []);
const alive = (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, 'latin1').then(
    (stat) => !/\) [ZX] /.test(stat),
    () => false,
  );

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends idle sessions with 421 and the service in time`, { timeout: 60_000 }, async () => {
    await begin();
    const lines = await Promise.all(Array.from({ length: 20 }, () => greeted(port)));
    const started = performance.now();
    const goodbyes = Promise.all(lines.map((line) => line.reply()));
    service.kill(signal);
    for (const reply of await goodbyes) assert.match(reply, /^421 /);
    assert.equal(await service.stop(), 0);
    const took = performance.now() - started;
    assert.ok(took < 3_000, `ended in ${took.toFixed(0)} ms although nothing was under way`);
    assert.ok(service.events.some(({ event }) => event === 1001));
  });
}

test('children are in groups of their own, so that a terminal interrupts the supervisor only', {
  timeout: 60_000,
}, async () => {
  await begin();
  const group = async (pid: number): Promise<string> =>
    (await readFile(`/proc/${pid}/stat`, 'latin1')).replace(/^.*\) /, '').split(' ')[2] ?? '';
  const own = await group(service.pid);
  const children = (await family(service.pid)).slice(1);
  assert.equal(children.length, 3);
  for (const pid of children) assert.notEqual(await group(pid), own);
});

test('a transaction under way is finished at a stop, then told 421; its message is kept', {
  timeout: 60_000,
}, async () => {
  await begin();
  const line = await greeted(port);
  await line.say('MAIL FROM:<sender@client.test>', 250);
  await line.say('RCPT TO:<alice@example.test>', 250);
  await line.say('DATA', 354);
  const taken = line.say('Subject: first half\r\n\r\nhalf', 250);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const started = performance.now();
  const ended = service.stop();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  line.send('other half\r\n.\r\n');
  assert.match(await taken, /^250 /);
  assert.match(await line.reply(), /^421 /);
  assert.equal(await ended, 0);
  assert.ok(performance.now() - started < STOP_MS);
  await service.restart();
  await until('its delivery', async () => (await inbox('alice')).length === 1);
});

test('a transaction that never ends is cut, and the stop is in time', { timeout: 60_000 }, async () => {
  await begin();
  const line = await greeted(port);
  await line.say('MAIL FROM:<sender@client.test>', 250);
  await line.say('RCPT TO:<alice@example.test>', 250);
  await line.say('DATA', 354);
  line.send('Subject: never\r\n');
  const started = performance.now();
  assert.equal(await service.stop(), 0);
  assert.ok(performance.now() - started < STOP_MS);
  line.close();
});

test('a next hop that does not answer does not hold up a stop; its mail is tried again', {
  timeout: 60_000,
}, async () => {
  let silent = true;
  const taken: string[] = [];
  const sink = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('220 slow.test\r\n');
    let data = false;
    socket.on('data', (chunk) => {
      for (const text of chunk.toString('latin1').split('\r\n')) {
        if (data) {
          if (text !== '.') continue;
          data = false;
          if (silent) return;
          taken.push('one');
          socket.write('250 taken\r\n');
        } else if (text === 'DATA') {
          data = true;
          socket.write('354 go on\r\n');
        } else if (text !== '') socket.write('250 ok\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const address = sink.address();
  const to = typeof address === 'object' && address !== null ? address.port : 0;
  more = `policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts: { slow: { hosts: [{ host: 127.0.0.1, port: ${to} }], tls: none } }
  addressSpaces: [{ match: '*', via: slow }]
scheduler: { normal: { first: 1s } }
`;
  await begin();
  await sendOne(port, 'somebody@slow.test');
  await new Promise((resolve) => setTimeout(resolve, 500));
  const started = performance.now();
  assert.equal(await service.stop(), 0);
  assert.ok(performance.now() - started < STOP_MS, `${performance.now() - started} ms`);
  silent = false;
  await service.restart();
  await until('the second try', () => taken.length === 1, 15_000);
  sink.close();
});

test('a second service on the same data says so and ends; the first does not notice', { timeout: 60_000 }, async () => {
  await begin();
  const second = await service.ims('run', '--config', service.configuration);
  assert.equal(second.code, 1);
  assert.match(second.stdout, /"event":4801,.*already/);
  await sendOne(port, 'alice@example.test');
});

test('after kill -9 of the supervisor its workers leave by themselves', { timeout: 60_000 }, async () => {
  await begin();
  const idle = await greeted(port);
  const children = (await family(service.pid)).slice(1);
  service.kill('SIGKILL');
  assert.match(await idle.reply(), /^421 /);
  const started = performance.now();
  await until(
    'the end of all children',
    async () => (await Promise.all(children.map(alive))).every((one) => !one),
    5_000,
  );
  const took = performance.now() - started;
  assert.ok(took < 2_500, `took ${took.toFixed(0)} ms`);
  await service.restart();
  await sendOne(port, 'alice@example.test');
});

test('Q201121: after kill -9 of the supervisor a new service starts at once, although an old worker is busy', {
  timeout: 60_000,
}, async () => {
  await begin();
  const busy = await greeted(port);
  await busy.say('MAIL FROM:<sender@client.test>', 250);
  await busy.say('RCPT TO:<alice@example.test>', 250);
  await busy.say('DATA', 354);
  busy.send('Subject: half\r\n');
  service.kill('SIGKILL');
  const started = performance.now();
  await service.restart();
  await sendOne(port, 'alice@example.test');
  const took = performance.now() - started;
  console.log(`# accepts again ${took.toFixed(0)} ms after kill -9`);
  assert.ok(took < 5_000, `took ${took.toFixed(0)} ms`);
  await until('its delivery', async () => (await inbox('alice')).length === 1);
  busy.close();
});

test('a killed operator process comes back, and mail does not notice', { timeout: 60_000 }, async () => {
  await begin();
  const line = await greeted(port);
  await line.say('MAIL FROM:<sender@client.test>', 250);
  const workers = new Set(await service.workers());
  const operator = (await family(service.pid)).slice(1).find((pid) => !workers.has(pid));
  assert.ok(operator !== undefined);
  process.kill(operator, 'SIGKILL');
  await line.say('RCPT TO:<alice@example.test>', 250);
  await line.say('DATA', 354);
  await line.say('Subject: undisturbed\r\n\r\nbody\r\n.', 250);
  line.close();
  await until('an answer of the control socket', async () => (await service.ims('status')).code === 0, 10_000);
});

test('a killed worker is back within a second, and connections wait meanwhile', { timeout: 60_000 }, async () => {
  port = await freePort();
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, workers: 1 }));
  const [worker] = await service.workers();
  assert.ok(worker !== undefined);
  process.kill(worker, 'SIGKILL');
  const started = performance.now();
  const line = await SmtpLine.open(port);
  await line.expect(220);
  const took = performance.now() - started;
  line.close();
  console.log(`# greeted ${took.toFixed(0)} ms after the kill of the only worker`);
  assert.ok(took < 3_000, `took ${took.toFixed(0)} ms`);
  const { data } = await service.seen(3800);
  assert.deepEqual(data, { role: 'worker', index: 0, how: 'SIGKILL', wait: 0 });
  const status = JSON.parse((await service.ims('status', '--json')).stdout) as {
    processes: { role: string; restarts: number }[];
  };
  assert.equal(status.processes.find(({ role }) => role === 'worker')?.restarts, 1);
});

test('a worker that ends again and again is started with growing waits', { timeout: 60_000 }, async () => {
  port = await freePort();
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, workers: 1 }));
  for (let kills = 0; kills < 4; kills += 1) {
    // One that is killed before it is ready again has told nothing new.
    (await greeted(port)).close();
    const [worker] = await service.workers();
    if (worker !== undefined) process.kill(worker, 'SIGKILL');
    await until('its end', () => service.events.filter(({ event }) => event === 3800).length > kills);
  }
  assert.deepEqual(
    service.events.filter(({ event }) => event === 3800).map(({ data }) => data['wait']),
    [0, 200, 1000, 3000],
  );
  await sendOne(port, 'alice@example.test');
});

test('a terminal that is interrupted ends the service in order', { timeout: 60_000 }, async () => {
  await begin();
  await service.stop();
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'run', '--config', service.configuration], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  await until('its start', () => out.includes('"event":1000'), 20_000);
  assert.ok(child.pid !== undefined);
  process.kill(-child.pid, 'SIGINT');
  assert.equal(await ended, 0, out);
  assert.match(out, /"event":1001/);
});
