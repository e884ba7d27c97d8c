import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { startService, type TestService } from '../../support/service.ts';
import { everyMail } from '../../support/mailboxes.ts';
import { needsPostfix } from '../../support/postfix.ts';
import { buildScene, CLIENT, FAR, GATEWAY, needsScene, type Resident, type Scene } from './scene.ts';

const skip = needsScene();
const KILLS = Number(process.env['IMS_GATEWAY_KILLS'] ?? 3);

let scene: Scene;
let far: Resident;
let inner: Resident;
let service: TestService;

const ZONE = `example.test MX 10 gateway.example.test
gateway.example.test A ${GATEWAY}
far.test MX 10 mx.far.test
mx.far.test A ${FAR}
post.test MX 10 mx.post.test
mx.post.test A ${CLIENT}
`;

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  far = scene.resident('internet');
  inner = scene.resident('private');
  await scene.startGateway();
  const dns = await inner.ask<string>({ what: 'dns', zone: ZONE });
  await far.ask({ what: 'sink', address: FAR });
  service = await startService((directory) => configuration(directory, dns), undefined, scene.within.private);
  await service.seen(2660);
});

after(async () => {
  await service?.remove();
  await scene?.remove();
});

function configuration(directory: string, dns: string): string {
  return `server: { name: mail.example.test, data: ${directory}/data, workers: 2 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: 2525, tls: none }
  inside: { profile: mx, address: 127.0.0.1, port: 2526, tls: none }
domains:
  example.test: { catchAll: alice@example.test, mailboxes: { alice: {} } }
reception: { connectionsPerAddressMax: 1000 }
names: { servers: ['${dns}'] }
policy: { localNetworks: [127.0.0.0/8, 203.0.113.0/24] }
# Whatever fails for the gateway's sake goes on when it is back, not when its time has come.
scheduler: { normal: { first: 10m, longest: 10m } }
gateways:
  outside:
    host: ${GATEWAY}
    user: ${scene.user}
    keyFile: ${scene.keyFile}
    hostKey: '${scene.hostKey}'
    keepAlive: 500ms
    heloName: gateway.example.test
    listen: [{ listener: mx }]
routing: { proxy: outside }
`;
}

async function until<T>(what: string, look: () => Promise<T | undefined>, ms = 20_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`in ${ms} ms not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const arrivals = async (): Promise<Map<string, number>> =>
  new Map((await far.ask<{ arrivals: [string, number][] }>({ what: 'arrivals' })).arrivals);

/** Events that were seen after so many. */
const later = (number: number, from: number): Promise<string> =>
  until(`event ${number}`, async () => service.events.slice(from).find(({ event }) => event === number)?.text);

test('mail comes in by the gateway with the true address of its client', { skip }, async () => {
  assert.equal(await far.ask({ what: 'send', to: GATEWAY, recipient: 'alice@example.test' }), 'taken');
  const text = await until('the message', async () => (await everyMail(service))[0]);
  const from = /Received: from far\.test \([^)]*\[([^\]]*)\]\)/.exec(text)?.[1];
  assert.equal(from, FAR);
  // Its name there is the one that the world knows.
  assert.match(text, /by gateway\.example\.test with/);
});

test('clients of a gateway are never of our own networks', { skip }, async () => {
  const said = await far.ask<string>({ what: 'send', to: GATEWAY, recipient: 'someone@elsewhere.test' });
  assert.match(said, /got 55[04] 5\.7\.1/);
});

test('a dialogue through the gateway waits for no acknowledgements of packets', { skip }, async () => {
  // Seven replies, and 40 ms before each of them where the session gathers small packets.
  let fastest = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 5; n += 1) {
    const start = performance.now();
    assert.equal(await far.ask({ what: 'send', to: GATEWAY, recipient: 'alice@example.test' }), 'taken');
    fastest = Math.min(fastest, performance.now() - start);
  }
  assert.ok(fastest < 150, `${fastest} ms`);
});

test('outgoing mail leaves from the address of the gateway', { skip }, async () => {
  const said = await inner.ask({ what: 'send', to: '127.0.0.1', port: 2526, recipient: 'bob@far.test' });
  assert.equal(said, 'taken');
  await until('the message at the far side', async () =>
    (await arrivals()).get('bob@far.test') === 1 ? true : undefined,
  );
  const { peers } = await far.ask<{ peers: string[] }>({ what: 'arrivals' });
  assert.deepEqual(peers, [GATEWAY]);
});

test('mail goes both ways with a real Postfix, each seeing the other where the world sees it', {
  skip: skip === false ? needsPostfix() : skip,
}, async () => {
  const host = scene.resident('internet');
  try {
    await host.ask({ what: 'postfix', address: CLIENT, domain: 'post.test', relay: GATEWAY });
    assert.equal(await inner.ask({ what: 'send', to: '127.0.0.1', port: 2526, recipient: 'bob@post.test' }), 'taken');
    const received = await until(
      'mail at Postfix',
      async () => (await host.ask<string[]>({ what: 'postfix-mail' }))[0],
    );
    assert.match(received, /Received: from gateway\.example\.test \([^)]*\[203\.0\.113\.5\]\)\s+by postfix\.test/);
    assert.equal(await host.ask({ what: 'send', to: '127.0.0.1', recipient: 'from-postfix@example.test' }), 'taken');
    const text = await until('mail of Postfix', async () =>
      (await everyMail(service)).find((one) => /^Received: from postfix\.test/m.test(one)),
    );
    assert.match(text, /^Received: from postfix\.test \([^)]*\[203\.0\.113\.77\]\)/m);
  } finally {
    await host.ask({ what: 'postfix-end' });
    host.end();
  }
});

test('`ims route` says that mail leaves from the gateway, and with which name', { skip }, async () => {
  const { stdout } = await service.ims('route', 'explain', 'bob@far.test');
  assert.match(
    stdout,
    /rule: no address space fits.*\n +mx\.far\.test port 25 {2}203\.0\.113\.1\n +from the gateway outside \(names are looked up here, EHLO gateway\.example\.test\); TLS opportunistic/,
  );
});

test('two hundred sessions at once go through the gateway', { skip }, async () => {
  assert.equal(await far.ask({ what: 'many', to: GATEWAY, sessions: 200 }), 200);
});

test('a gateway behind a network that drops packets is noticed, and found again', { skip }, async () => {
  const from = service.events.length;
  await scene.partition(true);
  try {
    assert.match(await later(3665, from), /lost/);
    await new Promise((resolve) => setTimeout(resolve, 1500));
  } finally {
    await scene.partition(false);
  }
  const ms = await far.ask<number | undefined>({ what: 'banner', to: GATEWAY, port: 25, withinMs: 15_000 });
  assert.ok(ms !== undefined && ms < 10_000, `back after ${ms} ms`);
});

test('a session that is half dead and holds the port is ended, and the port is ours again', { skip }, async () => {
  const from = service.events.length;
  await scene.forgetSessions();
  assert.match(await later(2661, from), /held port 25/);
  assert.ok(
    (await far.ask<number | undefined>({ what: 'banner', to: GATEWAY, port: 25, withinMs: 5000 })) !== undefined,
  );
});

/** The text between a line that ends with `<<'END'` and END, by the file that it is for. */
const document = (text: string, file: string): string =>
  new RegExp(`${file} <<'END'\\n([^]*?)\\nEND\\n`).exec(text)?.[1] ?? '';

test('what `ims gateway prepare` prints makes a gateway, which `ims gateway check` finds well', { skip }, async () => {
  const { stdout } = await service.ims('gateway', 'prepare', 'outside');
  const key = document(stdout, 'authorized_keys');
  const lines = document(stdout, 'ims-gateway.conf');
  assert.match(
    key,
    /^restrict,port-forwarding,permitlisten="25",command=".*" ssh-ed25519 \S+ ims@mail\.example\.test$/,
  );
  await scene.killGateway();
  await scene.authorize(`${key}\n`);
  const from = service.events.length;
  await scene.startGateway('GatewayPorts no\nAllowTcpForwarding no', lines);
  await later(2660, from);
  const checked = await service.ims('gateway', 'check', 'outside');
  assert.match(checked.stdout, /well +log in at 203\.0\.113\.5:22 as ims-gateway: OpenSSH/);
  assert.match(checked.stdout, /well +bind 0\.0\.0\.0:25 there: our service holds it and answers/);
  assert.match(checked.stdout, /well +connect from there: allowed/);
  assert.match(checked.stdout, /well +reach 203\.0\.113\.5:25 from this host: 220 gateway\.example\.test/);
  assert.match(checked.stdout, /BAD +name of 203\.0\.113\.5 \(PTR\): there is none/);
  assert.equal(checked.code, 1);
  // The one command that this key may run is enough to end a session that is half dead.
  const before = service.events.length;
  await scene.forgetSessions();
  assert.match(await later(2661, before), /held port 25/);
});

test('another mail server on the port is named by its banner, and the port is bound when it has left', {
  skip,
}, async () => {
  await scene.killGateway();
  const other = scene.resident('gateway');
  await other.ask({ what: 'sink', address: '0.0.0.0' });
  const from = service.events.length;
  await scene.startGateway();
  assert.match(await later(3664, from), /port 25 .*answers "220 sink\.test ESMTP"/);
  other.end();
  assert.match(await later(2660, from), /0\.0\.0\.0:25 for mx/);
});

test('GatewayPorts no is found out though the server says yes', { skip }, async () => {
  await scene.killGateway();
  const from = service.events.length;
  await scene.startGateway('GatewayPorts no');
  assert.match(await later(3663, from), /GatewayPorts is no/);
  await scene.killGateway();
});

test('AllowTcpForwarding no is told apart', { skip }, async () => {
  const from = service.events.length;
  await scene.startGateway('AllowTcpForwarding no');
  assert.match(await later(3663, from), /AllowTcpForwarding/);
  await scene.killGateway();
});

test('a refused key and another host key are told apart, and nothing is sent', { skip }, async () => {
  const key = await readFile(`${scene.keyFile}.pub`, 'utf8');
  await scene.authorize('');
  const from = service.events.length;
  await scene.startGateway();
  assert.match(await later(3662, from), /it takes publickey/);
  await scene.killGateway();
  await scene.authorize(key);
  const before = scene.hostKey;
  const shown = await scene.newHostKey();
  await scene.startGateway();
  // A reload with a new pin is not needed to look again: a change of the settings is.
  const text = await readFile(service.configuration, 'utf8');
  await writeFile(service.configuration, text.replace('keepAlive: 500ms', 'keepAlive: 600ms'));
  await service.ims('reload');
  const told = await later(3661, from);
  assert.ok(told.includes(shown) && told.includes(before), told);
  await writeFile(service.configuration, text.replace(before, shown));
  await service.ims('reload');
  assert.match(await later(2660, from), /works/);
  assert.ok(
    (await far.ask<number | undefined>({ what: 'banner', to: GATEWAY, port: 25, withinMs: 5000 })) !== undefined,
  );
});

test('a worker that is killed gives the public port to the next one', { skip }, async () => {
  await far.ask({ what: 'banner', to: GATEWAY, port: 25, withinMs: 10_000 });
  for (const pid of await service.workers()) process.kill(pid, 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 200));
  const ms = await far.ask<number | undefined>({ what: 'banner', to: GATEWAY, port: 25, withinMs: 15_000 });
  assert.ok(ms !== undefined, 'the port is served again');
});

test('two gateways at once, each listened on by a worker of its own', { skip }, async () => {
  const gateway = (name: string, port: number): string =>
    `  ${name}: { host: ${GATEWAY}, user: ${scene.user}, keyFile: ${scene.keyFile}, hostKey: '${scene.hostKey}', listen: [{ port: ${port}, listener: mx }] }\n`;
  const other = await startService(
    (directory) =>
      `server: { name: other.example.test, data: ${directory}/data, workers: 2 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: 2545, tls: none } }
domains: { other.test: { mailboxes: { alice: {} } } }
names: { servers: ['127.0.0.1:5399'] }
gateways:
${gateway('one', 2501)}${gateway('two', 2502)}`,
    undefined,
    scene.within.private,
  );
  try {
    const works = await until('both gateways', async () => {
      const seen = other.events.filter(({ event }) => event === 2660);
      return seen.length === 2 ? seen.map(({ process: name }) => name).sort() : undefined;
    });
    assert.deepEqual(works, ['worker 0', 'worker 1']);
    for (const port of [2501, 2502])
      assert.ok((await far.ask({ what: 'banner', to: GATEWAY, port, withinMs: 5000 })) !== undefined);
    assert.equal(await other.stop(), 0);
    assert.equal(await far.ask({ what: 'banner', to: GATEWAY, port: 2501, withinMs: 300 }), undefined);
  } finally {
    await other.remove();
  }
});

test(`a gateway that is killed ${KILLS} times under load loses nothing, and is back within 3 s`, { skip }, async () => {
  await far.ask({ what: 'flow', to: GATEWAY, perSecond: 50, domain: 'example.test', tag: 'in' });
  await inner.ask({ what: 'flow', to: '127.0.0.1', port: 2526, perSecond: 50, domain: 'far.test', tag: 'out' });
  const backMs: number[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await scene.killGateway();
    await new Promise((resolve) => setTimeout(resolve, 300 + (kill % 5) * 400));
    await scene.startGateway();
    const ms = await far.ask<number | undefined>({ what: 'banner', to: GATEWAY, port: 25, withinMs: 10_000 });
    assert.ok(ms !== undefined, 'the public port comes back');
    backMs.push(ms);
  }
  const [incoming, outgoing] = await Promise.all([
    far.ask<string[]>({ what: 'stop-flow' }),
    inner.ask<string[]>({ what: 'stop-flow' }),
  ]);
  assert.ok(Math.max(...backMs) < 3000, `back after ${backMs.join(', ')} ms`);
  assert.ok(incoming.length > 50 && outgoing.length > 50, `${incoming.length} in, ${outgoing.length} out`);
  let missing = outgoing.length;
  const all = async (): Promise<true | undefined> => {
    const there = await arrivals();
    missing = outgoing.filter((name) => !there.has(`${name}@far.test`)).length;
    return missing === 0 ? true : undefined;
  };
  await until('all outgoing mail', all, 30_000).catch(() => undefined);
  assert.equal(missing, 0, 'all outgoing mail arrived');
  const there = await arrivals();
  const twice = outgoing.filter((name) => (there.get(`${name}@far.test`) ?? 0) > 1);
  // Only a message whose end was under way when the gateway died may come twice: a connection each, at most twenty.
  assert.ok(twice.length <= KILLS * 20, `${twice.length} came twice`);
  const stored = await until('all incoming mail', async () => {
    const subjects = (await everyMail(service)).map((text) => /^Subject: (in-.*)$/m.exec(text)?.[1]?.trim() ?? '');
    const there = new Set(subjects);
    return incoming.every((name) => there.has(name)) ? subjects.filter((name) => name !== '') : undefined;
  });
  // Each was sent once: one that was taken and not acknowledged is there once, too.
  assert.deepEqual(
    stored.filter((name, i) => stored.indexOf(name) !== i),
    [],
  );
});
