/** A gateway with both families of addresses; two public hosts at once; many connections, of which some do not read. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mailFor } from '../../support/mailboxes.ts';
import { needsPostfix } from '../../support/postfix.ts';
import { until } from '../../support/programs.ts';
import { startService, type TestService } from '../../support/service.ts';
import {
  arrivalsAt,
  buildScene,
  CLIENT6,
  FAR,
  FAR6,
  GATEWAY,
  GATEWAY6,
  needsScene,
  type Resident,
  type RunningServer,
  type Scene,
} from './scene.ts';

const skip = needsScene();
/** The SSH server of the second gateway, and the port that is public there. */
const SECOND = { ssh: 2222, smtp: 2525 };

let scene: Scene;
let far: Resident;
let six: Resident;
let inner: Resident;
let second: RunningServer;
let service: TestService;

const ZONE = `far.test MX 10 mx.far.test
mx.far.test A ${FAR}
both.test MX 10 mx.both.test
mx.both.test A ${FAR}
mx.both.test AAAA ${FAR6}
six.test MX 10 mx.six.test
mx.six.test AAAA ${FAR6}
post.test MX 10 mx.post.test
mx.post.test AAAA ${CLIENT6}
gateway6.test AAAA ${GATEWAY6}
`;

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  far = scene.resident('internet');
  six = scene.resident('internet');
  inner = scene.resident('private');
  await scene.startGateway();
  second = await scene.startServer({ name: 'second', port: SECOND.ssh });
  const dns = await inner.ask<string>({ what: 'dns', zone: ZONE });
  await far.ask({ what: 'sink', address: FAR });
  await six.ask({ what: 'sink', address: FAR6 });
  const login = `user: ${scene.user}, keyFile: ${scene.keyFile}, hostKey: '${scene.hostKey}', keepAlive: 500ms`;
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 2 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: 2525, tls: none }
  inside: { profile: mx, address: 127.0.0.1, port: 2526, tls: none }
domains: { example.test: { catchAll: alice@example.test, mailboxes: { alice: {} } } }
reception: { connectionsPerAddressMax: 1000 }
names: { servers: ['${dns}'] }
policy: { localNetworks: [127.0.0.0/8, '::1', '2001:db8:5::/64', 203.0.113.0/24] }
gateways:
  six: { host: gateway6.test, ${login}, listen: [{ address: '::', listener: mx }, { listener: mx }] }
  four: { host: ${GATEWAY}, port: ${SECOND.ssh}, ${login}, listen: [{ port: ${SECOND.smtp}, listener: mx }] }
routing: { proxy: [six, four] }
`,
    undefined,
    scene.within.private,
  );
  await until(
    () => `both gateways; seen: ${service.told()}`,
    () => service.events.filter(({ event }) => event === 2660).length === 2,
  );
});

after(async () => {
  await service?.remove();
  await scene?.remove();
});

const mailTo = (name: string): Promise<string> =>
  until(`mail to ${name}`, async () => (await mailFor(service, `${name}@example.test`))[0]);

const receivedFrom = (text: string): string | undefined => /Received: from \S+ \([^)]*\[([^\]]*)\]\)/.exec(text)?.[1];

async function sendOut(recipient: string, octets = 0): Promise<void> {
  assert.equal(await inner.ask({ what: 'send', to: '127.0.0.1', port: 2526, recipient, octets }), 'taken');
}

async function arrivedAt(host: Resident, recipient: string): Promise<readonly string[]> {
  return until(`${recipient}; seen: ${service.told()}`, async () => {
    const { arrivals, peers } = await host.ask<{ arrivals: [string, number][]; peers: string[] }>({ what: 'arrivals' });
    return arrivals.some(([name]) => name === recipient) ? peers : undefined;
  });
}

test('a port bound on :: of a gateway that is reached by IPv6 shows true IPv6 clients, 0.0.0.0 beside it IPv4 ones', {
  skip,
}, async () => {
  assert.equal(await six.ask({ what: 'send', to: GATEWAY6, recipient: 'six@example.test' }), 'taken');
  assert.equal(await far.ask({ what: 'send', to: GATEWAY, recipient: 'four@example.test' }), 'taken');
  assert.equal(receivedFrom(await mailTo('six')), `IPv6:${FAR6}`);
  assert.equal(receivedFrom(await mailTo('four')), FAR);
  for (const [host, to] of [
    [six, GATEWAY6],
    [far, GATEWAY],
  ] as const)
    assert.match(await host.ask<string>({ what: 'send', to, recipient: 'x@elsewhere.test' }), /got 55[04] 5\.7\.1/);
});

test('mail to a host that has IPv6 only leaves from the IPv6 address of the gateway; one with both is reached', {
  skip,
}, async () => {
  await sendOut('bob@six.test');
  assert.deepEqual(await arrivedAt(six, 'bob@six.test'), [GATEWAY6]);
  await sendOut('bob@both.test');
  await until('mail at a host with both', async () => {
    const counts = await Promise.all([six, far].map((host) => arrivalsAt(host, 'bob@both.test')));
    return counts.some((count) => count > 0);
  });
});

test('a real Postfix of IPv6 alone: mail both ways, each seeing the other where the world sees it', {
  skip: skip === false ? needsPostfix() : skip,
}, async () => {
  const host = scene.resident('internet');
  try {
    await host.ask({ what: 'postfix', address: CLIENT6, domain: 'post.test', relay: GATEWAY6 });
    await sendOut('bob@post.test');
    const received = await until(
      'mail at Postfix',
      async () => (await host.ask<string[]>({ what: 'postfix-mail' }))[0],
    );
    assert.match(received, /Received: from mail\.example\.test \([^)]*\[IPv6:2001:db8:5::5\]\)\s+by postfix\.test/);
    const said = await host.ask({ what: 'send', to: '::1', recipient: 'from-postfix@example.test' });
    assert.equal(said, 'taken');
    assert.equal(receivedFrom(await mailTo('from-postfix')), `IPv6:${CLIENT6}`);
  } finally {
    await host.ask({ what: 'postfix-end' });
    host.end();
  }
});

test('two public hosts of one service: mail comes in by either, and goes out by the other when one is away', {
  skip,
}, async () => {
  assert.equal(
    await far.ask({ what: 'send', to: GATEWAY, port: SECOND.smtp, recipient: 'second@example.test' }),
    'taken',
  );
  assert.equal(receivedFrom(await mailTo('second')), FAR);
  const listens = service.events.filter(({ event, text }) => event === 2660 && / for mx/.test(text));
  assert.deepEqual(listens.map(({ process: worker }) => worker).sort(), ['worker 0', 'worker 1']);
  assert.ok(listens.some(({ text }) => /works: \[::\]:25 for mx, 0\.0\.0\.0:25 for mx/.test(text)));
  await second.end();
  await sendOut('one@far.test');
  await arrivedAt(far, 'one@far.test');
  second = await scene.startServer({ name: 'second', port: SECOND.ssh });
  await scene.killGateway();
  second = await scene.startServer({ name: 'second', port: SECOND.ssh });
  await sendOut('two@far.test');
  await arrivedAt(far, 'two@far.test');
  const back = await far.ask({ what: 'banner', to: GATEWAY, port: SECOND.smtp, withinMs: 10_000 });
  assert.ok(back !== undefined, 'the second gateway serves');
  await scene.startGateway();
  assert.ok((await six.ask({ what: 'banner', to: GATEWAY6, port: 25, withinMs: 10_000 })) !== undefined);
});

test('250 connections at once through one gateway go on beside clients and hosts that do not read', {
  skip,
}, async () => {
  for (let i = 0; i < 3; i += 1) await far.ask({ what: 'deaf', to: GATEWAY });
  await far.ask({ what: 'stall', at: 'data' });
  for (let i = 0; i < 3; i += 1) await sendOut(`slow-${i}@far.test`, 4_000_000);
  await until('slow hosts', async () => (await far.ask<number>({ what: 'stalled' })) >= 1);
  await far.ask({ what: 'stall' });
  const start = performance.now();
  assert.equal(await six.ask({ what: 'many', to: GATEWAY, sessions: 250 }), 250);
  assert.equal(await six.ask({ what: 'send', to: GATEWAY, recipient: 'beside@example.test' }), 'taken');
  await mailTo('beside');
  await sendOut('beside@six.test');
  await arrivedAt(six, 'beside@six.test');
  assert.ok(performance.now() - start < 15_000, 'without waiting for anybody who does not read');
});
