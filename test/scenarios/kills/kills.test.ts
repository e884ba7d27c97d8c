import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { sendWithLedger } from '../../support/ledger-client.ts';
import { type LedgerSink, startLedgerSink } from '../../support/ledger-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const MESSAGES = process.env['CI'] === 'true' ? 20_000 : 6_000;
const KILLS = 20;
const WORKERS = 2;
const CONNECTIONS = 10;

let sink: LedgerSink;
let service: TestService;
let port: number;

before(async () => {
  sink = await startLedgerSink();
  port = await freePort();
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx: port },
      workers: WORKERS,
      more: `policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none, connectionsMax: ${CONNECTIONS} } }
  addressSpaces: [{ match: '*', via: sink }]
scheduler: { normal: { first: 1s, longest: 2s } }
`,
    }),
  );
});
after(async () => {
  await service.remove();
  await sink.close();
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test(`${MESSAGES} messages survive ${KILLS} kills of workers and of the supervisor`, { timeout: 400_000 }, async () => {
  let kills = 0;
  const sent = sendWithLedger({
    port,
    sessions: 20,
    enough: (acknowledged) => acknowledged >= MESSAGES && kills >= KILLS,
    sender: 'ledger@client.test',
    recipient: (name) => `${name}@sink.test`,
    bodyOctets: 4096,
  });
  while (kills < KILLS) {
    await sleep(200 + Math.random() * 1_000);
    kills += 1;
    if (kills % 5 === 0) {
      service.kill('SIGKILL');
      await sleep(100);
      await service.restart();
    } else {
      const workers = await service.workers();
      const victim = workers[Math.floor(Math.random() * workers.length)];
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
    }
  }
  const { acknowledged } = await sent;
  const missing = (): string[] => [...acknowledged].filter((name) => !sink.arrivals.has(`${name}@sink.test`));
  for (let tries = 0; tries < 600 && missing().length > 0; tries += 1) await sleep(100);
  assert.deepEqual(missing().slice(0, 10), [], 'every acknowledged message arrives');
  const duplicates = [...sink.arrivals.values()].reduce((sum, count) => sum + count - 1, 0);
  assert.ok(duplicates <= kills * WORKERS * CONNECTIONS, `${duplicates} duplicates in ${kills} kills`);
  console.log(`# ${acknowledged.size} acknowledged, ${sink.total} arrivals, ${duplicates} duplicates, ${kills} kills`);
});
