import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { testConfiguration } from '../support/configurations.ts';
import { greeted, sendOne } from '../support/said.ts';
import { freePort, startService, type TestService } from '../support/service.ts';
import { Client } from './client.ts';
import { until } from './town.ts';

const STOP_MS = 20_000;
let service: TestService | undefined;
let port = 0;

afterEach(async () => {
  await service?.remove();
  service = undefined;
});

const begin = async (change: (text: string) => string = (text) => text): Promise<TestService> => {
  port = await freePort();
  service = await startService((directory) =>
    change(testConfiguration({ directory, ports: { mx: port }, workers: 2 })),
  );
  return service;
};

test('Q146791: the spool removed while it is in use is 451 for what cannot be kept, and the stop is clean', {
  timeout: 90_000,
}, async () => {
  const one = await begin();
  await sendOne(port, 'alice@example.test');
  // In one step: the service would make files anew while a tree is removed.
  const queue = join(one.directory, 'data/queue');
  await rename(queue, `${queue}.removed`);
  await rm(`${queue}.removed`, { recursive: true });
  // Each worker finds out about its own.
  await until(
    async () => one.events.filter(({ event }) => event === 4900).length >= 2 || undefined,
    'both workers to notice',
  );
  const client = await Client.open(port, '127.0.0.1');
  const reply = await client.send({
    from: 'a@far.test',
    to: ['alice@example.test'],
    content: 'Subject: x\r\n\r\nx\r\n',
  });
  assert.match(reply, /^(?:451|452) 4\.3\./);
  client.close();
  const told = one.events.filter(({ event }) => event === 4900).length;
  assert.ok(told <= 2, `told ${told} times, by two workers`);
  const started = performance.now();
  assert.equal(await one.stop(), 0);
  assert.ok(performance.now() - started < STOP_MS);
});

test('while a session holds up the stop, the status says that the service stops, and nothing is looked for', {
  timeout: 60_000,
}, async () => {
  const one = await begin();
  const line = await greeted(port);
  await line.say('MAIL FROM:<sender@client.test>', 250);
  await line.say('RCPT TO:<alice@example.test>', 250);
  await line.say('DATA', 354);
  const ended = one.stop();
  const { stdout } = await one.ims('status');
  assert.match(stdout, /^The service stops \(SIGTERM\); what is under way may end\.\n/);
  line.close();
  assert.equal(await ended, 0);
  const after = await one.ims('status');
  assert.equal(after.code, 3);
});

test('a program that delivers and does not end holds up no stop, and does not go on alone after it', {
  timeout: 60_000,
}, async () => {
  const sign = `47.${process.pid}`;
  const programs = async (): Promise<number> => {
    const lines = await Promise.all(
      (await readdir('/proc')).map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')),
    );
    return lines.filter((line) => line === `sleep\0${sign}\0`).length;
  };
  const one = await begin((text) => text.replace('alice: {}', `alice: { delivery: { pipe: [sleep, '${sign}'] } }`));
  await sendOne(port, 'alice@example.test');
  await until(async () => (await programs()) === 1 || undefined, 'the program');
  assert.equal(await one.stop(), 0);
  await until(async () => (await programs()) === 0 || undefined, 'the end of the program', 5000);
});

test('Q295969: a worker that stands still does not hold up a stop', { timeout: 90_000 }, async () => {
  const one = await begin();
  const line = await greeted(port);
  await line.say('MAIL FROM:<sender@client.test>', 250);
  const workers = await one.workers();
  for (const pid of workers) process.kill(pid, 'SIGSTOP');
  const started = performance.now();
  await one.stop();
  assert.ok(performance.now() - started < STOP_MS + 10_000, `took ${(performance.now() - started).toFixed(0)} ms`);
  line.close();
  await until(async () => {
    const left = await Promise.all(workers.map((pid) => readdir(`/proc/${pid}`).catch(() => [])));
    return left.every((names) => names.length === 0) ? true : undefined;
  }, 'the end of the workers');
});
