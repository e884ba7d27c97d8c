import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { wayInWords } from '../../../events/way-words.ts';
import { forbiddingRoute, forbiddingRule, takeAway } from '../facts/forbidding-routes.ts';
import { routesOpen } from './routes-forbid.ts';

const FOUR = `Main:
  +-- 0.0.0.0/0 2 0 2
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.0.0/4 2 0 2
        +-- 198.51.100.0/28 2 0 2
           |-- 198.51.100.7
              /32 universe PROHIBIT
        |-- 203.0.113.0
           /24 universe BLACKHOLE
        |-- 203.0.113.9
           /32 universe UNICAST
Id 200:
  |-- 192.0.2.1
     /32 universe BLACKHOLE
`;
const ZERO = '0'.repeat(32);
const SIX = `20010db8000100000000000000000000 30 ${ZERO} 00 ${ZERO} 00000400 00000001 00000000 00200200       lo
${ZERO} 00 ${ZERO} 00 ${ZERO} ffffffff 00000001 00000000 00200200       lo
`;
const HOST = { texts: { '/proc/net/fib_trie': FOUR, '/proc/net/ipv6_route': SIX } };

test('the longest route to an address says whether it is forbidden, and what shows it', () => {
  const route = (address: string): string | undefined => {
    const found = forbiddingRoute(address, FOUR, SIX);
    return found && `${found.kind} ${found.prefix}: ${found.shownBy}`;
  };
  assert.equal(route('203.0.113.4'), 'blackhole 203.0.113.0/24: ip route get 203.0.113.4');
  assert.equal(route('198.51.100.7'), 'prohibit 198.51.100.7/32: ip route get 198.51.100.7');
  assert.equal(route('2001:db8:1::25'), 'rejecting 2001:db8:1::/48: ip -6 route get 2001:db8:1::25');
  for (const open of ['203.0.113.9', '192.0.2.1', '8.8.8.8', '2001:db8:2::1', 'mx.example.test'])
    assert.equal(route(open), undefined);
});

test('a rule that forbids an address is found too', () => {
  const rules =
    '0:\tfrom all lookup local\n32765:\tfrom all to 198.51.100.0/24 prohibit\n32766:\tfrom all lookup main\n';
  const found = forbiddingRule('198.51.100.25', rules);
  assert.ok(found !== undefined && found.shownBy === 'ip rule');
  assert.match(takeAway(found), /^ip rule del to 198\.51\.100\.0\/24 prohibit /);
  assert.equal(forbiddingRule('203.0.113.1', rules), undefined);
});

test('a configured host behind a blackhole route is unhealthy, with the route and the command that takes it away', async () => {
  const settings = settingsOf(`server: { name: mail.example.test, data: /srv/ims }
listeners: { mx: { profile: mx, address: '::', port: 25 } }
routing: { smartHosts: { out: { hosts: [{ host: 203.0.113.4 }] } } }
`);
  const verdict = await lookWith(routesOpen, { settings, host: HOST });
  assert.ok(verdict.kind === 'unhealthy', verdict.kind);
  assert.equal(
    verdict.cause,
    "The way to 203.0.113.4 of routing.smartHosts.out is closed on this host itself: its routing table has the route 'blackhole 203.0.113.0/24' (ip route get 203.0.113.4 shows it).",
  );
  assert.match(verdict.cure, /^ip route del blackhole 203\.0\.113\.0\/24 /);
  const open = { texts: { '/proc/net/fib_trie': FOUR.replace('BLACKHOLE', 'UNICAST') } };
  assert.equal((await lookWith(routesOpen, { settings, host: open })).kind, 'healthy');
});

test('what a refused connection tells of this host is said beside its code', () => {
  assert.equal(wayInWords('EINVAL'), "EINVAL (this host's own routing table has a blackhole route there)");
  assert.equal(wayInWords('ECONNREFUSED'), 'ECONNREFUSED');
});
