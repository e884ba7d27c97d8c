import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { testConfiguration } from '../support/configurations.ts';
import { type LedgerSink, startLedgerSink } from '../support/ledger-sink.ts';
import { greeted, sendOne } from '../support/said.ts';
import { freePort, startService, type TestService } from '../support/service.ts';
import { until } from './town.ts';

let sink: LedgerSink;
let service: TestService;
let port = 0;

before(async () => {
  sink = await startLedgerSink();
  port = await freePort();
  const more = `routing:
  addressSpaces: [{ match: sink.test, via: sink }]
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none } }
policy: { localNetworks: [127.0.0.0/8] }
scheduler:
  jitter: 0
  normal: { first: 1s, factor: 1, longest: 1s, expiry: 1m, delayNotice: 1m }
`;
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, workers: 2, more }));
});
after(async () => {
  await service.remove();
  await sink.close();
});
afterEach(() => order('both'));

async function order(...words: string[]): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await service.ims('transfer', '--json', ...words);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

const verdict = async (): Promise<string> =>
  (JSON.parse((await service.ims('status', '--json')).stdout) as { verdict: string }).verdict;
const aWhile = (ms = 1500): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const inMailbox = async (name: string): Promise<string[]> => {
  const directory = join(service.directory, 'data/mail/example.test', name, 'new');
  const names = await readdir(directory).catch(() => []);
  return Promise.all(names.map((one) => readFile(join(directory, one), 'latin1')));
};

test('Q146298: what waits by order is seen in the status and told, also after a restart, and goes at its end', {
  timeout: 90_000,
}, async () => {
  assert.equal((await order())['mode'], 'both');
  await order('in', '--reason', 'the link is mended');
  const limited = await service.seen(3860);
  assert.equal(limited.data['reason'], 'the link is mended');
  for (let n = 0; n < 6; n += 1) await sendOne(port, `in${n}@sink.test`);
  await sendOne(port, 'alice@example.test');
  await until(async () => ((await inMailbox('alice')).length === 1 ? true : undefined), 'mail into a mailbox here');
  assert.match(await verdict(), /^Mail is accepted; one thing is not well: transfer out: by order \(mode in\)/);
  assert.equal(sink.total, 0);
  // The order is one of the service, not of a process.
  await service.stop();
  await service.restart();
  const still = await service.seen(3861);
  assert.equal(still.data['waiting'], 6);
  await aWhile();
  assert.equal(sink.total, 0);
  const text = (await service.ims('transfer')).stdout;
  assert.match(text, /^Transfer mode in: /);
  assert.match(text, /reason {2}the link is mended/);
  assert.match(text, /waits {3}6 messages/);
  await order('both');
  await until(() => (sink.total === 6 ? true : undefined), 'what was held back');
  await service.seen(2860);
  assert.equal(await verdict(), 'Everything runs.');
});

test('Q146298: mode out refuses by 421 at MAIL and sends what waits; the verdict says that it is by order', {
  timeout: 60_000,
}, async () => {
  await order('in');
  await sendOne(port, 'out@sink.test');
  await order('out');
  await until(() => (sink.arrivals.has('out@sink.test') ? true : undefined), 'what waited');
  for (let n = 0; n < 4; n += 1) {
    const line = await greeted(port);
    assert.match(await line.say('MAIL FROM:<a@client.test>', 421), /4\.3\.2 .*by order of the administrator/);
    await assert.rejects(line.say('NOOP', 250));
    line.close();
  }
  assert.match(await verdict(), /^No mail is accepted: transfer in: by order \(mode out\)/);
});

test('Q146298: mode none holds everything while the clocks of mail go on: its sender is told when it expires', {
  timeout: 150_000,
}, async () => {
  await order('in');
  const line = await greeted(port);
  await line.say('MAIL FROM:<bob@example.test>', 250);
  await line.say('RCPT TO:<expires@sink.test>', 250);
  await line.say('DATA', 354);
  await line.say('Subject: expires\r\n\r\nx\r\n.', 250);
  line.close();
  await order('none');
  assert.match(await verdict(), /^No mail is accepted: transfer in: by order \(mode none\)/);
  // The report is made while nothing moves, and waits as everything does.
  await until(
    async () => {
      const { rows } = JSON.parse((await service.ims('queue', 'list', '--json')).stdout) as {
        rows: { nextHop: string; sender: string }[];
      };
      return rows.some(({ nextHop, sender }) => nextHop === 'local' && sender === '') ? true : undefined;
    },
    'the report',
    90_000,
  );
  assert.deepEqual(await inMailbox('bob'), []);
  await order('both');
  const [report] = await until(async () => {
    const found = await inMailbox('bob');
    return found.length > 0 ? found : undefined;
  }, 'the report in the mailbox');
  assert.match(report ?? '', /Status: 4\.4\.7/);
  assert.match(report ?? '', /by order of the administrator/);
  assert.ok(!sink.arrivals.has('expires@sink.test'));
});

test('Q146298: an order for a time ends by itself', { timeout: 60_000 }, async () => {
  await order('in', '--for', '2s');
  await sendOne(port, 'for@sink.test');
  await until(() => (sink.arrivals.has('for@sink.test') ? true : undefined), 'the end of the order');
  assert.equal((await order())['mode'], 'both');
});

test('a mode that is none, and a time without one, are refused', async () => {
  assert.equal((await service.ims('transfer', 'flush')).code, 2);
  assert.equal((await service.ims('transfer', '--for', '2h')).code, 2);
  assert.equal((await service.ims('transfer', 'both', '--for', '2h')).code, 2);
});
