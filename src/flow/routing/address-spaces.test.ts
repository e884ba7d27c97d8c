import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvelopeOptions } from '../../mail/envelope.ts';
import type { RoutingSettings, SmartHostGroup } from '../../settings/routing.ts';
import { address, anybody, bounds, from, group, make, mx, shown, space } from '../../../test/support/router-stage.ts';

test('Q194742: address literals are dialled directly', async () => {
  const { router } = make('');
  assert.equal(router.nextHop(address('u@[192.0.2.1]'), anybody), 'mx:[192.0.2.1]');
  assert.equal(await mx('', '[192.0.2.1]'), '[192.0.2.1]=192.0.2.1');
  assert.equal(await mx('', '[ipv6:2001:db8::1]'), '[ipv6:2001:db8::1]=2001:db8::1');
  assert.equal(await mx('', '[192.0.2.25]'), 'failed 554 5.4.6');
  assert.equal(await mx('', '[192.0.2.1]', { ipVersions: '6' }), 'failed 550 5.4.4');
  for (const bad of ['[192.0.2.01]', '[2001:db8::1]', '[x]', '#123', 'a..b', 'a b.test'])
    assert.equal(await mx('', bad), 'failed 550 5.1.2', bad);
});

test('Q164457: address spaces compare whole labels from the right', () => {
  const { router } = make('', { addressSpaces: [space('*.ample.com', 'hub'), space('b.test', 'hub')] });
  const hop = (text: string): string => router.nextHop(address(text), anybody);
  assert.equal(hop('u@x.ample.com'), 'host:hub');
  assert.equal(hop('u@y.x.ample.com'), 'host:hub');
  for (const text of ['u@ample.com', 'u@notample.com', 'u@x.notample.com', 'u@ab.test'])
    assert.ok(hop(text).startsWith('mx:'), text);
  assert.equal(hop('u@example.com'), 'local');
});

test('Q152471: the most exact match wins, then the cost; the default is MX', () => {
  const spaces = [
    space('*', 'any'),
    space('*.test', 'wide'),
    space('*.sub.test', 'narrow'),
    space('x.sub.test', 'dear', { cost: 5 }),
    space('x.sub.test', 'cheap', { cost: 2 }),
    space('Boss@x.sub.test', 'vip', { cost: 99 }),
  ];
  const { router } = make('', { addressSpaces: spaces });
  const hop = (text: string): string => router.nextHop(address(text), anybody);
  assert.deepEqual(['a@else.org', 'a@b.test', 'a@b.sub.test', 'a@x.sub.test', 'boss@x.sub.test'].map(hop), [
    'host:any',
    'host:wide',
    'host:narrow',
    'host:cheap',
    'host:vip',
  ]);
  assert.equal(make('').router.nextHop(address('a@Bücher.test'.toLowerCase()), anybody), 'mx:xn--bcher-kva.test');
});

test('Q239228: a rule with a scope holds for its senders only', () => {
  const spaces = [
    space('to.test', 'hub', { senders: ['in.test', '*.deep.test', 'ceo@x.test', '<>'] }),
    space('*', 'rest'),
  ];
  const { router } = make('', { addressSpaces: spaces });
  const hop = (sender: string | null): string => router.nextHop(address('u@to.test'), from(sender));
  for (const sender of ['a@in.test', 'a@very.deep.test', 'CEO@x.test', null])
    assert.equal(hop(sender), 'host:hub', String(sender));
  for (const sender of ['a@xin.test', 'a@deep.test', 'a@x.test']) assert.equal(hop(sender), 'host:rest', sender);
});

test('Q174035: ten domains through one smart host are one delivery', async () => {
  const { router } = make('hub.test A 198.51.100.1', {
    smartHosts: { hub: group(['hub.test']) },
    addressSpaces: [space('*', 'hub')],
  });
  const hops = new Set(Array.from({ length: 10 }, (_, i) => router.nextHop(address(`u@d${i}.test`), anybody)));
  assert.deepEqual([...hops], ['host:hub']);
  assert.equal(shown(await router.route('host:hub', anybody)), 'hub.test=198.51.100.1');
});

test('Q279323: several smart hosts by preference and weight, spares last', async () => {
  const hosts = [
    { host: '198.51.100.1', weight: 3 },
    { host: '198.51.100.2', weight: 1 },
    { host: '198.51.100.3', weight: 0 },
    { host: '198.51.100.4', preference: 20 },
  ];
  const { router } = make('', { smartHosts: { hub: group(hosts) } });
  let first = 0;
  for (let i = 0; i < 400; i += 1) {
    const names = shown(await router.route('host:hub', anybody))
      .split(' ')
      .map((each) => each.split('=')[0]);
    assert.deepEqual(names.slice(2), ['198.51.100.3', '198.51.100.4']);
    if (names[0] === '198.51.100.1') first += 1;
  }
  assert.ok(first > 260 && first < 340, String(first));
});

test('Q140184: smart hosts as names, addresses, in brackets, with a port, and as UNIX sockets; MX is not asked', async () => {
  const hosts = [
    { host: 'hub.test', preference: 1, port: 587 },
    { host: '[198.51.100.2]', preference: 2 },
    { host: '[IPv6:2001:db8::7]', preference: 3 },
    { host: '3com.test.', preference: 4 },
  ];
  const { router, resolver } = make('hub.test A 198.51.100.1\nhub.test MX 1 other.test\n3com.test A 198.51.100.3', {
    smartHosts: { hub: group(hosts), store: group(['/run/lmtp'], { protocol: 'lmtp' }) },
  });
  const route = await router.route('host:hub', anybody);
  assert.equal(
    shown(route),
    'hub.test=198.51.100.1 198.51.100.2=198.51.100.2 2001:db8::7=2001:db8::7 3com.test=198.51.100.3',
  );
  assert.ok(route.kind === 'relay' && route.hosts[0]?.port === 587);
  assert.ok(!resolver.asked.some((question) => question.endsWith(' MX')));
  const lmtp = await router.route('lmtp:store', anybody);
  assert.ok(lmtp.kind === 'relay' && lmtp.terms.protocol === 'lmtp');
  assert.deepEqual(lmtp.hosts, [{ name: '/run/lmtp', addresses: ['/run/lmtp'], port: 0 }]);
});

test('Q146944: a route by address needs no name service', async () => {
  const { router, resolver } = make('', {
    smartHosts: { fixed: group(['198.51.100.5']) },
    addressSpaces: [space('to.test', 'fixed')],
  });
  resolver.fail('down');
  assert.equal(
    shown(await router.route(router.nextHop(address('u@to.test'), anybody), anybody)),
    '198.51.100.5=198.51.100.5',
  );
});

test('Q170316: a smart host whose name does not resolve defers, NXDOMAIN or not', async () => {
  const { router } = make('bad.test SERVFAIL\nlive.test A 198.51.100.1', {
    smartHosts: { a: group(['gone.test']), b: group(['bad.test']), c: group(['gone.test', 'live.test']) },
  });
  assert.equal(shown(await router.route('host:a', anybody)), 'deferred 451 4.4.4');
  assert.equal(shown(await router.route('host:b', anybody)), 'deferred 451 4.4.4');
  assert.equal(shown(await router.route('host:c', anybody)), 'live.test=198.51.100.1');
});

test('Q190021: a smart host that is this server is a loop; the same host at another port is not', async () => {
  const smartHosts = {
    me: group(['mail.own.test']),
    here: group(['127.0.0.1']),
    other: group([{ host: '127.0.0.1', port: 10_025 }]),
    mixed: group(['192.0.2.25', '198.51.100.1']),
  };
  const { router } = make('mail.own.test A 198.51.100.77', { smartHosts });
  assert.equal(shown(await router.route('host:me', anybody)), 'failed 554 5.4.6');
  assert.equal(shown(await router.route('host:here', anybody)), 'failed 554 5.4.6');
  assert.equal(shown(await router.route('host:other', anybody)), '127.0.0.1=127.0.0.1');
  assert.equal(shown(await router.route('host:mixed', anybody)), '198.51.100.1=198.51.100.1');
});

test('terms: TLS, login, bounds and source addresses', async () => {
  const smartHosts = {
    hub: group(['198.51.100.1'], { tls: 'verified', login: { user: 'u', passwordFile: '/x' }, connectionsMax: 3 }),
  };
  const settings = { smartHosts, tls: 'required' as const, source4: '192.0.2.9' };
  const { router } = make('to.test A 198.51.100.1', settings, { passwords: new Map([['hub', 'secret']]) });
  const hub = await router.route('host:hub', anybody);
  assert.ok(hub.kind === 'relay');
  assert.deepEqual(hub.terms, {
    ...bounds,
    connectionsMax: 3,
    protocol: 'smtp',
    tls: 'verified',
    login: { user: 'u', password: 'secret' },
    greetingName: 'mail.own.test',
    source4: '192.0.2.9',
  });
  const direct = await router.route('mx:to.test', anybody);
  assert.ok(direct.kind === 'relay' && direct.terms.tls === 'required' && direct.terms.login === undefined);
  assert.equal(shown(await make('', settings).router.route('host:hub', anybody)), 'deferred 451 4.3.5');
});

test('Q268494: a change of configuration is seen by belongs and by route', async () => {
  const old = make('', { smartHosts: { hub: group(['198.51.100.1']) }, addressSpaces: [space('*', 'hub')] }).router;
  const next = make('', { addressSpaces: [space('held.test', 'hold')] }).router;
  const recipient = { mailbox: address('u@to.test') };
  assert.ok(
    old.belongs('host:hub', recipient, anybody) &&
      !next.belongs('host:hub', recipient, anybody) &&
      next.belongs('mx:to.test', recipient, anybody),
  );
  assert.equal(shown(await next.route('host:hub', anybody)), 'deferred 451 4.3.5');
  assert.equal(shown(await next.route('nonsense', anybody)), 'deferred 451 4.3.5');
  assert.equal(shown(await next.route('host:constructor', anybody)), 'deferred 451 4.3.5');
  assert.equal(shown(await next.route(next.nextHop(address('u@held.test'), anybody), anybody)), 'held');
  assert.equal(shown(await next.route('local', anybody)), 'local');
});

test('Q263714: hosts are chosen again at each attempt', async () => {
  const { router, resolver } = make('to.test MX 10 a.test\na.test A 198.51.100.1');
  assert.equal(shown(await router.route('mx:to.test', anybody)), 'a.test=198.51.100.1');
  resolver.load('to.test MX 10 b.test\nb.test A 198.51.100.2');
  assert.equal(shown(await router.route('mx:to.test', anybody)), 'b.test=198.51.100.2');
});

test('Q245740: fifty routes at once to one literal do not disturb each other', async () => {
  const { router } = make('', {
    smartHosts: { fixed: group(['192.0.2.5']) },
    addressSpaces: [space('to.test', 'fixed')],
  });
  const routes = await Promise.all(Array.from({ length: 50 }, () => router.route('host:fixed', anybody)));
  assert.ok(routes.every((route) => shown(route) === '192.0.2.5=192.0.2.5'));
});

test('Q149121: a route is explained with its rule, costs and hosts', async () => {
  const { router } = make('to.test MX 10 a.test\na.test A 198.51.100.1', {
    addressSpaces: [space('*.org', 'mx', { cost: 7 })],
  });
  const plain = await router.explain(address('u@to.test'), anybody);
  assert.deepEqual(
    [plain.rule.kind, plain.nextHop, plain.route.reason],
    ['default', 'mx:to.test', 'MX of to.test, preference 10'],
  );
  const ruled = await router.explain(address('u@x.org'), anybody);
  assert.ok(ruled.rule.kind === 'address-space' && ruled.rule.space.cost === 7 && ruled.rule.space.index === 0);
  assert.equal((await router.explain(address('u@example.com'), anybody)).rule.kind, 'ours');
});

test('proxies: of the group, of the address space, of all mail; a name that is missing defers', async () => {
  const proxy = { host: '192.0.2.50', port: 1080, tls: 'none', resolve: 'here' } as const;
  const proxies: RoutingSettings['proxies'] = {
    a: { ...proxy, kind: 'socks5', login: { user: 'u', password: 'p' } },
    b: { ...proxy, kind: 'http-connect', resolve: 'proxy', login: { token: 't' } },
    broken: { ...proxy, kind: 'socks5', login: { user: 'u' } },
  };
  const names = async (hop: string, over: Partial<RoutingSettings>): Promise<string> => {
    const { router } = make('to.test MX 10 mx.to.test\nmx.to.test A 198.51.100.1', { proxies, ...over });
    const route = await router.route(hop, { reversePath: null } as EnvelopeOptions);
    if (route.kind !== 'relay') return `${route.kind}: ${route.reason}`;
    const ways = (route.terms.proxies ?? []).map((way) =>
      way === 'direct'
        ? way
        : `${way.name}${way.kind === 'ssh-gateway' || way.login === undefined ? '' : ' with a login'}`,
    );
    return `${ways.join(', ')} to ${route.hosts.flatMap(({ addresses }) => addresses).join(' ')}`;
  };
  assert.equal(await names('mx:to.test', {}), ' to 198.51.100.1');
  assert.equal(await names('mx:to.test', { proxy: 'a' }), 'a with a login to 198.51.100.1');
  assert.equal(await names('mx:to.test', { proxy: 'direct' }), ' to 198.51.100.1');
  assert.equal(await names('mx:to.test', { proxy: ['a', 'direct'] }), 'a with a login, direct to 198.51.100.1');
  assert.equal(await names('mx:to.test', { proxy: ['b', 'a'] }), 'b with a login, a with a login to 198.51.100.1');
  assert.equal(await names('mx:to.test', { proxy: 'b' }), 'b with a login to mx.to.test');
  assert.equal(await names('mx:bare.test', { proxy: 'b' }), 'failed: bare.test does not exist');
  assert.equal(
    await names('mx:to.test', {
      proxy: 'a',
      addressSpaces: [{ match: 'to.test', cost: 1, via: 'mx', proxy: 'direct' }],
    }),
    ' to 198.51.100.1',
  );
  const smartHosts = {
    hub: group(['hub.inside'], { proxy: 'b' }),
    plain: group(['198.51.100.5'], { source4: '192.0.2.77' }),
  };
  assert.equal(await names('host:hub', { proxy: 'a', smartHosts }), 'b with a login to hub.inside');
  assert.equal(await names('host:plain', { proxy: 'a', smartHosts }), 'a with a login to 198.51.100.5');
  assert.equal(
    await names('mx:to.test', { proxy: 'gone' }),
    "deferred: there is no usable proxy 'gone' in routing.proxies",
  );
  assert.equal(
    await names('mx:to.test', { proxy: 'broken' }),
    "deferred: there is no usable proxy 'broken' in routing.proxies",
  );
});

test('Q254909: hosts of private networks and loopback are reached directly unless their group names a proxy', async () => {
  const proxies: RoutingSettings['proxies'] = {
    a: { kind: 'socks5', host: '192.0.2.50', port: 1080, tls: 'none', resolve: 'here' },
  };
  const by = async (
    hosts: readonly (string | { host: string; port: number })[],
    over: Partial<SmartHostGroup> = {},
  ): Promise<number> => {
    const { router } = make('', { proxies, proxy: 'a', smartHosts: { hub: group([...hosts], over) } });
    const route = await router.route('host:hub', { reversePath: null } as EnvelopeOptions);
    assert.ok(route.kind === 'relay');
    return route.terms.proxies?.length ?? 0;
  };
  for (const host of ['192.168.1.2', '10.9.8.7', '172.31.0.1', '169.254.1.1', 'fd00::1', 'fe80::1', '/run/lmtp'])
    assert.equal(await by([host]), 0, host);
  assert.equal(await by([{ host: '127.0.0.1', port: 10_025 }]), 0);
  for (const host of ['172.32.0.1', '198.51.100.5', '2001:db8::5']) assert.equal(await by([host]), 1, host);
  assert.equal(await by(['192.168.1.2', '198.51.100.5']), 1);
  assert.equal(await by(['192.168.1.2'], { proxy: 'a' }), 1);
});

test('a group has source addresses and a PROXY header of its own, and the reason of a route names its proxies', async () => {
  const smartHosts = {
    hub: group(['198.51.100.5'], { source4: '192.0.2.77', proxyHeader: 'v2', proxy: ['a', 'direct'] }),
  };
  const proxies: RoutingSettings['proxies'] = {
    a: { kind: 'socks5', host: '192.0.2.50', port: 1080, tls: 'none', resolve: 'here' },
  };
  const { router } = make('', { source4: '192.0.2.9', source6: '2001:db8::9', smartHosts, proxies });
  const route = await router.route('host:hub', { reversePath: null } as EnvelopeOptions);
  assert.ok(route.kind === 'relay');
  assert.deepEqual(
    [route.terms.source4, route.terms.source6, route.terms.proxyHeader],
    ['192.0.2.77', '2001:db8::9', 'v2'],
  );
  assert.equal(route.reason, "hosts of the group 'hub', by way of the proxy a, else a direct connection");
});
