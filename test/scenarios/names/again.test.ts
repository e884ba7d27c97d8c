import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { arrived, Town, until } from '../../original/town.ts';
import { startDnsServer } from '../../support/dns-server.ts';

const TEXT = 'Subject: x\r\n\r\nx\r\n';
let town: Town;

before(async () => {
  town = await Town.found({
    // A retry curve that cannot be what lets the mail go.
    scheduler: '  jitter: 0\n  normal: { first: 1h, factor: 2, longest: 4h }\n',
    routing: ({ peerPort }) => `  smartHosts: { store: { hosts: [{ host: store.lan, port: ${peerPort} }], tls: none } }
  addressSpaces: [{ match: stored.test, via: store }]
`,
    more: 'network: { interposer: avoid }\n',
  });
});
after(() => town.leave());

const sendTo = async (to: string): Promise<void> => {
  assert.match(await town.send({ from: 'u1@example.test', to: [to], content: TEXT }), /^250/);
};

const change = async (from: string | RegExp, to: string): Promise<void> => {
  const path = town.service.configuration;
  await writeFile(path, (await readFile(path, 'utf8')).replace(from, to));
  const { code, stderr } = await town.service.ims('reload');
  assert.equal(code, 0, stderr);
};

const troubled = async (): Promise<readonly string[]> => {
  const { parts } = JSON.parse((await town.service.ims('status', '--json')).stdout) as {
    parts: { part: string; state: string }[];
  };
  return parts
    .filter(({ part, state }) => /^(?:resolver|name server)/.test(part) && state !== 'running')
    .map(({ part }) => part);
};

test('when the name service is back, mail that waited for it goes at once, and the status has no trouble left', {
  timeout: 90_000,
}, async () => {
  const host = await town.host({}, 'back.test');
  town.dns.fail('SILENT');
  await sendTo('x@back.test');
  await town.waiting('back.test', ({ attempts }) => attempts > 0);
  assert.deepEqual([...(await troubled())].sort(), [`name server ${town.dns.server}`, 'resolver']);
  town.dns.fail(undefined);
  await arrived(host, 1, 30_000);
  assert.deepEqual(await troubled(), []);
  assert.equal(town.service.events.filter(({ name }) => name === 'names.available').length, 1);
});

test('name servers that are replaced by a reload are no trouble any more, and mail that waited for a name goes', {
  timeout: 90_000,
}, async () => {
  const host = await town.host({}, 'moved.test');
  town.dns.fail('SILENT');
  await sendTo('x@moved.test');
  await town.waiting('moved.test', ({ attempts }) => attempts > 0);
  const other = await startDnsServer(`moved.test MX 10 h.moved.test\nh.moved.test A ${host.address}`);
  try {
    await change(town.dns.server, other.server);
    await arrived(host);
    assert.deepEqual(await troubled(), []);
    await change(other.server, town.dns.server);
  } finally {
    town.dns.fail(undefined);
    await other.close();
  }
});

test('Q146944: with the name service down, mail goes to a smart host whose address stands in the hosts file, also one that is added later', {
  timeout: 90_000,
}, async () => {
  const host = await town.host({});
  const hosts = join(town.service.directory, 'hosts');
  await writeFile(hosts, `127.0.0.1 localhost\n${host.address} Store.LAN store # ours\n`);
  town.dns.fail('SERVFAIL');
  await change('names: { ', `names: { hostsFile: '${hosts}', `);
  await sendTo('x@stored.test');
  await arrived(host);
  await sendTo('x@elsewhere.test');
  await town.waiting('elsewhere.test', ({ attempts }) => attempts > 0);
  town.dns.fail(undefined);
  await until(async () => ((await troubled()).length === 0 ? true : undefined), 'the end of the trouble', 60_000);
});
