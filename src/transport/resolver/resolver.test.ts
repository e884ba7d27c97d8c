import assert from 'node:assert/strict';
import { test } from 'node:test';
import packet from 'dns-packet';
import { a, makeWorld, recording, settings, soa, two } from '../../../test/support/asked-servers.ts';
import { inFlightMax } from './limits.ts';
import { createResolver } from './resolver.ts';

test('an answer is kept for its TTL and ages; names compare without case', async () => {
  const sim = makeWorld(() => ({ answers: [a('a.test')] }));
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  await resolver.query('a.test', 'A');
  await sim.pass(20_000);
  const second = await resolver.query('A.Test.', 'A');
  assert.ok(second.kind === 'records' && second.ttlSeconds === 40);
  assert.equal(sim.asked.length, 1);
  await sim.pass(41_000);
  await resolver.query('a.test', 'A');
  assert.equal(sim.asked.length, 2);
});

test('equal questions in flight are asked once', async () => {
  const sim = makeWorld(() => ({ answers: [a('a.test')] }));
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  await Promise.all(Array.from({ length: 100 }, () => resolver.query('a.test', 'A')));
  assert.equal(sim.asked.length, 1);
});

test('NXDOMAIN and NODATA are told apart and kept by the SOA record', async () => {
  const sim = makeWorld((query) => ({ flags: query.questions?.[0]?.name === 'none.test' ? 3 : 0, authorities: [soa] }));
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  assert.deepEqual(await resolver.query('none.test', 'MX'), {
    kind: 'no-such-name',
    ttlSeconds: 30,
    authenticated: false,
  });
  assert.deepEqual(await resolver.query('empty.test', 'MX'), {
    kind: 'no-data',
    canonicalName: 'empty.test',
    ttlSeconds: 30,
    authenticated: false,
  });
  await resolver.query('none.test', 'MX');
  assert.equal(sim.asked.length, 2);
});

test('split DNS: the servers of the longest zone are asked, others for all the rest, and aliases lead across', async () => {
  const sim = makeWorld((query, server) => {
    const name = query.questions?.[0]?.name ?? '';
    if (name === 'www.corp.test')
      return { answers: [{ name, type: 'CNAME', ttl: 60, class: 'IN', data: 'web.far.test' }] };
    return server === '10.0.0.9' ? undefined : { answers: [a(name)] };
  });
  const { journal, names } = recording();
  const zones = { 'corp.test': ['10.0.0.1'], 'deep.corp.test': ['10.0.0.2:5353'], 'dead.test': ['10.0.0.9'] };
  const resolver = createResolver({
    world: sim.world,
    servers: two,
    settings: { ...settings, tries: 1 },
    zones,
    journal,
  });
  for (const name of ['corp.test', 'a.Corp.test', 'x.deep.corp.test', 'notcorp.test']) await resolver.query(name, 'A');
  assert.ok((await resolver.query('www.corp.test', 'A')).kind === 'records');
  assert.deepEqual(sim.asked, [
    '10.0.0.1 udp corp.test A',
    '10.0.0.1 udp a.corp.test A',
    '10.0.0.2 udp x.deep.corp.test A',
    '192.0.2.1 udp notcorp.test A',
    '10.0.0.1 udp www.corp.test A',
    '192.0.2.1 udp web.far.test A',
  ]);
  for (let round = 0; round < 2; round += 1) {
    const dead = resolver.query('x.dead.test', 'A');
    await sim.pass(10_000);
    assert.equal((await dead).kind, 'failure');
    await sim.pass(2000);
  }
  assert.deepEqual(names, ['names.server-failed']);
  assert.equal((await resolver.query('still.test', 'A')).kind, 'records');
});

test('a server that fails is passed over and asked last for a while', async () => {
  const sim = makeWorld((_query, server) => (server === '192.0.2.1' ? { flags: 5 } : { answers: [a('a.test', 0)] }));
  const { journal, names } = recording();
  const resolver = createResolver({ world: sim.world, servers: two, settings, journal });
  assert.equal((await resolver.query('a.test', 'A')).kind, 'records');
  assert.equal((await resolver.query('a.test', 'A')).kind, 'records');
  assert.deepEqual(
    sim.asked.map((line) => line.split(' ')[0]),
    ['192.0.2.1', '192.0.2.2', '192.0.2.2'],
  );
  assert.deepEqual(names, ['names.server-failed']);
});

test('Q146165: silence of all servers is a failure with its reason, told once, and their return is told', async () => {
  let silent = true;
  const sim = makeWorld(() => (silent ? undefined : { answers: [a('a.test')] }));
  const { journal, names } = recording();
  const resolver = createResolver({ world: sim.world, servers: two, settings, journal });
  for (let round = 0; round < 2; round += 1) {
    const asking = resolver.query('a.test', 'A');
    for (let i = 0; i < 3; i += 1) await sim.pass(3000);
    const answer = await asking;
    assert.ok(answer.kind === 'failure' && /^no answer from 192\.0\.2\.\d in 3 s$/.test(answer.reason));
    await sim.pass(2000);
  }
  silent = false;
  assert.equal((await resolver.query('a.test', 'A')).kind, 'records');
  assert.deepEqual(names, [
    'names.server-failed',
    'names.server-failed',
    'names.unavailable',
    'names.server-answered',
    'names.available',
  ]);
});

test('SERVFAIL tries the next server and ends as a failure, never as a negative answer', async () => {
  const sim = makeWorld(() => ({ flags: 2 }));
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  assert.deepEqual(await resolver.query('a.test', 'A'), { kind: 'failure', reason: 'SERVFAIL from 192.0.2.1' });
  // The last two ask for the answer with and without validation.
  assert.equal(sim.asked.length, 5);
});

test('a domain whose signatures are wrong is told apart from a server that fails', async () => {
  const sim = makeWorld((query) =>
    ((query.flags ?? 0) & packet.CHECKING_DISABLED) === 0 ? { flags: 2 } : { answers: [a('a.test')] },
  );
  const silent = await createResolver({ world: sim.world, servers: two, settings }).query('a.test', 'A');
  assert.deepEqual(silent, {
    kind: 'failure',
    reason: 'SERVFAIL from 192.0.2.1: DNSSEC validation of a.test fails (without it the server answers)',
  });
  let asked = 0;
  const moody = makeWorld(() => (++asked <= 3 ? { flags: 2 } : { answers: [a('a.test')] }));
  const moment = await createResolver({ world: moody.world, servers: two, settings }).query('a.test', 'A');
  assert.deepEqual(moment, { kind: 'failure', reason: 'SERVFAIL from 192.0.2.1' });
  // The types of the package know four options of EDNS only.
  const told15 = {
    code: 15,
    data: Buffer.from('\0\u0006signature of a.test\r\nexpired\0'),
  } as unknown as packet.PacketOpt;
  const opt: packet.Answer = {
    name: '.',
    type: 'OPT',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [told15],
  };
  const telling = makeWorld(() => ({ flags: 2, additionals: [opt] }));
  const told = await createResolver({ world: telling.world, servers: two, settings }).query('a.test', 'A');
  assert.deepEqual(told, {
    kind: 'failure',
    reason: 'SERVFAIL from 192.0.2.1: DNSSEC validation of a.test fails (DNSSEC Bogus: signature of a.test expired)',
  });
  assert.equal(telling.asked.length, 3);
});

test('Q150114: an answer that was cut is asked again by TCP', async () => {
  const many = Array.from(
    { length: 60 },
    (_, index): packet.Answer => ({ name: 'big.test', type: 'AAAA', ttl: 60, data: `2001:db8::${index + 1}` }),
  );
  const sim = makeWorld((_query, _server, via) =>
    via === 'udp' ? { flags: packet.TRUNCATED_RESPONSE } : { answers: many },
  );
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  const answer = await resolver.query('big.test', 'AAAA');
  assert.ok(answer.kind === 'records' && answer.records.length === 60);
  assert.deepEqual(sim.asked, ['192.0.2.1 udp big.test AAAA', '192.0.2.1 tcp big.test AAAA']);
});

test('an answer that is cut by TCP too is a failure, not a part of the records taken for all of them', async () => {
  const sim = makeWorld(() => ({
    flags: packet.TRUNCATED_RESPONSE,
    answers: [{ name: 'big.test', type: 'AAAA', ttl: 60, data: '2001:db8::1' }],
  }));
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  assert.equal((await resolver.query('big.test', 'AAAA')).kind, 'failure');
});

test('a server that does not know EDNS is asked without', async () => {
  const sim = makeWorld((_query, _server, _via, edns) => (edns ? { flags: 1 } : { answers: [a('a.test', 0)] }));
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  await resolver.query('a.test', 'A');
  await resolver.query('a.test', 'A');
  assert.equal(sim.asked.length, 3);
});

test('aliases are followed over several messages, and not in a circle', async () => {
  const next: Readonly<Record<string, string>> = {
    'a.test': 'b.test',
    'b.test': 'c.test',
    'x.test': 'y.test',
    'y.test': 'x.test',
  };
  const sim = makeWorld((query) => {
    const name = query.questions?.[0]?.name ?? '';
    const target = next[name];
    return { answers: [target === undefined ? a(name) : { name, type: 'CNAME', ttl: 9, class: 'IN', data: target }] };
  });
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  const answer = await resolver.query('a.test', 'A');
  assert.ok(answer.kind === 'records' && answer.canonicalName === 'c.test' && answer.ttlSeconds === 9);
  assert.deepEqual(await resolver.query('x.test', 'A'), {
    kind: 'failure',
    reason: 'CNAME chain of x.test longer than 16',
  });
});

test('the AD bit is believed from this machine only', async () => {
  const sim = makeWorld(() => ({ flags: packet.AUTHENTIC_DATA, answers: [a('a.test')] }));
  for (const [address, authenticated] of [
    ['127.0.0.1', true],
    ['192.0.2.1', false],
  ] as const) {
    const answer = await createResolver({ world: sim.world, servers: [{ address, port: 53 }], settings }).query(
      'a.test',
      'A',
    );
    assert.ok(answer.kind === 'records' && answer.authenticated === authenticated);
  }
});

test('Q150969: names are absolute, special and impossible ones are not asked about', async () => {
  const sim = makeWorld(() => ({ answers: [] }));
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  assert.equal((await resolver.query('mail.invalid', 'MX')).kind, 'no-such-name');
  const here = await resolver.query('localhost', 'AAAA');
  assert.ok(here.kind === 'records' && here.records[0] === '::1');
  for (const bad of ['', 'a..test', `${'a'.repeat(64)}.test`, 'a b.test', 'xn--\u0000.test'])
    assert.equal((await resolver.query(bad, 'A')).kind, 'no-such-name', bad);
  assert.equal(sim.asked.length, 0);
  await resolver.query('Bücher.test', 'MX');
  assert.deepEqual(sim.asked, ['192.0.2.1 udp xn--bcher-kva.test MX']);
});

test('without servers every look-up fails, and forged answers do not count', async () => {
  const sim = makeWorld(() => ({ id: 1, answers: [a('a.test')] }));
  assert.deepEqual(await createResolver({ world: sim.world, servers: [], settings }).query('a.test', 'A'), {
    kind: 'failure',
    reason: 'no name server is configured',
  });
  const asking = createResolver({ world: sim.world, servers: two, settings: { ...settings, tries: 1 } }).query(
    'a.test',
    'A',
  );
  await sim.pass(3000);
  assert.equal((await asking).kind, 'failure');
});

test('more look-ups than allowed at once wait, the cache stays within its bound', async () => {
  const sim = makeWorld((query) => ({ answers: [a(query.questions?.[0]?.name ?? '')] }));
  const resolver = createResolver({ world: sim.world, servers: two, settings });
  const answers = await Promise.all(
    Array.from({ length: inFlightMax * 3 }, (_, index) => resolver.query(`n${index}.test`, 'A')),
  );
  assert.ok(answers.every((answer) => answer.kind === 'records'));
  const before = sim.asked.length;
  await resolver.query('n0.test', 'A');
  assert.equal(sim.asked.length, before + 1);
});
