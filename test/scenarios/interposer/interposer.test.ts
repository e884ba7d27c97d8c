/** The scene of 2001: a proxy client between the mail service and its sockets. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SmtpLine } from '../../support/ledger-client.ts';
import { needs, programPath } from '../../support/needs.ts';
import { until } from '../../support/programs.ts';
import { type RecordingSink, startRecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const skip = needs('proxychains4', 'socksify');
let folder: string;
let sink: RecordingSink;
let port: number;
const started: TestService[] = [];

/** Both clients divert to a SOCKS server that is not there. */
before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'ims-interposer-'));
  const dead = await freePort();
  sink = await startRecordingSink();
  await writeFile(
    join(folder, 'chains.conf'),
    `strict_chain\ntcp_read_time_out 1000\ntcp_connect_time_out 1000\n[ProxyList]\nsocks5 127.0.0.1 ${dead}\n`,
  );
  await writeFile(
    join(folder, 'dante.conf'),
    `route {\n from: 0.0.0.0/0 to: 0.0.0.0/0 via: 127.0.0.1 port = ${dead}\n proxyprotocol: socks_v5\n command: bind connect\n protocol: tcp\n method: none\n}\n`,
  );
});
after(async () => {
  for (const service of started) await service.remove();
  await sink?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

const chains = (): readonly string[] => [programPath('proxychains4') ?? '', '-q', '-f', join(folder, 'chains.conf')];
const dante = (): readonly string[] => [
  'env',
  `SOCKS_CONF=${join(folder, 'dante.conf')}`,
  'LD_PRELOAD=libdsocksd.so.0',
];

async function begin(within: readonly string[], more = ''): Promise<TestService> {
  port = await freePort();
  const service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${port} } }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none } }
  addressSpaces: [{ match: out.test, via: sink }]
${more}`,
    undefined,
    within,
  );
  started.push(service);
  return service;
}

async function submit(recipient: string): Promise<void> {
  const line = await SmtpLine.open(port);
  await line.expect(220);
  await line.say('EHLO far.test', 250);
  await line.say('MAIL FROM:<a@far.test>', 250);
  await line.say(`RCPT TO:<${recipient}>`, 250);
  await line.say('DATA', 354);
  await line.say('Subject: x\r\n\r\nx\r\n.', 250);
  line.close();
}

interface Status {
  readonly processes: readonly { readonly pid: number }[];
  readonly parts: readonly { readonly part: string; readonly state: string; readonly cause?: string }[];
}

const statusOf = async (service: TestService): Promise<Status> =>
  JSON.parse((await service.ims('status', '--json')).stdout) as Status;

const LAYERS = [
  ['proxychains', chains, /libproxychains\S*\.so/],
  ['the Dante client', dante, /libdsocksd\.so/],
] as const;

for (const [name, within, file] of LAYERS)
  test(`started under ${name}, the service starts again without it, takes mail and sends it`, { skip }, async () => {
    const service = await begin(within());
    const { text } = await service.seen(3792);
    assert.match(text, file);
    await submit('alice@example.test');
    await submit(`${name.length}@out.test`);
    await sink.taken(`${name.length}@out.test`);
    const delivered = join(service.directory, 'data/mail/example.test/alice/new');
    await until('no message is in the Maildir', async () => (await readdir(delivered).catch(() => [])).length === 1);
    const { processes, parts } = await statusOf(service);
    for (const { pid } of processes) {
      assert.doesNotMatch(await readFile(`/proc/${pid}/maps`, 'utf8'), file);
      assert.doesNotMatch(await readFile(`/proc/${pid}/environ`, 'utf8'), /LD_PRELOAD|PROXYCHAINS|SOCKS_CONF/);
    }
    assert.match(parts.find(({ part }) => part === 'sockets')?.cause ?? '', file);
    const { stdout } = await service.ims('doctor', '--only', 'host.no-interposer', '--json');
    assert.match(stdout, /host\.no-interposer/);
    assert.doesNotMatch(stdout, /"kind": "unhealthy"/);
    assert.equal(await service.stop(), 0);
    assert.match((await service.seen(1001)).text, /SIGTERM/);
  });

test('the service under it ends with the process that waits for it, however that ends', { skip }, async () => {
  const service = await begin(chains());
  const { processes } = await statusOf(service);
  service.kill('SIGKILL');
  await until('some process is left', async () => {
    const there = await Promise.all(processes.map(({ pid }) => readdir(`/proc/${pid}`).catch(() => undefined)));
    return there.every((one) => one === undefined);
  });
  await service.restart();
  await submit('alice@example.test');
  assert.equal(await service.stop(), 0);
});

test('a layer that is allowed stays, and is named where it breaks look-ups', { skip }, async () => {
  const nobody = await freePort();
  const service = await begin(
    chains(),
    `network: { interposer: allow }\nnames: { servers: ['127.0.0.1:${nobody}'], timeout: 200ms, tries: 2 }\n`,
  );
  assert.match((await service.seen(3793)).text, /libproxychains/);
  assert.equal((await statusOf(service)).parts.find(({ part }) => part === 'sockets')?.state, 'degraded');
  await submit('somebody@elsewhere.test');
  assert.match((await service.seen(4003)).text, /proxychains.*libproxychains/);
  const { stdout } = await service.ims('doctor', '--only', 'host.no-interposer', '--json');
  assert.match(stdout, /libproxychains/);
  assert.equal(await service.stop(), 0);
});

test('a layer that is allowed and takes over bind() is named, and the listener is not said to be bound', {
  skip,
}, async () => {
  const service = await begin(dante(), 'network: { interposer: allow }\n');
  assert.match((await service.seen(4007)).text, /the Dante client.*libdsocksd/);
  await until('no listener is bound in words alone', () =>
    service.events.some(({ event, text }) => event === 4007 && /the port is not bound/.test(text)),
  );
  assert.ok(!service.events.some(({ event }) => event === 2800));
  assert.equal(await service.stop(), 0);
});

test('sockets that systemd hands over reach the service that starts again', {
  skip: needs('proxychains4', 'socksify', 'systemd-socket-activate'),
}, async () => {
  const handed = await freePort();
  // The first connection is what starts the service.
  const poke = setInterval(
    () =>
      connect(handed, '127.0.0.1')
        .on('error', () => undefined)
        .end(),
    200,
  );
  const [, ...variables] = dante();
  const words = variables.flatMap((one) => ['-E', one]);
  const service = await begin([
    programPath('systemd-socket-activate') ?? '',
    `--listen=127.0.0.1:${handed}`,
    '--fdname=mx',
    ...words,
  ]).finally(() => clearInterval(poke));
  assert.match((await service.seen(3792)).text, /libdsocksd/);
  port = handed;
  await submit('alice@example.test');
  assert.equal(await service.stop(), 0);
});
