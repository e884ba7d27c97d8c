/** What the service mends by itself, without anybody's consent, because it can harm nobody; and the start that is asked for. */
import assert from 'node:assert/strict';
import { access, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { type LedgerSink, startLedgerSink } from '../../support/ledger-sink.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService | undefined;
let dns: TestDnsServer | undefined;
let sink: LedgerSink | undefined;
afterEach(async () => {
  await service?.remove();
  await dns?.close();
  await sink?.close();
  [service, dns, sink] = [undefined, undefined, undefined];
});

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

test('locks and sockets of a service that was killed whole are taken over at its next start', {
  timeout: 60_000,
}, async () => {
  const mx = await freePort();
  const one = await startService((directory) => testConfiguration({ directory, ports: { mx }, workers: 1 }));
  service = one;
  const workers = await one.workers();
  one.kill('SIGKILL');
  for (const pid of workers) process.kill(pid, 'SIGKILL');
  const run = join(one.directory, 'data/run');
  assert.ok(await isThere(join(run, 'lock')));
  await until('its processes', async () => (await one.ims('status')).code !== 0);
  await one.restart();
  await sendOne(mx, 'alice@example.test');
  const inbox = join(one.directory, 'data/mail/example.test/alice/new');
  await until('the message', async () => (await readdir(inbox).catch(() => [])).length === 1);
});

test('mail goes on past a name server that does not answer, which is asked last until it does (event 3700)', {
  timeout: 60_000,
}, async () => {
  sink = await startLedgerSink();
  dns = await startDnsServer('far.test. MX 10 mail.far.test.\nmail.far.test. A 127.0.0.1\n');
  const [mx, silent] = [await freePort(), await freePort()];
  const { server } = dns;
  const { port } = sink;
  const one = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx },
      workers: 1,
      more: `names: { servers: ['127.0.0.1:${silent}', '${server}'], timeout: 1s }
policy: { localNetworks: [127.0.0.0/8] }
routing:
  tls: none
  smartHosts: { far: { hosts: [{ host: mail.far.test, port: ${port} }], tls: none } }
  addressSpaces: [{ match: far.test, via: far }]
`,
    }),
  );
  service = one;
  await sendOne(mx, 'someone@far.test');
  const told = await one.seen(3700, 20_000);
  assert.match(told.text, /127\.0\.0\.1/);
  const trace = async (): Promise<boolean> => /"total": 0/.test((await one.ims('queue', 'list', '--json')).stdout);
  await until('the delivery', trace, 20_000);
});

test('a service that was stopped is started in the background by name and with consent only', {
  timeout: 90_000,
}, async () => {
  const mx = await freePort();
  const one = await startService((directory) => testConfiguration({ directory, ports: { mx }, workers: 1 }));
  service = one;
  const kinds = async (...words: string[]): Promise<readonly string[]> => {
    const { stdout } = await one.ims('repair', ...words, '--json');
    return (JSON.parse(stdout) as { outcomes: { kind: string }[] }).outcomes.map(({ kind }) => kind);
  };
  await one.stop();
  assert.deepEqual(await kinds('service.answers', '--yes'), ['person']);
  assert.notEqual((await one.ims('status')).code, 0);
  assert.deepEqual(await kinds('service.start', '--preview'), ['planned']);
  assert.notEqual((await one.ims('status')).code, 0);
  assert.deepEqual(await kinds('service.start', '--yes'), ['cured']);
  assert.equal((await one.ims('status')).code, 0);
  await sendOne(mx, 'alice@example.test');
  await one.ims('stop');
  await until('its end', async () => (await one.ims('status')).code !== 0, 20_000);
  // A configuration that does not load is said, and nothing is begun.
  await writeFile(one.configuration, 'server: [');
  assert.deepEqual(await kinds('service.start', '--yes'), ['person']);
});
