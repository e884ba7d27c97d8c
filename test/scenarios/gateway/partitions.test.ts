/** Packets that are dropped, not refused, in the worst moments of a session; a gateway that loses its power. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mailFor } from '../../support/mailboxes.ts';
import { until } from '../../support/programs.ts';
import { startService, type TestService } from '../../support/service.ts';
import { arrivalsAt, buildScene, FAR, GATEWAY, needsScene, type Resident, type Scene } from './scene.ts';

const skip = needsScene();

let scene: Scene;
let far: Resident;
let sender: Resident;
let inner: Resident;
let service: TestService;

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  far = scene.resident('internet');
  sender = scene.resident('internet');
  inner = scene.resident('private');
  await scene.startGateway();
  const dns = await inner.ask<string>({ what: 'dns', zone: `far.test MX 10 mx.far.test\nmx.far.test A ${FAR}\n` });
  await far.ask({ what: 'sink', address: FAR });
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: 2525, tls: none }
  inside: { profile: mx, address: 127.0.0.1, port: 2526, tls: none }
domains: { example.test: { catchAll: alice@example.test, mailboxes: { alice: {} } } }
names: { servers: ['${dns}'] }
policy: { localNetworks: [127.0.0.0/8] }
# What the gateway cuts goes on when it is back, not when its time has come.
scheduler: { normal: { first: 10m, longest: 10m } }
gateways:
  outside: { host: ${GATEWAY}, user: ${scene.user}, keyFile: ${scene.keyFile}, hostKey: '${scene.hostKey}', keepAlive: 300ms, connectTimeout: 500ms, listen: [{ listener: mx }] }
routing: { proxy: outside }
`,
    undefined,
    scene.within.private,
  );
  await service.seen(2660);
});

after(async () => {
  await service?.remove();
  await scene?.remove();
});

const later = (number: number, from: number): Promise<string> =>
  until(
    () => `event ${number}; seen: ${service.told()}`,
    () => service.events.slice(from).find(({ event }) => event === number)?.text,
    20_000,
  );

const stored = async (name: string): Promise<number> => (await mailFor(service, `${name}@example.test`)).length;

const arrivals = (name: string): Promise<number> => arrivalsAt(far, `${name}@far.test`);

const sendOut = async (name: string, octets = 0): Promise<void> =>
  assert.equal(
    await inner.ask({ what: 'send', to: '127.0.0.1', port: 2526, recipient: `${name}@far.test`, octets }),
    'taken',
  );

const isBack = async (): Promise<number> => {
  const ms = await far.ask<number | undefined>({ what: 'banner', to: GATEWAY, port: 25, withinMs: 15_000 });
  assert.ok(ms !== undefined, `the public port is back; seen: ${service.told()}`);
  return ms;
};

/** Longer than it takes to notice that a gateway is away; events tell of that the first few times only. */
const isNoticed = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2000));

/** How the network fails, and how it is mended: returns how long the public port took after that. */
const FAILURES: Readonly<Record<string, () => Promise<number>>> = {
  'a partition': async () => {
    await scene.partition(true);
    await isNoticed();
    await scene.partition(false);
    return isBack();
  },
  'a power cut': async () => {
    await scene.powerOff();
    await isNoticed();
    await scene.powerOn();
    await scene.startGateway();
    return isBack();
  },
};

for (const [name, fail] of Object.entries(FAILURES)) {
  const tag = name.replaceAll(' ', '-');

  test(`${name} in the middle of mail data that comes in: nothing is kept of it, and it is sent again once`, {
    skip,
  }, async () => {
    await sender.ask({ what: 'begin', to: GATEWAY, recipient: `in-${tag}@example.test`, stop: 'data' });
    const from = service.events.length;
    const ms = await fail();
    assert.match(await later(3665, from), /Keepalive timeout/);
    await later(2660, from);
    assert.ok(ms < 5000, `back after ${ms} ms`);
    // A gateway that is away no more has forgotten the connection, or its old session was ended.
    assert.match(await sender.ask<string>({ what: 'finish' }), /Error|^4/);
    assert.equal(await stored(`in-${tag}`), 0);
    assert.equal(await sender.ask({ what: 'send', to: GATEWAY, recipient: `in-${tag}@example.test` }), 'taken');
    await until('the mail', async () => (await stored(`in-${tag}`)) === 1);
  });

  test(`${name} right after the end of mail data that comes in: it is there once, whether acknowledged or not`, {
    skip,
  }, async () => {
    await sender.ask({ what: 'begin', to: GATEWAY, recipient: `end-${tag}@example.test`, stop: 'end' });
    await until('the mail', async () => (await stored(`end-${tag}`)) === 1);
    await fail();
    await sender.ask({ what: 'finish' });
    assert.equal(await stored(`end-${tag}`), 1);
  });

  test(`${name} in the middle of mail data that goes out: it arrives once, after that`, { skip }, async () => {
    await far.ask({ what: 'stall', at: 'data' });
    const before = await far.ask<number>({ what: 'stalled' });
    await sendOut(`out-${tag}`, 3_000_000);
    await until('mail data under way', async () => (await far.ask<number>({ what: 'stalled' })) > before);
    await far.ask({ what: 'stall' });
    await fail();
    await until(`the mail; seen: ${service.told()}`, async () => (await arrivals(`out-${tag}`)) === 1, 30_000);
  });

  test(`${name} after the final dot of mail that goes out: it arrives, twice at most`, { skip }, async () => {
    await far.ask({ what: 'stall', at: 'end' });
    await sendOut(`dot-${tag}`);
    await until('the final dot', async () => (await arrivals(`dot-${tag}`)) === 1);
    await far.ask({ what: 'stall' });
    await fail();
    await until(`the mail again; seen: ${service.told()}`, async () => (await arrivals(`dot-${tag}`)) === 2, 30_000);
    await until('an empty queue', async () => {
      const { total } = JSON.parse((await service.ims('--json', 'queue', 'list')).stdout) as { total: number };
      return total === 0;
    });
    assert.equal(await arrivals(`dot-${tag}`), 2);
    assert.ok(!service.events.some(({ event }) => event === 3663), service.told());
  });
}

test('clients whose packets are dropped beyond the gateway do not hold up others, nor the service', {
  skip,
}, async () => {
  await sender.ask({ what: 'begin', to: GATEWAY, recipient: 'beyond@example.test', stop: 'data' });
  const from = service.events.length;
  await scene.partition(true, 'internet');
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await scene.partition(false, 'internet');
  assert.ok((await isBack()) < 5000);
  assert.deepEqual(
    service.events.slice(from).filter(({ event }) => event === 3665),
    [],
  );
});
