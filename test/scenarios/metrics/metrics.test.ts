// The metrics of a running service, as those who collect them read them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { metrics } from '../../../src/operate/metrics/table.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { needs, programPath } from '../../support/needs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService;
let mx = 0;
let health = 0;

before(async () => {
  mx = await freePort();
  health = await freePort();
  const closed = await freePort();
  const more = `routing:
  proxies: { out: { kind: socks5, host: 127.0.0.1, port: ${closed} } }
  smartHosts: { gone: { hosts: [{ host: 127.0.0.1, port: ${closed} }] }, behind: { hosts: [{ host: 192.0.2.1 }], proxy: out } }
  addressSpaces:
    - { match: gone.test, via: gone }
    - { match: behind.test, via: behind }
policy: { localNetworks: [127.0.0.0/8] }
`;
  service = await startService((directory) =>
    testConfiguration({ directory, ports: { mx }, workers: 2, more }).replace(
      'workers: 2',
      `workers: 2, health: '127.0.0.1:${health}'`,
    ),
  );
});
after(() => service?.remove());

async function scrape(accept = '*/*'): Promise<{ type: string; text: string }> {
  const response = await fetch(`http://127.0.0.1:${health}/metrics`, { headers: { accept } });
  assert.equal(response.status, 200);
  return { type: response.headers.get('content-type') ?? '', text: await response.text() };
}

/** The value of a series, or the sum of all of a name. */
function valueIn(text: string, series: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${series} `) || line.startsWith(`${series}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Looks until it holds: answers are kept for a second. */
async function until(holds: (text: string) => boolean): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const { text } = await scrape();
    if (holds(text)) return text;
    assert.ok(tries < 60, text);
    await wait(250);
  }
}

async function sendTo(...recipients: readonly string[]): Promise<void> {
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  await line.say('EHLO client.test', 250);
  await line.say('MAIL FROM:<somebody@elsewhere.test>', 250);
  for (const recipient of recipients) await line.say(`RCPT TO:<${recipient}>`, 250);
  await line.say('DATA', 354);
  line.send('Subject: counted\r\n\r\nHello\r\n.\r\n');
  await line.expect(250);
  await line.say('QUIT', 221);
}

test('Q182502: queue, connections, refusals, failures, bounces and octets are there, by their stable names', async () => {
  await sendTo('alice@example.test');
  await sendTo('alice@example.test', 'bob@gone.test', 'carol@behind.test');
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  await line.say('EHLO client.test', 250);
  await line.say('MAIL FROM:<somebody@elsewhere.test>', 250);
  await line.say('RCPT TO:<nobody@example.test>', 550);
  await line.say('QUIT', 221);
  const text = await until(
    (seen) =>
      valueIn(seen, 'ims_deliveries_total{route="local",name="",outcome="delivered"}') === 2 &&
      valueIn(seen, 'ims_transport_paused{kind="proxy",name="out"}') === 1 &&
      valueIn(seen, 'ims_transport_paused{kind="smart-host",name="gone"}') === 1,
  );
  assert.equal(valueIn(text, 'ims_messages_received_total{protocol="ESMTP"}'), 2);
  assert.ok(valueIn(text, 'ims_message_received_bytes_total') > 40);
  assert.ok(valueIn(text, 'ims_message_sent_bytes_total{route="local",name=""}') > 40);
  assert.equal(valueIn(text, 'ims_commands_refused_total{command="RCPT",for="good",class="address"}'), 1);
  assert.equal(valueIn(text, 'ims_connections_accepted_total{listener="mx"}'), 3);
  assert.equal(valueIn(text, 'ims_connections{listener="mx"}'), 0);
  assert.equal(valueIn(text, 'ims_queue_messages'), 1);
  assert.equal(valueIn(text, 'ims_queue_deliveries'), 2);
  assert.ok(valueIn(text, 'ims_queue_bytes') > 20);
  assert.ok(valueIn(text, 'ims_transport_dials_total{kind="proxy",name="out",outcome="failed"}') >= 1);
  assert.ok(valueIn(text, 'ims_transport_last_failure_timestamp_seconds{kind="proxy",name="out"}') > 1e9);
  assert.equal(valueIn(text, 'ims_ready'), 1);
  assert.equal(valueIn(text, 'ims_workers{state="running"}'), 2);
  assert.ok(valueIn(text, 'ims_disk_free_bytes') > 0);
  assert.ok(valueIn(text, 'ims_events_total{number="1000",severity="information"}') >= 1);
  for (const { name, type } of metrics) assert.ok(text.includes(`\n# TYPE ${name} ${type}\n`), name);
});

test('status --json has each way with its state, since when, and the last words of the other side', async () => {
  const { transports } = JSON.parse((await service.ims('status', '--json')).stdout) as {
    transports: { kind: string; name: string; state: string; sinceMs: number; says?: string; event?: number }[];
  };
  const of = (kind: string, name = ''): (typeof transports)[number] | undefined =>
    transports.find((one) => one.kind === kind && one.name === name);
  assert.deepEqual([of('proxy', 'out')?.state, of('proxy', 'out')?.event], ['paused', 3650]);
  assert.match(of('proxy', 'out')?.says ?? '', /ECONNREFUSED/);
  assert.match(of('smart-host', 'gone')?.says ?? '', /ECONNREFUSED/);
  assert.ok((of('smart-host', 'gone')?.sinceMs ?? 0) > 1e12);
  assert.ok(of('direct') !== undefined);
  assert.match((await service.ims('status', '--all')).stdout, /proxy out +paused/);
});

test('the text is what a parser of Prometheus wants', { skip: needs('promtool') }, async () => {
  const { text, type } = await scrape();
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
  const checked = spawnSync(programPath('promtool') ?? '', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(`${checked.stdout}${checked.stderr}`, '');
  assert.equal(checked.status, 0);
});

test('who asks for OpenMetrics gets it', async () => {
  const { text, type } = await scrape('application/openmetrics-text;version=1.0.0,text/plain;q=0.5');
  assert.match(type, /^application\/openmetrics-text; version=1\.0\.0/);
  assert.ok(text.endsWith('\n# EOF\n'));
});

test('ims metrics prints the same, --json as samples', async () => {
  const { code, stdout } = await service.ims('metrics');
  assert.equal(code, 0);
  assert.match(stdout, /^ims_queue_messages \d+$/m);
  const samples = JSON.parse((await service.ims('metrics', '--json')).stdout) as { name: string; value: number }[];
  assert.ok(samples.some(({ name, value }) => name === 'ims_ready' && value === 1));
});

test('no counter goes backwards when a worker is killed', async () => {
  const before = (await scrape()).text;
  for (const pid of await service.workers()) process.kill(pid, 'SIGKILL');
  const after = await until(
    (seen) => valueIn(seen, 'ims_workers{state="running"}') === 2 && valueIn(seen, 'ims_process_restarts_total') >= 2,
  );
  for (const line of before.split('\n')) {
    const [series = '', value = ''] = line.split(/ (?=[^ ]*$)/);
    if (!/^ims_[a-z_]+_total/.test(series)) continue;
    assert.ok(valueIn(after, series) >= Number(value), line);
  }
  await sendTo('alice@example.test');
  await until((seen) => valueIn(seen, 'ims_messages_received_total') === 3);
});

test('what is no question after metrics gets an answer or an end, and the next one is served', async () => {
  const strange = [
    'GET /metrics/../live HTTP/1.1\r\n\r\n',
    'POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello',
    'GET /metrics SMTP\r\n\r\n',
    `GET /metrics?${'x'.repeat(10_000)} HTTP/1.1\r\n\r\n`,
    '\0\xff\xfe\r\n\r\n',
    'GET /metrics HTTP/1.1\r\nAccept: \r\naccept\r\n:\r\n\r\n',
  ];
  for (const octets of strange) {
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(health, '127.0.0.1', () => socket.write(Buffer.from(octets, 'latin1')));
      socket.on('data', (chunk) => (text += chunk.toString('latin1')));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      socket.setTimeout(20_000, () => socket.destroy(new Error('no end')));
    });
    assert.match(answer, /^HTTP\/1\.1 (200|400|404|405) /, JSON.stringify(octets.slice(0, 40)));
  }
  await scrape();
});
