import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { fillQueue } from '../../support/filled-queue.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { type LedgerSink, startLedgerSink } from '../../support/ledger-sink.ts';
import { familyPss, until } from '../../support/processes.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const DEAD = 100_000;
const GOOD = 50;
const MB = 1024 ** 2;

let sink: LedgerSink;
let service: TestService;
let port: number;

before(async () => {
  sink = await startLedgerSink();
  port = await freePort();
  const dead = await freePort();
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx: port },
      workers: 1,
      more: `policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts:
    sink: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none }
    dead: { hosts: [{ host: 127.0.0.1, port: ${dead} }], tls: none }
  addressSpaces: [{ match: dead.test, via: dead }, { match: '*', via: sink }]
scheduler: { breaker: { rest: 1s, longest: 2s }, normal: { first: 2s, longest: 10s } }
`,
    }),
  );
  await service.stop();
  const directory = join(service.directory, 'data/queue/0');
  await mkdir(directory, { recursive: true });
  const now = Date.now();
  await fillQueue(directory, DEAD, 4096, (n) => ({
    nextHop: 'host:dead',
    recipient: { localPart: `r${n}`, domain: 'dead.test' },
    dueAtMs: now,
  }));
  await service.restart();
  await service.seen(2300, 30_000);
});
after(async () => {
  await service.remove();
  await sink.close();
});

test(`one dead domain with ${DEAD} messages slows nobody else, and memory stays bounded`, {
  timeout: 120_000,
}, async () => {
  const line = await SmtpLine.open(port);
  await line.expect(220);
  await line.say('EHLO client.test', 250);
  const times: number[] = [];
  const before = await familyPss(service.pid);
  for (let n = 0; n < GOOD; n += 1) {
    const recipient = `good${n}@good.test`;
    const started = performance.now();
    await line.say('MAIL FROM:<new@client.test>', 250);
    await line.say(`RCPT TO:<${recipient}>`, 250);
    await line.say('DATA', 354);
    await line.say(`Subject: ${n}\r\n\r\nnew\r\n.`, 250);
    await until('its arrival', () => sink.arrivals.has(recipient), 10_000);
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  line.close();
  times.sort((a, b) => a - b);
  const pss = await familyPss(service.pid);
  const [median = 0, worst = 0] = [times[GOOD / 2], times.at(-1)];
  console.log(
    `# to delivery: median ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms; PSS ${Math.round(before / MB)} MB, then ${Math.round(pss / MB)} MB`,
  );
  assert.ok(median < 200 && worst < 3_000, `median ${median} ms, worst ${worst} ms`);
  assert.ok(pss < 300 * MB && pss - before < 64 * MB, 'memory');
});
