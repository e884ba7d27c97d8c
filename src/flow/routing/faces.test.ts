import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewaysSettings } from '../../settings/gateways.ts';
import type { RoutingSettings } from '../../settings/routing.ts';
import { address, from, group, make, space } from '../../../test/support/router-stage.ts';
import type { RelayTerms } from './port.ts';

const ZONE = 'to.test MX 10 mx.to.test\nmx.to.test A 198.51.100.9';
const out = { kind: 'socks5', host: '198.51.100.1', port: 1080, tls: 'none', resolve: 'here' } as const;
const outside = { host: '203.0.113.5', resolve: 'here', listen: [] } as unknown as GatewaysSettings[string];

/** The terms by which mail of a sender goes to to.test. */
async function terms(
  settings: Partial<RoutingSettings>,
  sender: string,
  gateways: GatewaysSettings = {},
): Promise<RelayTerms> {
  const { router } = make(ZONE, settings, { gateways });
  const envelope = from(sender);
  const route = await router.route(router.nextHop(address('u@to.test'), envelope), envelope);
  assert.ok(route.kind === 'relay', route.reason);
  return route.terms;
}

test('each of our domains may have its own source address, name and way out; other mail goes as all mail', async () => {
  const settings = {
    source4: '192.0.2.10',
    heloName: 'all.own.test',
    proxies: { out },
    addressSpaces: [
      {
        ...space('*', 'mx', { senders: ['a.test'] }),
        source4: '192.0.2.11',
        source6: '2001:db8::11',
        heloName: 'a.own.test',
      },
      { ...space('*', 'mx', { senders: ['b.test'] }), proxy: ['out', 'direct'] },
    ],
  };
  const a = await terms(settings, 'x@a.test');
  assert.deepEqual(
    [a.source4, a.source6, a.greetingName, a.proxies],
    ['192.0.2.11', '2001:db8::11', 'a.own.test', undefined],
  );
  const b = await terms(settings, 'x@b.test');
  assert.deepEqual([b.source4, b.greetingName, b.proxies?.length], ['192.0.2.10', 'all.own.test', 2]);
  const c = await terms(settings, 'x@c.test');
  assert.deepEqual([c.source4, c.greetingName, c.proxies], ['192.0.2.10', 'all.own.test', undefined]);
  assert.equal((await terms({}, 'x@c.test')).greetingName, 'mail.own.test');
});

test('a gateway or proxy greets with its own name, unless the route has one', async () => {
  const gateways = { outside: { ...outside, heloName: 'gw.own.test' } };
  const names = async (settings: Partial<RoutingSettings>): Promise<unknown> => {
    const { greetingName, proxies } = await terms(settings, 'x@a.test', gateways);
    return [greetingName, ...(proxies ?? []).map((way) => (way === 'direct' ? way : way.greetingName))];
  };
  const ways = ['outside', 'out', 'direct'];
  const proxies = { out: { ...out, heloName: 'exit.own.test' } };
  assert.deepEqual(await names({ proxies, proxy: ways }), ['mail.own.test', 'gw.own.test', 'exit.own.test', 'direct']);
  const heloName = 'route.own.test';
  const addressSpaces = [{ ...space('*', 'mx'), proxy: ways, heloName }];
  assert.deepEqual(await names({ proxies, addressSpaces }), [heloName, heloName, heloName, 'direct']);
  const smartHosts = { hub: group(['198.51.100.5'], { proxy: ways, heloName, source4: '192.0.2.12' }) };
  assert.deepEqual(await names({ proxies, smartHosts, addressSpaces: [space('*', 'hub')] }), [
    heloName,
    heloName,
    heloName,
    'direct',
  ]);
  const plain = { hub: group(['198.51.100.5'], { proxy: ways }) };
  const all = { proxies, smartHosts: plain, addressSpaces: [space('*', 'hub')], heloName: 'all.own.test' };
  assert.deepEqual(await names(all), ['all.own.test', 'gw.own.test', 'exit.own.test', 'direct']);
});
