import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startDnsServer } from '../support/dns-server.ts';
import { ehlo } from '../support/scripted-peer.ts';
import { freePort, startService } from '../support/service.ts';
import { Client } from './client.ts';
import type { PeerHost } from './peer.ts';
import { arrived, OURS, STRANGER, Town, until } from './town.ts';

const PLAIN = ehlo(['STARTTLS', 'SIZE']);
const TEXT = 'From: a@far.test\r\nSubject: x\r\n\r\nx\r\n';
let town: Town;
let oldHost: PeerHost;
let newHost: PeerHost;

before(async () => {
  town = await Town.found({
    policy: "  remoteDomainsAllowed: [open.test, moved.test, scoped.test, '*.allowed.test']\n",
    routing: ({ peerPort }) => `  smartHosts:
    old: { hosts: [{ host: old.hosts.test, port: ${peerPort} }], tls: none }
    new: { hosts: [{ host: new.hosts.test, port: ${peerPort} }], tls: none }
  addressSpaces:
    - { match: moved.test, via: old }
    - { match: scoped.test, via: new, senders: [u7@example.test] }
    - { match: scoped.test, via: old }
`,
    domain: '    aliases: { forbidden: x@forbidden.test, allowed: x@open.test }\n',
  });
  oldHost = await town.host({ RCPT: (line) => (line.includes('moved.test') ? '450 4.2.0 not now' : '250 2.1.5 ok') });
  newHost = await town.host({ EHLO: PLAIN });
  town.zone(`old.hosts.test A ${oldHost.address}`, `new.hosts.test A ${newHost.address}`);
});
after(() => town.leave());

test('Q178436: two servers whose aliases lead to each other stop after one round, and nobody is told by a null sender', async () => {
  const ports = [await freePort(), await freePort()] as const;
  const dns = await startDnsServer('');
  const services = await Promise.all(
    [0, 1].map((n) =>
      startService(
        (directory) => `server: { name: mail.s${n}.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${ports[n as 0 | 1]}, tls: none } }
names: { servers: ['${dns.server}'] }
routing:
  smartHosts: { other: { hosts: [{ host: 127.0.0.1, port: ${ports[n === 0 ? 1 : 0]} }], tls: none } }
  addressSpaces: [{ match: s${1 - n}.test, via: other }]
domains:
  s${n}.test:
    mailboxes: { sender: {}, postmaster: {} }
    aliases: { ping: ping@s${1 - n}.test }
`,
      ),
    ),
  );
  try {
    for (const from of ['', 'sender@s0.test']) {
      const client = await Client.open(ports[0], STRANGER);
      assert.match(await client.send({ from, to: ['ping@s0.test'], content: TEXT }), /^250/);
      client.close();
    }
    const [first] = services;
    assert.ok(first !== undefined);
    const told = join(first.directory, 'data/mail/s0.test/sender/new');
    const [report = ''] = await until(async () => {
      const names = await readdir(told).catch(() => []);
      return names.length > 0 ? names : undefined;
    }, 'the report to the sender');
    assert.match(await readFile(join(told, report), 'utf8'), /Status: 5\.4\.6/);
    await until(async () => {
      const totals = await Promise.all(
        services.map(
          async (service) => JSON.parse((await service.ims('queue', 'list', '--json')).stdout) as { total: number },
        ),
      );
      return totals.every(({ total }) => total === 0) ? true : undefined;
    }, 'empty queues');
    assert.equal((await readdir(told)).length, 1, 'the null sender is not told');
    const loops = first.events.filter(({ event }) => event === 3205);
    assert.deepEqual(
      loops.map(({ data }) => data['recipient']),
      ['ping@s0.test', 'ping@s0.test'],
      'each came back once',
    );
  } finally {
    await Promise.all(services.map((service) => service.remove()));
    await dns.close();
  }
});

test('Q196793: mail leaves only for the domains that the settings allow; the refusal names the rule, and mail inwards is not concerned', async () => {
  const client = await Client.open(town.port, OURS);
  await client.say('MAIL FROM:<u0@example.test>');
  const refused = await client.say('RCPT TO:<x@forbidden.test>');
  assert.match(refused, /^550 5\.7\.1 .*forbidden\.test/);
  assert.deepEqual(await client.codes('RCPT TO:<x@open.test>', 'RCPT TO:<x@sub.allowed.test>'), [
    '250 2.1.5',
    '250 2.1.5',
  ]);
  client.close();
  const inwards = await Client.open(town.port, STRANGER);
  assert.deepEqual(await inwards.codes('MAIL FROM:<x@forbidden.test>', 'RCPT TO:<u0@example.test>'), [
    '250 2.1.0',
    '250 2.1.5',
  ]);
  inwards.close();
});

test('Q273907: an alias does not lead where mail may not go', async () => {
  const client = await Client.open(town.port, STRANGER);
  const codes = await client.codes(
    'MAIL FROM:<a@far.test>',
    'RCPT TO:<forbidden@example.test>',
    'RCPT TO:<allowed@example.test>',
  );
  assert.deepEqual(codes, ['250 2.1.0', '550 5.7.1', '250 2.1.5']);
  client.close();
});

test('Q237927: encapsulated addresses are unknown names', async () => {
  const client = await Client.open(town.port, STRANGER);
  const codes = await client.codes('MAIL FROM:<a@far.test>', 'RCPT TO:<IMCEASMTP-user+40remote+2Etest@example.test>');
  assert.deepEqual(codes, ['250 2.1.0', '550 5.1.1']);
  client.close();
});

test('Q164457: a domain that ends like ours is not ours', async () => {
  const client = await Client.open(town.port, STRANGER);
  const codes = await client.codes(
    'MAIL FROM:<a@far.test>',
    'RCPT TO:<u0@notexample.test>',
    'RCPT TO:<u0@ample.test>',
    'RCPT TO:<u0@sub.example.test>',
  );
  assert.deepEqual(codes, ['250 2.1.0', '550 5.7.1', '550 5.7.1', '550 5.7.1']);
  client.close();
});

test('Q239228: a route for one sender is for nobody else', async () => {
  for (const sender of ['u7', 'u8'])
    assert.match(
      await town.send({ from: `${sender}@example.test`, to: [`${sender}@scoped.test`], content: TEXT }),
      /^250/,
    );
  await arrived(newHost);
  await arrived(oldHost);
  assert.ok(newHost.commands.includes('RCPT TO:<u7@scoped.test>'));
  assert.ok(oldHost.commands.includes('RCPT TO:<u8@scoped.test>'));
});

test('Q268494: mail that waits takes the new route at its next attempt after a reload', async () => {
  assert.match(await town.send({ from: 'u0@example.test', to: ['x@moved.test'], content: TEXT }), /^250/);
  await town.waiting('moved.test', ({ nextHop, attempts }) => nextHop === 'host:old' && attempts > 0);
  const text = await readFile(town.service.configuration, 'utf8');
  await writeFile(
    town.service.configuration,
    text.replace('{ match: moved.test, via: old }', '{ match: moved.test, via: new }'),
  );
  const { code, stderr } = await town.service.ims('reload');
  assert.equal(code, 0, stderr);
  await until(
    () => (newHost.commands.includes('RCPT TO:<x@moved.test>') ? true : undefined),
    'the message at the new host',
  );
});

test('Q238719: a route to a smart host that is not there is refused by the configuration check', async () => {
  const path = `${town.service.directory}/lint.yaml`;
  const text = await readFile(town.service.configuration, 'utf8');
  await writeFile(path, text.replace('- { match: scoped.test, via: old }', '- { match: scoped.test, via: gone }'));
  const { code, stdout } = await town.service.ims('config', 'check', path);
  assert.notEqual(code, 0);
  assert.match(stdout, /lint\.yaml:\d+:\d+: error: .*gone/);
});

test('Q149121: the table of routes is printed in the order of decision, with costs and where each leads', async () => {
  const { code, stdout, stderr } = await town.service.ims('routes', '--json');
  assert.equal(code, 0, stderr);
  const rows = JSON.parse(stdout) as { match: string; cost?: number; via: string; reason: string; senders: string[] }[];
  assert.deepEqual([rows[0]?.match, rows[0]?.via], ['example.test', 'local']);
  assert.deepEqual([rows.at(-1)?.match, rows.at(-1)?.via], ['(all other)', 'mx']);
  const scoped = rows.filter(({ match }) => match === 'scoped.test');
  assert.deepEqual(
    scoped.map(({ senders, cost }) => [senders.length, cost]),
    [
      [1, 1],
      [0, 1],
    ],
  );
  assert.match(scoped[0]?.reason ?? '', /new\.hosts\.test:\d+ \(preference 10, weight 1\)/);
  const words = (await town.service.ims('routes')).stdout;
  assert.match(words, /MATCH +COST +SENDERS +VIA/);
});

test('Q155920: a client is explained with its networks', async () => {
  const { code, stdout, stderr } = await town.service.ims(
    'explain',
    OURS,
    '--from',
    'u0@example.test',
    '--to',
    'x@forbidden.test',
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /is in the local network 127\.0\.0\.2\/32/);
  assert.match(stdout, /RCPT is answered: 550 5\.7\.1 .*forbidden\.test/);
  assert.match((await town.service.ims('explain', STRANGER)).stdout, /may not relay/);
});
