import assert from 'node:assert/strict';
import { test } from 'node:test';
import packet from 'dns-packet';
import { a, makeWorld, recording, settings, soa, two } from '../../../test/support/asked-servers.ts';
import type { Network } from '../../world/ports/network.ts';
import { createResolver } from './resolver.ts';

const root: packet.Answer = { name: '.', type: 'NS', ttl: 60, class: 'IN', data: 'a.root-servers.net' };

test('a server that says no to every name counts as one that failed: another one is asked, and mail is not returned', async () => {
  const doubting = { own: ['ours.test'] };
  const liar = makeWorld(() => ({ flags: 3 }));
  const { journal, names } = recording();
  const alone = createResolver({ world: liar.world, servers: two, settings, journal, doubting });
  const held = await alone.query('good.test', 'MX');
  assert.ok(held.kind === 'failure' && /^NXDOMAIN for good\.test from 192\.0\.2\.\d, which knows no/.test(held.reason));
  assert.deepEqual(names, ['names.server-failed', 'names.server-failed', 'names.unavailable']);
  const sim = makeWorld((_query, server) => (server === '192.0.2.1' ? { flags: 3 } : { answers: [a('good.test')] }));
  const resolver = createResolver({ world: sim.world, servers: two, settings, doubting });
  assert.equal((await resolver.query('good.test', 'A')).kind, 'records');
});

test('a no of a server that knows the root is one, at the cost of one more question', async () => {
  const sim = makeWorld((query) => (query.questions?.[0]?.type === 'NS' ? { answers: [root] } : { flags: 3 }));
  const { journal, names } = recording();
  const resolver = createResolver({ world: sim.world, servers: two, settings, journal, doubting: { own: [] } });
  assert.equal((await resolver.query('typo.test', 'MX')).kind, 'no-such-name');
  assert.equal((await resolver.query('wrong.test', 'MX')).kind, 'no-such-name');
  assert.deepEqual([sim.asked.length, names], [3, []]);
});

test('a no that names the zone above is believed at once; the root or the name itself names anybody', async () => {
  for (const [zone, kind] of [
    ['test', 'no-such-name'],
    ['typo.test', 'failure'],
    ['', 'failure'],
    ['elsewhere', 'failure'],
  ] as const) {
    const sim = makeWorld(() => ({ flags: 3, authorities: [{ ...soa, name: zone }] }));
    const { journal } = recording();
    const resolver = createResolver({ world: sim.world, servers: two, settings, journal, doubting: { own: [] } });
    assert.equal((await resolver.query('typo.test', 'MX')).kind, kind, zone);
    if (kind === 'no-such-name') assert.equal(sim.asked.length, 1);
  }
});

test('a server that is not believed recovers with the first answer that shows knowledge, told once', async () => {
  let lying = true;
  const sim = makeWorld((query) => {
    const question = query.questions?.[0];
    if (lying) return question?.type === 'PTR' ? { answers: [] } : { flags: 3 };
    return question?.type === 'NS' ? { answers: [root] } : { flags: 3 };
  });
  const { journal, names } = recording();
  const [server] = two;
  assert.ok(server);
  const resolver = createResolver({ world: sim.world, servers: [server], settings, journal, doubting: { own: [] } });
  assert.equal((await resolver.query('good.test', 'MX')).kind, 'failure');
  assert.equal((await resolver.query('1.2.0.192.in-addr.arpa', 'PTR')).kind, 'no-data');
  assert.deepEqual(names, ['names.server-failed', 'names.unavailable']);
  lying = false;
  await sim.pass(10_000);
  assert.equal((await resolver.query('typo.test', 'MX')).kind, 'no-such-name');
  assert.deepEqual(names, ['names.server-failed', 'names.unavailable', 'names.server-answered', 'names.available']);
});

test('where only questions without EDNS come through, or short answers, the last questions go without', async () => {
  for (const servers of [two.slice(0, 1), two]) {
    const sim = makeWorld((_query, _server, _via, edns) => (edns ? undefined : { answers: [a('a.test')] }));
    const asking = createResolver({ world: sim.world, servers, settings }).query('a.test', 'A');
    for (let i = 0; i < 3; i += 1) await sim.pass(3000);
    assert.equal((await asking).kind, 'records');
  }
});

test('a server that looks nothing up for us and only refers elsewhere is passed over, and never taken for a no', async () => {
  const ns: packet.Answer = { name: 'test', type: 'NS', ttl: 60, class: 'IN', data: 'ns.test' };
  const sim = makeWorld((_query, server) =>
    server === '192.0.2.1'
      ? { authorities: [ns] }
      : { flags: packet.RECURSION_AVAILABLE, answers: [], authorities: [soa] },
  );
  const both = createResolver({ world: sim.world, servers: two, settings });
  assert.equal((await both.query('a.test', 'MX')).kind, 'no-data');
  const alone = await createResolver({ world: sim.world, servers: two.slice(0, 1), settings }).query('a.test', 'MX');
  assert.ok(alone.kind === 'failure' && /192\.0\.2\.1 does not look up names for us/.test(alone.reason));
});

test('an answer from another address than the one asked is not believed, and is told', async () => {
  const sim = makeWorld(() => ({ answers: [a('a.test')] }));
  const { network } = sim.world;
  const elsewhere: Network = {
    ...network,
    datagram: (family, receive) =>
      network.datagram(family, (octets, from) => receive(octets, { ...from, address: '192.0.2.99' })),
  };
  const world = { ...sim.world, network: elsewhere };
  const asking = createResolver({ world, servers: two, settings: { ...settings, tries: 1 } }).query('a.test', 'A');
  await sim.pass(3000);
  assert.deepEqual(await asking, {
    kind: 'failure',
    reason: 'no answer from 192.0.2.1 in 3 s; one came from 192.0.2.99, which was not asked',
  });
});

test('servers that others take the place of are spoken of no more, and only those that had failed', async () => {
  const sim = makeWorld((_query, server) => (server === '192.0.2.1' ? { flags: 5 } : { answers: [a('a.test')] }));
  const { journal, names } = recording();
  const resolver = createResolver({ world: sim.world, servers: two, settings, journal });
  await resolver.query('a.test', 'A');
  resolver.replaced();
  assert.deepEqual(names, ['names.server-failed', 'names.server-dropped']);
});

test('one lost packet alarms nobody; a name that a server refuses says nothing of the server', async () => {
  let lost = 0;
  const sim = makeWorld((query) => {
    if (lost > 0) {
      lost -= 1;
      return undefined;
    }
    return query.questions?.[0]?.name === 'blocked.test' ? { flags: 5 } : { answers: [a('a.test', 0)] };
  });
  const { journal, names } = recording();
  const resolver = createResolver({ world: sim.world, servers: two.slice(0, 1), settings, journal });
  for (let round = 0; round < 3; round += 1) {
    lost = 1;
    const asking = resolver.query('a.test', 'A');
    await sim.pass(3000);
    assert.equal((await asking).kind, 'records');
    assert.equal((await resolver.query('blocked.test', 'A')).kind, 'failure');
    await sim.pass(2000);
  }
  assert.deepEqual(names, []);
});

test('a server that does not understand any question is of no use, and told', async () => {
  const sim = makeWorld(() => ({ flags: 1 }));
  const { journal, names } = recording();
  const resolver = createResolver({ world: sim.world, servers: two.slice(0, 1), settings, journal });
  assert.deepEqual(await resolver.query('a.test', 'A'), { kind: 'failure', reason: 'FORMERR from 192.0.2.1' });
  assert.deepEqual(names, ['names.server-failed', 'names.unavailable']);
});

test('SERVFAIL for every name is told of the server; SERVFAIL for one is not', async () => {
  const root: packet.Answer = { name: '.', type: 'NS', ttl: 60, class: 'IN', data: 'a.root-servers.net' };
  const servers = two.slice(0, 1);
  const one = makeWorld((query) => (query.questions?.[0]?.type === 'NS' ? { answers: [root] } : { flags: 2 }));
  const every = makeWorld(() => ({ flags: 2 }));
  const told = async (sim: typeof one): Promise<readonly string[]> => {
    const { journal, names } = recording();
    const resolver = createResolver({ world: sim.world, servers, settings, journal, doubting: { own: [] } });
    assert.equal((await resolver.query('a.test', 'MX')).kind, 'failure');
    return names;
  };
  assert.deepEqual(await told(one), []);
  assert.deepEqual(await told(every), ['names.server-failed', 'names.unavailable']);
});
