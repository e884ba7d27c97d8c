import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Journal } from '../../events/journal.ts';
import { addressesPerHostMax, hostsMax, replyReasonMax } from './limits.ts';
import { address, anybody, group, make, mx, shown } from '../../../test/support/router-stage.ts';

test('MX by preference, addresses of both families in turn', async () => {
  const zone = `
    to.test MX 20 b.test
    to.test MX 10 a.test
    a.test A 198.51.100.1
    a.test A 198.51.100.2
    a.test AAAA 2001:db8:1::1
    b.test A 198.51.100.9`;
  assert.equal(await mx(zone), 'a.test=2001:db8:1::1,198.51.100.1,198.51.100.2 b.test=198.51.100.9');
  assert.equal(await mx(zone, 'to.test', { ipVersions: '4' }), 'a.test=198.51.100.1,198.51.100.2 b.test=198.51.100.9');
  assert.equal(await mx(zone, 'to.test', { ipVersions: '6' }), 'a.test=2001:db8:1::1');
});

test('equal preferences are shuffled', async () => {
  const { router } = make(
    ['a', 'b', 'c'].map((name) => `to.test MX 10 ${name}.test\n${name}.test A 198.51.100.1`).join('\n'),
  );
  const first = new Map<string, number>();
  for (let i = 0; i < 300; i += 1) {
    const name = shown(await router.route('mx:to.test', anybody)).slice(0, 1);
    first.set(name, (first.get(name) ?? 0) + 1);
  }
  assert.equal(first.size, 3);
  for (const count of first.values()) assert.ok(count > 60, String(count));
});

test('the null MX fails at once (RFC 7505)', async () => {
  assert.equal(await mx('to.test MX 0 .\nto.test A 198.51.100.1'), 'failed 556 5.1.10');
});

test('without MX the domain is its own host; without address it fails; without name too', async () => {
  assert.equal(await mx('to.test A 198.51.100.1'), 'to.test=198.51.100.1');
  assert.equal(await mx('to.test TXT hello'), 'failed 550 5.1.2');
  assert.equal(await mx('other.test A 198.51.100.1'), 'failed 550 5.1.2');
});

test('only a definite answer fails: a resolver that fails defers', async () => {
  assert.equal(await mx('to.test SERVFAIL'), 'deferred 451 4.4.3');
  assert.equal(await mx('to.test SERVFAIL A\nto.test TXT x'), 'deferred 451 4.4.3');
  const { resolver, router } = make('');
  resolver.fail('no answer from 192.0.2.53 in 3 s');
  const route = await router.route('mx:to.test', anybody);
  assert.equal(shown(route), 'deferred 451 4.4.3');
  assert.match(route.reason, /no answer from 192\.0\.2\.53/);
  resolver.fail(`DNSSEC validation of next.test fails (\x1b[31m${'x'.repeat(replyReasonMax)})`);
  const bogus = await router.route('mx:next.test', anybody);
  const [text = ''] = bogus.kind === 'deferred' ? bogus.reply.text : [];
  assert.match(
    text,
    /about the recipient's domain: MX of next\.test: DNSSEC validation of next\.test fails \(\?\[31mx+$/,
  );
  assert.ok(text.length < replyReasonMax + 100);
});

test('Q267245: a temporary failure among the hosts makes the whole temporary, unless another host is there', async () => {
  const zone = 'to.test MX 10 gone.test\nto.test MX 20 b.test\nb.test SERVFAIL\n';
  assert.equal(await mx(zone), 'deferred 451 4.4.3');
  assert.equal(await mx('to.test MX 10 gone.test\nto.test MX 20 void.test\nvoid.test TXT x'), 'failed 550 5.4.4');
  assert.equal(await mx(`${zone}to.test MX 30 c.test\nc.test A 198.51.100.3`), 'c.test=198.51.100.3');
});

test('Q169781: dead names among the MX do not keep from the live one', async () => {
  assert.equal(
    await mx('to.test MX 5 dead.test\nto.test MX 10 live.test\nlive.test A 198.51.100.7'),
    'live.test=198.51.100.7',
  );
});

test('Q146783: a recipient domain that is a CNAME uses the MX of its target', async () => {
  assert.equal(
    await mx('to.test CNAME real.test\nreal.test MX 10 mx.real.test\nmx.real.test A 198.51.100.1'),
    'mx.real.test=198.51.100.1',
  );
  const { router } = make('to.test CNAME real.test');
  assert.equal(router.nextHop(address('u@to.test'), anybody), 'mx:to.test');
});

test('Q153001: an MX that is a CNAME is followed and keeps its name', async () => {
  assert.equal(
    await mx('to.test MX 10 alias.test\nalias.test CNAME host.test\nhost.test A 198.51.100.1'),
    'alias.test=198.51.100.1',
  );
});

test('Q159299: an MX that is the domain itself', async () => {
  assert.equal(await mx('to.test MX 10 to.test\nto.test A 198.51.100.1'), 'to.test=198.51.100.1');
});

test('Q150114: many addresses of one host, up to a bound; many hosts, up to a bound', async () => {
  const addresses = Array.from(
    { length: 60 },
    (_, i) => `mx.test A 198.51.100.${i}\nmx.test AAAA 2001:db8:1::${i + 1}`,
  ).join('\n');
  const route = await make(`to.test MX 10 mx.test\n${addresses}`).router.route('mx:to.test', anybody);
  assert.ok(route.kind === 'relay' && route.hosts[0]?.addresses.length === addressesPerHostMax);
  const hosts = Array.from({ length: 50 }, (_, i) => `to.test MX ${i} m${i}.test\nm${i}.test A 198.51.100.1`).join(
    '\n',
  );
  const many = await make(hosts).router.route('mx:to.test', anybody);
  assert.ok(many.kind === 'relay' && many.hosts.length === hostsMax && many.hosts[0]?.name === 'm0.test');
});

test('Q182406: our own record goes with all of equal or worse preference; as the best it is a loop', async () => {
  const zone =
    'to.test MX 10 a.test\nto.test MX 20 Mail.Own.test\nto.test MX 20 c.test\nto.test MX 30 d.test\na.test A 198.51.100.1\nc.test A 198.51.100.3\nd.test A 198.51.100.4\n';
  assert.equal(await mx(zone), 'a.test=198.51.100.1');
  assert.equal(await mx(`${zone}to.test MX 5 mail.own.test`), 'failed 554 5.4.6');
  assert.equal(await mx(zone.replace('a.test A 198.51.100.1', 'a.test SERVFAIL')), 'deferred 451 4.4.3');
  assert.equal(
    await mx('to.test MX 10 second.test\nsecond.test A 198.51.100.2', 'to.test', { ownNames: ['Second.test'] }),
    'failed 554 5.4.6',
  );
});

test('Q260247: a domain whose address is ours is a loop, told once', async () => {
  const told: string[] = [];
  const journal: Journal = { emit: (name, values) => void told.push(`${name} ${JSON.stringify(values)}`) };
  const { router } = make(
    'to.test A 192.0.2.25\nv6.test MX 10 x.test\nx.test AAAA 2001:0DB8::25\nlo.test A 127.0.0.1',
    {},
    { journal },
  );
  for (const domain of ['to.test', 'to.test', 'v6.test', 'lo.test'])
    assert.equal(shown(await router.route(`mx:${domain}`, anybody)), 'failed 554 5.4.6', domain);
  assert.equal(told.length, 3);
  assert.match(told[0] ?? '', /routing\.loop-to-ourselves.*to\.test/);
});

test('the public address before a NAT is ours when the configuration says so', async () => {
  const settings = {
    ownNames: ['203.0.113.9'],
    port: 2526,
    smartHosts: { nat: group([{ host: '203.0.113.9', port: 26 }]), nat25: group(['203.0.113.9']) },
  };
  assert.equal(await mx('to.test MX 10 x.test\nx.test A 203.0.113.9', 'to.test', settings), 'failed 554 5.4.6');
  const { router } = make('', settings);
  assert.equal(shown(await router.route('host:nat', anybody)), '203.0.113.9=203.0.113.9');
  assert.equal(shown(await router.route('host:nat25', anybody)), 'failed 554 5.4.6');
});

test('another program on this machine at another port is no loop', async () => {
  assert.equal(await mx('to.test A 127.0.0.1', 'to.test', { port: 2526 }), 'to.test=127.0.0.1');
});

test('an MX record that names an address or nonsense is passed over', async () => {
  assert.equal(await mx('to.test MX 10 198.51.100.1'), 'failed 550 5.4.4');
  assert.equal(
    await mx('to.test MX 10 198.51.100.1\nto.test MX 20 b.test\nb.test A 198.51.100.2\nc.test A 0.0.0.0'),
    'b.test=198.51.100.2',
  );
  assert.equal(await mx('to.test MX 10 c.test\nc.test A 0.0.0.0'), 'failed 550 5.4.4');
});

test('an MX that names localhost, to get rid of mail, leads nobody to this host, and is no loop of ours', async () => {
  assert.equal(await mx('to.test MX 0 localhost\nlocalhost A 127.0.0.1'), 'failed 550 5.4.4');
  assert.equal(
    await mx('to.test MX 0 localhost\nlocalhost A 127.0.0.1\nto.test MX 20 b.test\nb.test A 198.51.100.2'),
    'b.test=198.51.100.2',
  );
});
