import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver, scene, settled, type SceneOptions, type TextStream } from '../../../test/support/reception.ts';
import type { Answer, RecordType, Resolver } from '../../world/ports/resolver.ts';
import { zoneResolver } from '../../world/sim/resolver.ts';
import { examinationsMax, silentWaitMs } from '../policy/limits.ts';
import type { ReceptionListener } from './reception.ts';

const CLIENT = '198.51.100.7';
const PASSES = 'remote.test TXT "v=spf1 ip4:198.51.100.7 -all"\n';
const FAILS = 'remote.test TXT "v=spf1 ip4:192.0.2.1 -all"\n';
const LISTED = '7.100.51.198.list.test A 127.0.0.2\n7.100.51.198.list.test TXT "seen sending spam"\n';
const spf = (mode: 'off' | 'mark' | 'refuse', receivedSpf = false) => ({ spf: { mode, receivedSpf, timeout: 5000 } });
const list = (action: 'refuse' | 'mark' = 'refuse', answers?: string[]) => ({
  dnsbl: [{ zone: 'list.test', action, ...(answers === undefined ? {} : { answers }) }],
});

/** A resolver that writes down what it is asked. */
function watched(zone: string): { readonly resolver: Pick<Resolver, 'query'>; readonly asked: string[] } {
  const asked: string[] = [];
  const known = zoneResolver(zone);
  const query = <T extends RecordType>(name: string, type: T): Promise<Answer<T>> => {
    asked.push(`${name} ${type}`);
    return known.query(name, type);
  };
  return { resolver: { query }, asked };
}

function play(zone: string, policy: SceneOptions['policy'], more: SceneOptions = {}) {
  const { resolver, asked } = watched(zone);
  return { ...scene({ ...more, resolver, policy: policy ?? {} }), asked };
}

async function waited(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await settled();
}

async function recipient(stream: TextStream, to: string, from = 'sender@remote.test'): Promise<string> {
  stream.feed(`EHLO client.remote.test\r\nMAIL FROM:<${from}>\r\n`);
  stream.take();
  stream.feed(`RCPT TO:<${to}>\r\n`);
  await waited();
  return stream.take();
}

test('what SPF says of the greeting and the reverse-path stands above the Received field and in the timeline', async () => {
  const { connect, queue, timeline, asked } = play(PASSES, spf('mark'));
  const stream = connect();
  const reply = deliver(stream, 'Subject: x\r\nAuthentication-Results: mail.example.test; spf=pass\r\n\r\nhello\r\n');
  await waited();
  assert.match(`${await reply}${stream.take()}`, /250 2\.0\.0 accepted/);
  const text = queue.taken[0]?.content.toString('latin1') ?? '';
  assert.match(
    text,
    /^Authentication-Results: mail\.example\.test;\r\n\tspf=none \(198\.51\.100\.7\)\r\n\t smtp\.helo=client\.remote\.test;\r\n\tspf=pass \(198\.51\.100\.7: ip4:198\.51\.100\.7\)\r\n\t smtp\.mailfrom=sender@remote\.test\r\nReceived: /,
  );
  assert.equal(text.match(/Authentication-Results/g)?.length, 1, 'what a stranger said in our name is gone');
  const [received] = timeline;
  assert.ok(received?.what === 'received');
  assert.deepEqual(received.checks, [
    { method: 'spf', identity: 'helo', value: 'client.remote.test', result: 'none', why: '' },
    { method: 'spf', identity: 'mailfrom', value: 'sender@remote.test', result: 'pass', why: 'ip4:198.51.100.7' },
  ]);
  assert.deepEqual(asked, ['client.remote.test TXT', 'remote.test TXT']);
});

test('fields of Received-SPF where they are wanted', async () => {
  const { connect, queue } = play(FAILS, spf('mark', true));
  const reply = deliver(connect(), 'Subject: x\r\n\r\nhello\r\n');
  await waited();
  await reply;
  const text = queue.taken[0]?.content.toString('latin1') ?? '';
  assert.match(
    text,
    /\r\nReceived-SPF: fail \(mail\.example\.test: fail for sender@remote\.test: -all\)\r\n\tclient-ip=198\.51\.100\.7;\r\n\tenvelope-from="sender@remote\.test";\r\n\thelo=client\.remote\.test;\r\n\tidentity=mailfrom;\r\n\treceiver=mail\.example\.test\r\n/,
  );
});

test('a sender for whom SPF fails is refused with 550 5.7.23 where that is wanted, but may write to postmaster', async () => {
  const { connect, events } = play(
    'remote.test TXT "v=spf1 -all exp=why.remote.test"\nwhy.remote.test TXT "%{i} is not ours"\n',
    spf('refuse'),
  );
  const stream = connect();
  assert.equal(
    await recipient(stream, 'alice@example.test'),
    '550-5.7.23 SPF: 198.51.100.7 may not send mail of remote.test\r\n550 5.7.23 remote.test explains: 198.51.100.7 is not ours\r\n',
  );
  assert.match(await recipient(stream, 'alice@example.test'), /550 5\.7\.23/);
  assert.match(await recipient(connect(), 'postmaster@example.test'), /^250/);
  const refused = events.filter(({ name }) => name === 'policy.spf-refused');
  assert.deepEqual(refused[0]?.data, {
    client: CLIENT,
    identity: 'mailfrom',
    value: 'sender@remote.test',
    why: '-all',
    sender: 'sender@remote.test',
  });
  assert.equal(refused.length, 2, 'one for each transaction');
});

test('who is refused anyway does not wait for what is found out', async () => {
  const silent: Pick<Resolver, 'query'> = { query: () => new Promise(() => undefined) };
  const { connect } = scene({ resolver: silent, policy: spf('refuse') });
  assert.match(await recipient(connect(), 'somebody@elsewhere.test'), /^550 5\.7\.1 relaying denied/);
  assert.match(await recipient(connect(), 'nobody@example.test'), /^550 5\.1\.1/);
});

test('the null reverse-path is judged by the greeting', async () => {
  const zone = 'client.remote.test TXT "v=spf1 -all"\n';
  assert.match(await recipient(play(zone, spf('refuse')).connect(), 'alice@example.test', ''), /550 5\.7\.23/);
  assert.match(await recipient(play('', spf('refuse')).connect(), 'alice@example.test', ''), /^250/);
});

test('softfail, permerror, temperror and no record never refuse', async () => {
  for (const zone of [
    'remote.test TXT "v=spf1 ~all"\n',
    'remote.test TXT "v=spf1 foo"\n',
    'remote.test SERVFAIL\n',
    '',
  ])
    assert.match(await recipient(play(zone, spf('refuse')).connect(), 'alice@example.test'), /^250/, zone);
});

test('a name service that is silent costs no mail: temperror when the time is over', async () => {
  const silent: Pick<Resolver, 'query'> = { query: () => new Promise(() => undefined) };
  const { connect, clock, queue } = scene({ resolver: silent, policy: { ...spf('refuse'), ...list() } });
  const stream = connect();
  assert.equal(await recipient(stream, 'alice@example.test'), '', 'nothing yet');
  clock.advance(5000);
  await waited();
  assert.match(stream.take(), /^250/);
  stream.feed('DATA\r\nx\r\n.\r\n');
  await waited();
  assert.match(stream.take(), /250 2\.0\.0 accepted/);
  assert.match(
    queue.taken[0]?.content.toString('latin1') ?? '',
    /spf=temperror \(198\.51\.100\.7: not found out within 5000 ms\)/,
  );
});

test('a name service that stays silent is waited for only shortly, until it answers again', async () => {
  const known = zoneResolver(PASSES);
  let silent = true;
  const resolver: Pick<Resolver, 'query'> = {
    query: (name, type) => (silent ? new Promise(() => undefined) : known.query(name, type)),
  };
  const { connect, clock, queue } = scene({ resolver, policy: spf('mark') });
  const result = async (waitMs: number): Promise<string | undefined> => {
    const before = queue.taken.length;
    const stream = connect();
    await deliver(stream, 'Subject: x\r\n\r\nhello\r\n');
    await waited();
    clock.advance(waitMs);
    await waited();
    stream.destroy();
    const text = queue.taken[before]?.content.toString('latin1') ?? '';
    return /spf=(\w+) [^;]*smtp\.mailfrom/.exec(text)?.[1];
  };
  assert.equal(await result(4999), undefined, 'still waited for');
  assert.equal(await result(5000), 'temperror');
  assert.equal(await result(silentWaitMs), 'temperror', 'the third and later ones wait shortly');
  silent = false;
  assert.equal(await result(0), 'pass');
  silent = true;
  assert.equal(await result(silentWaitMs), undefined, 'as long as ever again');
});

test('nothing is asked about networks of ours, logins, other profiles, this host, and hosts whose mail is not judged', async () => {
  const policy = {
    ...spf('mark'),
    ...list(),
    localNetworks: ['192.0.2.0/24'],
    uncheckedNetworks: ['203.0.113.8'],
  };
  const cases: readonly (readonly [Partial<ReceptionListener>, string])[] = [
    [{}, '192.0.2.77'],
    [{}, '127.0.0.1'],
    [{}, '::1'],
    [{}, '203.0.113.8'],
    [{ xclient: [CLIENT] }, CLIENT],
    [{ proxyProtocol: { trusted: [CLIENT], timeout: 5000, tls: 'noted' } }, CLIENT],
    [{}, ''],
    [{ profile: 'lmtp' }, '10.1.1.1'],
  ];
  for (const [listener, address] of cases) {
    const { connect, asked, queue } = play('', policy);
    const stream = connect(listener, address);
    stream.feed(`${listener.profile === 'lmtp' ? 'LHLO' : 'EHLO'} client.remote.test\r\n`);
    await deliver(stream, 'Subject: x\r\n\r\nhello\r\n', { greet: false });
    await waited();
    assert.deepEqual(asked, [], address);
    assert.doesNotMatch(queue.taken[0]?.content.toString('latin1') ?? 'none', /none|Authentication-Results/, address);
  }
});

test('a client on a block list is refused with 550 5.7.1 that names the list, but may write to postmaster', async () => {
  const { connect, events } = play(LISTED, { ...spf('off'), ...list() });
  assert.equal(
    await recipient(connect(), 'alice@example.test'),
    '550 5.7.1 198.51.100.7 is on the block list list.test: seen sending spam\r\n',
  );
  assert.match(await recipient(connect(), 'postmaster@example.test'), /^250/);
  assert.match(await recipient(connect({}, '198.51.100.8'), 'alice@example.test'), /^250/);
  const refused = events.filter(({ name }) => name === 'policy.listed-client-refused');
  assert.deepEqual(
    refused.map(({ data }) => [data['zone'], data['code']]),
    [['list.test', '127.0.0.2']],
  );
});

test('a list may only mark, and only some of its answers may count', async () => {
  const marking = play(LISTED, { ...spf('off'), ...list('mark') });
  const reply = deliver(marking.connect(), 'Subject: x\r\n\r\nhello\r\n');
  await waited();
  await reply;
  assert.match(
    marking.queue.taken[0]?.content.toString('latin1') ?? '',
    /^Authentication-Results: mail\.example\.test;\r\n\tx-dnsbl=fail \(198\.51\.100\.7: seen sending spam\) dns\.zone=list\.test policy\.ip=127\.0\.0\.2\r\nReceived/,
  );
  for (const [answers, code] of [
    [['127.0.0.2'], /^550/],
    [['127.0.0.4/30'], /^250/],
  ] as const) {
    const { connect } = play(LISTED, { ...spf('off'), ...list('refuse', [...answers]) });
    assert.match(await recipient(connect(), 'alice@example.test'), code);
  }
});

test('answers by which a list refuses to answer are no listing, and are told once', async () => {
  for (const zone of [
    '7.100.51.198.list.test A 127.255.255.254\n',
    '7.100.51.198.list.test A 192.0.2.1\n',
    `${LISTED}1.0.0.127.list.test A 127.0.0.2\n`,
  ]) {
    const { connect, events, clock } = play(zone, { ...spf('off'), ...list() });
    for (let i = 0; i < 3; i += 1) assert.match(await recipient(connect(), 'alice@example.test'), /^250/, zone);
    const told = (): number => events.filter(({ name }) => name === 'policy.list-unanswered').length;
    assert.equal(told(), 1, zone);
    clock.advance(3_600_000);
    await recipient(connect(), 'alice@example.test');
    assert.equal(told(), 2, 'and again when it lasts');
  }
});

test('lists are never asked about private addresses', async () => {
  for (const address of ['10.1.2.3', '192.168.7.7', '100.64.1.1', 'fd00::7', 'fe80::1']) {
    const { connect, asked } = play('', { ...spf('off'), ...list() });
    assert.match(await recipient(connect({}, address), 'alice@example.test'), /^250/);
    assert.deepEqual(asked, [], address);
  }
});

test('so many checks are under way at once, and of one more sender nothing is found out', async () => {
  const silent: Pick<Resolver, 'query'> = { query: () => new Promise(() => undefined) };
  const { connect, queue } = scene({ resolver: silent, policy: spf('mark') });
  for (let i = 0; i < examinationsMax / 2; i += 1)
    connect({}, `203.0.113.${i % 250}`).feed('EHLO c.test\r\nMAIL FROM:<a@b.test>\r\n');
  await deliver(connect(), 'Subject: x\r\n\r\nhello\r\n');
  await waited();
  assert.match(
    queue.taken[0]?.content.toString('latin1') ?? '',
    /spf=temperror \(198\.51\.100\.7: 500 checks are under way\)/,
  );
});

test('a client that leaves while its checks are waited for leaves no message', async () => {
  const silent: Pick<Resolver, 'query'> = { query: () => new Promise(() => undefined) };
  const { connect, clock, queue } = scene({ resolver: silent, policy: spf('mark') });
  const stream = connect();
  await deliver(stream, 'Subject: x\r\n\r\nhello\r\n');
  stream.vanish();
  clock.advance(5000);
  await waited();
  assert.equal(queue.taken.length, 0);
  assert.equal(queue.discarded, 1);
});
