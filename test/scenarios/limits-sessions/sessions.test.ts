import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { testConfiguration } from '../../support/configurations.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { familyPss, until } from '../../support/processes.ts';
import { greeted, sendOne, silent } from '../../support/said.ts';
import { needs } from '../../support/needs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const KB = 1024;

let service: TestService | undefined;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await service?.remove();
  service = undefined;
});

async function begin(more = ''): Promise<number> {
  const port = await freePort();
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, workers: 1, more }));
  return port;
}

const silents = (port: number, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => silent(port, sockets)));

test('2,000 idle sessions cost a few kilobytes each, and others are answered at once', {
  timeout: 120_000,
}, async () => {
  const SESSIONS = 2_000;
  const port = await begin('reception: { connectionsPerAddressMax: 5000 }\n');
  await Promise.all(Array.from({ length: 50 }, () => sendOne(port, 'alice@example.test')));
  const before = await familyPss(service?.pid ?? 0);
  for (let opened = 0; opened < SESSIONS; opened += 100) {
    const banners = await silents(port, 100);
    assert.ok(banners.every((line) => line.startsWith('220')));
  }
  for (const socket of sockets) socket.write('EHLO slow.test\r\nMAIL FR');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const after = await familyPss(service?.pid ?? 0);
  const each = (after - before) / SESSIONS;
  const times: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    const started = performance.now();
    await sendOne(port, 'alice@example.test');
    times.push(performance.now() - started);
  }
  console.log(
    `# ${(each / KB).toFixed(1)} KB a session; a message beside them took ${Math.max(...times).toFixed(0)} ms at most`,
  );
  assert.ok(each <= 32 * KB, `${each} octets a session`);
  assert.ok(Math.max(...times) < 1_000);
});

test('sessions beyond the limit are told 421, and taken again when others have left', { timeout: 60_000 }, async () => {
  const port = await begin('reception: { connectionsMax: 10, connectionsPerAddressMax: 100 }\n');
  const replies = await silents(port, 15);
  assert.equal(replies.filter((reply) => reply.startsWith('220')).length, 10);
  assert.equal(replies.filter((reply) => reply.startsWith('421')).length, 5);
  for (const socket of sockets) socket.destroy();
  await until('a session', async () => (await silent(port, sockets)).startsWith('220'));
});

test('sessions of one address beyond its limit are told 421', { timeout: 60_000 }, async () => {
  const port = await begin('reception: { connectionsPerAddressMax: 4 }\n');
  const replies = await silents(port, 6);
  assert.equal(replies.filter((reply) => reply.startsWith('421')).length, 2);
});

test('a session that makes too many errors is ended with 421', { timeout: 60_000 }, async () => {
  const port = await begin('reception: { errorsMax: 3 }\n');
  const line = await greeted(port);
  const codes: string[] = [];
  for (let n = 0; n < 4; n += 1) {
    line.send('NONSENSE\r\n');
    codes.push((await line.reply().catch(() => 'closed')).slice(0, 3));
  }
  assert.ok(codes.includes('421'), codes.join(' '));
});

test('a silent client is told 421 when its time is over', { timeout: 60_000 }, async () => {
  const port = await begin('reception: { timeouts: { greeting: 1s, command: 2s, data: 2s } }\n');
  const before = await SmtpLine.open(port);
  await before.expect(220);
  const started = performance.now();
  assert.match(await before.reply(), /^421 /);
  assert.ok(performance.now() - started < 4_000);
  const line = await greeted(port);
  await line.say('MAIL FROM:<a@client.test>', 250);
  await line.say('RCPT TO:<alice@example.test>', 250);
  await line.say('DATA', 354);
  assert.match(await line.reply(), /^421 /);
});

test('a message over the size is refused, when it is declared and when it comes', { timeout: 60_000 }, async () => {
  const port = await begin('reception: { messageSizeMax: 64KB }\n');
  const line = await greeted(port);
  await line.say('MAIL FROM:<a@client.test> SIZE=70000', 552);
  await line.say('MAIL FROM:<a@client.test>', 250);
  await line.say('RCPT TO:<alice@example.test>', 250);
  await line.say('DATA', 354);
  await line.say(`Subject: big\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(1_000)}.`, 552);
  await line.say('NOOP', 250);
});

test('descriptors that run out are foreseen: 421 before the system refuses, and all is well afterwards', {
  timeout: 60_000,
  skip: needs('prlimit'),
}, async () => {
  const port = await begin('reception: { connectionsPerAddressMax: 5000 }\n');
  const running = service as TestService;
  for (const pid of await running.workers()) spawnSync('prlimit', ['--pid', String(pid), '--nofile=256:256']);
  // The limit is read at the start of a worker, which inherits that of the supervisor.
  spawnSync('prlimit', ['--pid', String(running.pid), '--nofile=256:256']);
  for (const pid of await running.workers()) process.kill(pid, 'SIGKILL');
  await until(
    'a worker',
    async () => (await running.workers()).length === 1 && (await silent(port, sockets)).startsWith('220'),
    10_000,
  );
  const replies = await silents(port, 300);
  const count = (code: string): number => replies.filter((reply) => reply.startsWith(code)).length;
  console.log(`# of 300: ${count('220')} taken, ${count('421')} told 421, ${count('closed') + count('reset')} cut`);
  assert.ok(count('220') > 20, 'some are taken');
  assert.ok(count('421') > 20, 'some are told why not');
  await running.seen(4202, 1_000).catch(() => undefined);
  for (const socket of sockets) socket.destroy();
  await until('a session', async () => (await silent(port, sockets)).startsWith('220'), 15_000);
  await sendOne(port, 'alice@example.test');
});
