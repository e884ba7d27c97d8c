import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testConfiguration } from '../../support/configurations.ts';
import { type LedgerSink, startLedgerSink } from '../../support/ledger-sink.ts';
import { until } from '../../support/processes.ts';
import { greeted, sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const CRASHING = fileURLToPath(new URL('./crashing-main.js', import.meta.url));

let service: TestService | undefined;
let sink: LedgerSink | undefined;
afterEach(async () => {
  await service?.remove();
  await sink?.close();
  service = undefined;
  sink = undefined;
});

test('Q194560, Q193639: a message that crashes the worker is tried alone and then quarantined; the others are delivered', {
  timeout: 120_000,
}, async () => {
  const port = await freePort();
  service = await startService(
    (directory) => testConfiguration({ directory, ports: { mx: port }, workers: 1 }),
    CRASHING,
  );
  const { directory } = service;
  const inbox = (): Promise<string[]> => readdir(join(directory, 'data/mail/example.test/alice/new')).catch(() => []);
  const sending = (async () => {
    for (let n = 0; n < 30; ) {
      const sent = await sendOne(port, n === 10 ? 'bob@example.test' : 'alice@example.test', `m${n}`).then(
        () => true,
        () => false, // the worker crashed below it: again
      );
      if (sent || n === 10) n += 1;
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const quarantined = await service.seen(4300, 60_000);
  assert.equal(quarantined.name, 'queue.delivery-quarantined');
  await sending;
  await until('all other mail', async () => (await inbox()).length >= 29, 30_000);
  const crashes = service.events.filter(({ event }) => event === 3800).length;
  console.log(`# quarantined after ${crashes} crashes`);
  assert.ok(crashes >= 2 && crashes <= 4, `${crashes} crashes`);
  const held = await service.ims('queue', 'list', '--json');
  assert.match(held.stdout, /bob/);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.equal(service.events.filter(({ event }) => event === 3800).length, crashes, 'no further crash');
});

test('a kill from outside quarantines nothing', { timeout: 120_000 }, async () => {
  const port = await freePort();
  const dead = await freePort();
  service = await startService((directory) =>
    testConfiguration({ directory, ports: { mx: port }, workers: 1, more: smartHost(dead) }),
  );
  await sendOne(port, 'far@sink.test');
  for (let kills = 0; kills < 3; kills += 1) {
    (await greeted(port)).close();
    const [worker] = await service.workers();
    if (worker !== undefined) process.kill(worker, 'SIGKILL');
    await until('its end', () => (service?.events ?? []).filter(({ event }) => event === 3800).length > kills);
  }
  await until('a worker', async () => (await service?.ims('status'))?.code === 0);
  assert.ok(!service.events.some(({ event }) => event === 4300));
});

test('mail of a worker that is no more is delivered by those that remain', { timeout: 120_000 }, async () => {
  sink = await startLedgerSink();
  const port = await freePort();
  const dead = await freePort();
  const yaml = (directory: string, workers: number, to: number): string =>
    testConfiguration({ directory, ports: { mx: port }, workers, more: smartHost(to) });
  service = await startService((directory) => yaml(directory, 2, dead));
  const { directory } = service;
  const names: string[] = [];
  const shards = new Set<string>();
  const counts = async (): Promise<void> => {
    const list = JSON.parse((await (service as TestService).ims('queue', 'list', '--json')).stdout) as {
      rows: { queueId: string }[];
    };
    for (const { queueId } of list.rows) shards.add(queueId.split('-')[0] ?? '');
  };
  for (let n = 0; n < 40 && shards.size < 2; n += 1) {
    names.push(`r${n}@sink.test`);
    await sendOne(port, `r${n}@sink.test`);
    if (n % 10 === 9) await counts();
  }
  assert.equal(shards.size, 2, 'both workers have mail');
  await service.stop();
  await writeFile(service.configuration, yaml(directory, 1, sink.port));
  await service.restart();
  await until('all mail', () => names.every((name) => sink?.arrivals.has(name) === true), 20_000);
  assert.ok(
    [...sink.arrivals.values()].every((count) => count === 1),
    'once each',
  );
});

function smartHost(port: number): string {
  return `policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${port} }], tls: none } }
  addressSpaces: [{ match: '*', via: sink }]
scheduler: { breaker: { rest: 1s, longest: 2s }, normal: { first: 1s, longest: 2s } }
`;
}
