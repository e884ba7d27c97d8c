import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { type LedgerSink, startLedgerSink } from '../../support/ledger-sink.ts';
import { until } from '../../support/processes.ts';
import { greeted, sendOver } from '../../support/said.ts';
import { freePort, type SeenEvent, startService, type TestService } from '../../support/service.ts';

const WORKERS = 2;

interface Choice {
  readonly name?: string;
  readonly to?: number;
  readonly workers?: number;
  readonly extra?: string;
}

let service: TestService;
let sink: LedgerSink;
let port: number;
let dead: number;

const yaml = (
  directory: string,
  { name = 'mail.example.test', to = dead, workers = WORKERS, extra = '' }: Choice = {},
): string =>
  testConfiguration({
    directory,
    ports: { mx: port },
    workers,
    more: `policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts:
    dead: { hosts: [{ host: 127.0.0.1, port: ${dead} }], tls: none }
    alive: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none }
  addressSpaces: [{ match: '*', via: ${to === dead ? 'dead' : 'alive'} }]
scheduler: { breaker: { rest: 1s, longest: 2s }, normal: { first: 1s, longest: 2s } }
${extra}`,
  }).replace('name: mail.example.test', `name: ${name}`);

before(async () => {
  sink = await startLedgerSink();
  port = await freePort();
  dead = await freePort();
  service = await startService((directory) => yaml(directory));
});
after(async () => {
  await service.remove();
  await sink.close();
});

const write = (choice: Choice): Promise<void> => writeFile(service.configuration, yaml(service.directory, choice));
const last = (number: number): SeenEvent | undefined => service.events.filter(({ event }) => event === number).at(-1);

/** The names in the banners of many sessions: both workers answer some of them. */
async function names(): Promise<Set<string>> {
  const found = new Set<string>();
  for (let n = 0; n < 30; n += 1) {
    const line = await SmtpLine.open(port);
    found.add((await line.expect(220)).split(' ')[1] ?? '');
    line.close();
  }
  return found;
}

test('SIGHUP applies a new configuration to new sessions of every worker; open ones keep theirs', {
  timeout: 60_000,
}, async () => {
  const open = await greeted(port);
  await write({ name: 'other.example.test' });
  service.kill('SIGHUP');
  const applied = await service.seen(2750);
  assert.equal(applied.data['generation'], 2);
  assert.match(String(applied.data['changed']), /server\.name/);
  assert.deepEqual(await names(), new Set(['other.example.test']));
  assert.match(await open.say('HELP', 214), /^214/);
  open.close();
});

test('a wrong file is not applied, and the event names file, line and column', { timeout: 60_000 }, async () => {
  await write({ name: 'third.example.test', extra: 'recepttion: {}\n' });
  service.kill('SIGHUP');
  const refused = await service.seen(4750);
  assert.match(String(refused.data['problems']), /ims\.yaml:\d+:\d+/);
  assert.match(String(refused.data['problems']), /reception/);
  assert.deepEqual(await names(), new Set(['other.example.test']));
  const told = await service.ims('reload');
  assert.notEqual(told.code, 0);
  assert.match(told.stdout + told.stderr, /ims\.yaml:\d+:\d+/);
  const checked = await service.ims('config', 'check');
  assert.notEqual(checked.code, 0);
  assert.match(checked.stdout + checked.stderr, /ims\.yaml:\d+:\d+.*recepttion/s);
});

test('settings that need a restart are named, and do not come in by a worker that starts later', {
  timeout: 60_000,
}, async () => {
  await write({ name: 'fourth.example.test', workers: 3, extra: 'queue: { spaceFloor: 100MB, spaceResume: 120MB }\n' });
  const told = await service.ims('reload');
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, /server\.workers/);
  assert.match(String(last(2750)?.data['restart']), /server\.workers.*queue\.spaceFloor/);
  assert.equal((await service.workers()).length, WORKERS);
  const [worker] = await service.workers();
  if (worker !== undefined) process.kill(worker, 'SIGKILL');
  await service.seen(3800);
  await until('both workers', async () => (await service.workers()).length === WORKERS);
  assert.deepEqual(await names(), new Set(['fourth.example.test']));
});

test('a worker that does not confirm keeps the old configuration for all', { timeout: 60_000 }, async () => {
  const [worker] = await service.workers();
  assert.ok(worker !== undefined);
  process.kill(worker, 'SIGSTOP');
  await write({ name: 'fifth.example.test' });
  const told = await service.ims('reload');
  process.kill(worker, 'SIGCONT');
  assert.notEqual(told.code, 0);
  assert.match(told.stdout + told.stderr, /did not confirm/);
  assert.deepEqual(await names(), new Set(['fourth.example.test']));
});

test('mail that waits goes by the new routes at its next attempt', { timeout: 60_000 }, async () => {
  const line = await greeted(port);
  for (let n = 0; n < 4; n += 1) await sendOver(line, `waits${n}@far.test`);
  line.close();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(sink.total, 0);
  await write({ to: sink.port });
  assert.equal((await service.ims('reload')).code, 0);
  await until('all of it', () => sink.total === 4, 15_000);
});

test('limits of connections change by a reload', { timeout: 60_000 }, async () => {
  await write({ to: sink.port, extra: 'reception: { connectionsPerAddressMax: 2 }\n' });
  assert.equal((await service.ims('reload')).code, 0);
  const lines = await Promise.all(Array.from({ length: 8 }, () => SmtpLine.open(port)));
  const replies = await Promise.all(lines.map((line) => line.reply()));
  assert.ok(replies.filter((reply) => reply.startsWith('220')).length <= 2);
  assert.ok(replies.some((reply) => reply.startsWith('421')));
  for (const line of lines) line.close();
});
