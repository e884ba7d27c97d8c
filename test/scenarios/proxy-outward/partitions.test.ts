/** SOCKS5, CONNECT and PROXY headers through hosts of their own, when packets are dropped, not refused, or the host loses its power. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mailFor } from '../../support/mailboxes.ts';
import { needs, programPath } from '../../support/needs.ts';
import { until } from '../../support/programs.ts';
import { startService, type TestService } from '../../support/service.ts';
import { arrivalsAt, buildScene, FAR, GATEWAY, needsScene, type Resident, type Scene } from '../gateway/scene.ts';

const skip = needsScene() || needs('danted', 'tinyproxy', 'haproxy');
const PROXIES = { socks: 1080, http: 3128 } as const;

let scene: Scene;
let far: Resident;
let sender: Resident;
let inner: Resident;
let service: TestService;
let messages = 0;

/** Dante and tinyproxy lead out of the private network, HAProxy leads into it. */
async function startProxies(): Promise<void> {
  const anywhere = 'from: 0.0.0.0/0 to: 0.0.0.0/0';
  const files = {
    dante: `logoutput: stderr\ninternal: 0.0.0.0 port = ${PROXIES.socks}\nexternal: ${GATEWAY}\nsocksmethod: none\nclientmethod: none
user.privileged: root\nuser.unprivileged: nobody\nclient pass { ${anywhere} }\nsocks pass { ${anywhere} }\n`,
    tinyproxy: `Port ${PROXIES.http}\nListen 0.0.0.0\nTimeout 600\nMaxClients 50\nAllow 10.77.1.2\nLogLevel Error\n`,
    haproxy: `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s
listen smtp\n  bind ${GATEWAY}:25\n  server ims 10.77.1.2:2525 send-proxy-v2\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(scene.directory, name), text);
  const at = (name: string): string => join(scene.directory, name);
  const start = (name: string, port: number, command: string): Promise<unknown> =>
    scene.startServer({ name, port, prepare: 'true', command });
  await start('danted', PROXIES.socks, `${programPath('danted')} -N 1 -p ${at('dante.pid')} -f ${at('dante')}`);
  await start('tinyproxyd', PROXIES.http, `${programPath('tinyproxy')} -d -c ${at('tinyproxy')}`);
  await start('haproxyd', 25, `${programPath('haproxy')} -db -f ${at('haproxy')}`);
}

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  [far, sender, inner] = [scene.resident('internet'), scene.resident('internet'), scene.resident('private')];
  await startProxies();
  await far.ask({ what: 'sink', address: FAR });
  const dns = await inner.ask<string>({ what: 'dns', zone: `far.test A ${FAR}\n` });
  const names = Object.keys(PROXIES);
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: 10.77.1.2, port: 2525, tls: none, proxyProtocol: { trusted: [10.77.1.1] } }
  inside: { profile: mx, address: 127.0.0.1, port: 2526, tls: none }
domains: { example.test: { catchAll: alice@example.test, mailboxes: { alice: {} } } }
policy: { localNetworks: [127.0.0.0/8] }
delivery: { timeouts: { connect: 1s, dataBlock: 2s, dataEnd: 2s } }
# A session that ends in silence is the far host's until the next attempt finds the proxy away.
scheduler: { normal: { first: 2s, longest: 2s } }
names: { servers: ['${dns}'] }
routing:
  relayDomains: [${names.map((name) => `${name}.test`).join(', ')}]
  proxies:
    socks: { kind: socks5, host: ${GATEWAY}, port: ${PROXIES.socks} }
    http: { kind: http-connect, host: ${GATEWAY}, port: ${PROXIES.http} }
  smartHosts:
${names.map((name) => `    ${name}: { hosts: [{ host: ${FAR}, port: 25 }], tls: none, proxy: ${name} }\n`).join('')}  addressSpaces:
${names.map((name) => `    - { match: ${name}.test, via: ${name} }\n`).join('')}`,
    undefined,
    scene.within.private,
  );
});

after(async () => {
  await service?.remove();
  await scene?.remove();
});

/** Waits until the status shows a proxy in that state; the events tell of the same trouble once a minute only. */
const becomes = (proxy: string, state: string): Promise<string> =>
  until(
    () => `${proxy} ${state}; seen: ${service.told()}`,
    async () => {
      const { parts } = JSON.parse((await service.ims('--json', 'status')).stdout) as {
        parts: readonly { part: string; state: string; cause?: string }[];
      };
      const part = parts.find((one) => one.part === `proxy ${proxy}` && one.state === state);
      if (part === undefined) await new Promise((resolve) => setTimeout(resolve, 500));
      return part === undefined ? undefined : (part.cause ?? 'well');
    },
    60_000,
  );

/** A message stops on its way out in that place; then its proxy is away, and back when that was told. */
async function cut(
  proxy: keyof typeof PROXIES,
  place: 'data' | 'end',
  away: () => Promise<void>,
  back: () => Promise<void>,
) {
  messages += 1;
  const recipient = `${place}-${messages}@${proxy}.test`;
  await far.ask({ what: 'stall', at: place });
  const stalled = await far.ask<number>({ what: 'stalled' });
  const octets = place === 'data' ? 8_000_000 : 100;
  assert.equal(await inner.ask({ what: 'send', to: '127.0.0.1', port: 2526, recipient, octets }), 'taken');
  await until(
    () => `the ${place}; seen: ${service.told()}`,
    async () => (await far.ask<number>({ what: 'stalled' })) > stalled,
  );
  await far.ask({ what: 'stall' });
  await away();
  assert.match(await becomes(proxy, 'failed'), /ETIMEDOUT|EHOSTUNREACH|no answer/);
  await back();
  const times = place === 'data' ? 1 : 2;
  await until(
    () => `the mail; seen: ${service.told()}`,
    async () => (await arrivalsAt(far, recipient)) === times,
    // A proxy that is away for long is looked after once a minute.
    100_000,
  );
  await becomes(proxy, 'running');
}

test('packets to a proxy are dropped in the middle of mail data: its mail arrives once when they are not', {
  skip,
}, async () => {
  for (const proxy of ['socks', 'http'] as const)
    await cut(
      proxy,
      'data',
      () => scene.partition(true),
      () => scene.partition(false),
    );
  for (const proxy of ['socks', 'http'])
    assert.deepEqual(
      service.events.flatMap(({ event, data }) => (data['proxy'] === proxy ? [event] : [])),
      [3650, 2650],
    );
});

test('packets to a proxy are dropped after the final dot: its mail arrives, twice at most', { skip }, async () => {
  for (const proxy of ['socks', 'http'] as const)
    await cut(
      proxy,
      'end',
      () => scene.partition(true),
      () => scene.partition(false),
    );
});

test('a proxy’s host that loses its power in the middle of mail: each arrives when it is back', { skip }, async () => {
  const back = async (): Promise<void> => {
    await scene.powerOn();
    await startProxies();
  };
  await cut('socks', 'data', () => scene.powerOff(), back);
  await cut('http', 'end', () => scene.powerOff(), back);
});

test('mail that comes in by HAProxy outlives dropped packets; a power cut leaves nothing half of it', {
  skip,
}, async () => {
  await sender.ask({ what: 'begin', to: GATEWAY, recipient: 'dropped@example.test', stop: 'data' });
  await scene.partition(true);
  const answer = sender.ask<string>({ what: 'finish' });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await scene.partition(false);
  assert.match(await answer, /^250 /);
  const text = await until('the mail', async () => (await mailFor(service, 'dropped@example.test'))[0]);
  assert.match(text, /^Received: from far\.test \(\[203\.0\.113\.1\]\)/m);
  await sender.ask({ what: 'begin', to: GATEWAY, recipient: 'cut@example.test', stop: 'data' });
  await scene.powerOff();
  await scene.powerOn();
  await startProxies();
  assert.match(await sender.ask<string>({ what: 'finish' }), /Error/);
  assert.deepEqual(await mailFor(service, 'cut@example.test'), []);
  assert.equal(await sender.ask({ what: 'send', to: GATEWAY, recipient: 'cut@example.test' }), 'taken');
  await until('the mail', async () => (await mailFor(service, 'cut@example.test')).length === 1);
});
