/** The scene of 2001 with hosts of their own: a proxy client preloaded into the service, its Dante on the gateway, an Internet beyond it. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { needs, programPath } from '../../support/needs.ts';
import { until } from '../../support/programs.ts';
import { startService, type TestService } from '../../support/service.ts';
import { buildScene, FAR, GATEWAY, needsScene, type Resident, type Scene } from '../gateway/scene.ts';

const skip = needsScene() || needs('proxychains4', 'socksify', 'danted');
const SOCKS = 1080;

let scene: Scene;
let far: Resident;
let inner: Resident;
let dns: string;
const started: TestService[] = [];

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  [far, inner] = [scene.resident('internet'), scene.resident('private')];
  await scene.startGateway();
  const anywhere = 'from: 0.0.0.0/0 to: 0.0.0.0/0';
  const at = (name: string): string => join(scene.directory, name);
  await writeFile(
    at('danted'),
    `logoutput: stderr\ninternal: 0.0.0.0 port = ${SOCKS}\nexternal: ${GATEWAY}\nsocksmethod: none\nclientmethod: none
user.privileged: root\nuser.unprivileged: nobody\nclient pass { ${anywhere} }\nsocks pass { ${anywhere} }\n`,
  );
  const command = `${programPath('danted')} -N 1 -p ${at('dante.pid')} -f ${at('danted')}`;
  await scene.startServer({ name: 'dante', port: SOCKS, prepare: 'true', command });
  // What is on this host and the gateway itself is reached without the proxy, as the manuals of both clients show.
  await writeFile(
    at('chains'),
    `strict_chain\ntcp_read_time_out 3000\ntcp_connect_time_out 3000\nlocalnet 127.0.0.0/255.0.0.0\n[ProxyList]\nsocks5 ${GATEWAY} ${SOCKS}\n`,
  );
  await writeFile(
    at('socks'),
    `route { from: 0.0.0.0/0 to: 127.0.0.0/8 via: direct }\nroute {\n from: 0.0.0.0/0 to: 0.0.0.0/0 via: ${GATEWAY} port = ${SOCKS}\n proxyprotocol: socks_v5\n command: bind connect\n protocol: tcp\n method: none\n}\n`,
  );
  dns = await inner.ask<string>({ what: 'dns', zone: `far.test MX 10 mx.far.test\nmx.far.test A ${FAR}\n` });
  await far.ask({ what: 'sink', address: FAR });
});

after(async () => {
  for (const service of started) await service.remove();
  await scene?.remove();
});

const LAYERS = {
  proxychains: () => [programPath('proxychains4') ?? '', '-q', '-f', join(scene.directory, 'chains')],
  'the Dante client': () => [
    'env',
    `SOCKS_CONF=${join(scene.directory, 'socks')}`,
    'LD_PRELOAD=libdsocksd.so.0',
    'ALL_PROXY=socks5://192.0.2.1:9',
    'HTTPS_PROXY=http://192.0.2.1:9',
    'NO_PROXY=localhost',
  ],
} as const;
const FILES = { proxychains: /libproxychains\S*\.so/, 'the Dante client': /libdsocksd\.so/ } as const;

async function begin(layer: keyof typeof LAYERS, more: string, mx = '127.0.0.1'): Promise<TestService> {
  const service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: ${mx}, port: 2525, tls: none }
  inside: { profile: mx, address: 127.0.0.1, port: 2526, tls: none }
domains: { example.test: { catchAll: alice@example.test, mailboxes: { alice: {} } } }
names: { servers: ['${dns}'] }
policy: { localNetworks: [127.0.0.0/8] }
${more}`,
    undefined,
    [...scene.within.private, ...LAYERS[layer]()],
  );
  started.push(service);
  return service;
}

const gateways = (): string =>
  `gateways:\n  outside: { host: ${GATEWAY}, user: ${scene.user}, keyFile: ${scene.keyFile}, hostKey: '${scene.hostKey}', listen: [{ listener: mx }] }\n`;

async function comesIn(service: TestService, recipient: string): Promise<void> {
  assert.equal(await far.ask({ what: 'send', to: GATEWAY, recipient }), 'taken');
  const box = join(service.directory, 'data/mail/example.test/alice/new');
  const text = await until('the mail', async () => {
    const names = await readdir(box).catch(() => []);
    const texts = await Promise.all(names.map((name) => readFile(join(box, name), 'utf8')));
    return texts.find((one) => one.includes(`for <${recipient}>`));
  });
  assert.match(text, /^Received: from far\.test \(\[203\.0\.113\.1\]\)/m);
}

async function goesOut(recipient: string): Promise<void> {
  assert.equal(await inner.ask({ what: 'send', to: '127.0.0.1', port: 2526, recipient }), 'taken');
  const peers = await until('mail at the far side', async () => {
    const seen = await far.ask<{ arrivals: [string, number][]; peers: string[] }>({ what: 'arrivals' });
    return seen.arrivals.some(([name]) => name === recipient) ? seen.peers : undefined;
  });
  assert.deepEqual(peers, [GATEWAY]);
}

for (const layer of ['proxychains', 'the Dante client'] as const) {
  const tag = layer.split(' ').at(-1);

  test(`${layer} is left: mail comes in by the SSH gateway and leaves by Dante as a setting, with true addresses`, {
    skip,
  }, async () => {
    const service = await begin(
      layer,
      `${gateways()}routing:\n  proxies: { dante: { kind: socks5, host: ${GATEWAY}, port: ${SOCKS} } }\n  proxy: dante\n`,
    );
    assert.match((await service.seen(3792)).text, FILES[layer]);
    await service.seen(2660);
    await comesIn(service, `left-${tag}@example.test`);
    await goesOut(`left-${tag}@far.test`);
    const { stdout } = await service.ims('doctor', '--only', 'host.no-interposer', '--json');
    assert.doesNotMatch(stdout, /"kind": "unhealthy"/);
    assert.equal(await service.stop(), 0);
  });
}

test('proxychains that is allowed carries mail out by Dante without a setting; mail comes in by the SSH gateway through it', {
  skip,
}, async () => {
  const service = await begin('proxychains', `network: { interposer: allow }\n${gateways()}`);
  assert.match((await service.seen(3793)).text, FILES.proxychains);
  await service.seen(2660);
  await goesOut('allowed@far.test');
  await comesIn(service, 'allowed@example.test');
  assert.equal(await service.stop(), 0);
});

test('the Dante client that is allowed takes over bind() as in 2001: 4007 names layer and file, and nothing is said to be bound', {
  skip,
}, async () => {
  const service = await begin('the Dante client', 'network: { interposer: allow }\n', '10.77.1.2');
  await until(
    () => `an event that names the layer; seen: ${service.told()}`,
    () =>
      service.events.some(
        ({ event, text }) => event === 4007 && /the Dante client/.test(text) && FILES['the Dante client'].test(text),
      ),
  );
  assert.ok(!service.events.some(({ event, text }) => event === 4751 || / [1-9]\d* listeners bound/.test(text)));
  assert.equal(await service.stop(), 0);
});

test('variables that name a proxy are shown, and not obeyed', { skip }, async () => {
  const service = await begin('the Dante client', `${gateways()}routing: { proxy: outside }\n`);
  await service.seen(2660);
  // 192.0.2.1 does not exist: whoever obeyed would send nothing.
  await goesOut('variables@far.test');
  await comesIn(service, 'variables@example.test');
  const { stdout } = await service.ims('doctor', '--only', 'host', '--all', '--json');
  for (const word of ['ALL_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) assert.ok(stdout.includes(word), `${word} in ${stdout}`);
  assert.equal(await service.stop(), 0);
});
