import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { askService, isUnreachable } from '../../../src/operate/control/client.ts';
import { nodeNetwork } from '../../../src/world/node/network.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { fillQueue } from '../../support/filled-queue.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { familyPss, until } from '../../support/processes.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const FULL = process.env['IMS_VOLUME'] === 'full';
const MESSAGES = FULL ? 1_000_000 : 100_000;
const LOCAL_EVERY = 1_000;
const DOMAINS = 1_000;
const HOUR = 3_600_000;
const MB = 1024 ** 2;

let service: TestService;
let port: number;

before(async () => {
  port = await freePort();
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, workers: 1 }));
  await service.stop();
  const directory = join(service.directory, 'data/queue/0');
  await mkdir(directory, { recursive: true });
  const now = Date.now();
  const started = performance.now();
  await fillQueue(directory, MESSAGES, 4096, (n) =>
    n % LOCAL_EVERY === 0
      ? { nextHop: 'local', recipient: { localPart: 'alice', domain: 'example.test' }, dueAtMs: now }
      : {
          nextHop: `mx:d${n % DOMAINS}.test`,
          recipient: { localPart: `r${n}`, domain: `d${n % DOMAINS}.test` },
          dueAtMs: now + HOUR,
        },
  );
  console.log(`# filled in ${((performance.now() - started) / 1000).toFixed(0)} s`);
});
after(() => service.remove());

test(`${MESSAGES} queued messages: a quick start, old mail served, little memory, lists at once`, {
  timeout: 600_000,
}, async () => {
  const inbox = join(service.directory, 'data/mail/example.test/alice/new');
  const delivered = async (): Promise<number> => (await readdir(inbox).catch(() => [])).length;
  const started = performance.now();
  const sinceStart = (): number => Math.round(performance.now() - started);
  const running = service.restart();
  const line = await firstConnection(port);
  const accepted = sinceStart();
  await line.expect(220);
  await line.say('EHLO client.test', 250);
  await line.say('MAIL FROM:<new@client.test>', 250);
  await line.say('RCPT TO:<bob@example.test>', 250);
  await line.say('DATA', 354);
  await line.say('Subject: new\r\n\r\nnew\r\n.', 250);
  const taken = sinceStart();
  line.close();
  await until('the first old mail', async () => (await delivered()) > 0, 30_000);
  const served = sinceStart();
  await running;
  await until('all old mail', async () => (await delivered()) === MESSAGES / LOCAL_EVERY, 60_000);
  const all = sinceStart();
  await service.seen(2300, 60_000);
  const path = join(service.directory, 'data/run/control');
  const pages: number[] = [];
  for (const input of [{}, { offset: 500 }, { filter: { nextHop: 'mx:d7.test' } }]) {
    const asked = performance.now();
    const end = await askService({ network: nodeNetwork, path, action: 'queue.list', input });
    pages.push(Math.round(performance.now() - asked));
    assert.ok(!isUnreachable(end) && end.ok, JSON.stringify(end).slice(0, 200));
  }
  const pss = await familyPss(service.pid);
  console.log(
    `# ${MESSAGES} messages: first connection ${accepted} ms, first 250 ${taken} ms, first old mail ${served} ms, all due ${all} ms,`,
  );
  console.log(`# PSS ${Math.round(pss / MB)} MB, pages of queue list ${pages.join(', ')} ms`);
  assert.ok(accepted < 2_000 && served < 5_000, 'served in time');
  assert.ok(pss < 400 * MB, 'memory');
  assert.ok(
    pages.every((ms) => ms < 200),
    `pages in ${pages.join(', ')} ms`,
  );
});

async function firstConnection(to: number): Promise<SmtpLine> {
  for (;;) {
    const line = await SmtpLine.open(to).catch(() => undefined);
    if (line !== undefined) return line;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
