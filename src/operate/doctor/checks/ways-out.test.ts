import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, runningService, settingsOf } from '../../../../test/support/doctor-parts.ts';
import type { PretendedFacts } from '../../../../test/support/pretended-host.ts';
import type { ByteSink, ByteStream } from '../../../world/ports/network.ts';
import { zoneResolver } from '../../../world/sim/resolver.ts';
import type { Check } from '../check.ts';
import { firewallOpen } from './firewall.ts';
import { pathMtu } from './path-mtu.ts';
import { notIntercepted, portOut } from './ways-out.ts';

const settings = settingsOf(
  'server: { name: mail.company.com, data: /srv/ims }\n',
  "{ profile: mx, address: '0.0.0.0', port: 25 }",
);
const ROUTES = 'Iface Destination Gateway Flags RefCnt Use Metric Mask\neth0 00000000 010200C0 0003 0 0 0 00000000\n';
const ZONE = 'good.test MX 10 mx.good.test\nmx.good.test A 198.51.100.25\n';
const queue = {
  'queue.list': () => ({ rows: [{ nextHop: 'mx:good.test', attempts: 3 }], total: 1, offset: 0, missing: [] }),
};

/** A host that says these lines, one for each time that it is written to, the first at once. */
function talker(lines: readonly string[]): ByteStream {
  let at = 0;
  let sink: ByteSink | undefined;
  const say = (): void => {
    const line = lines[at];
    at += 1;
    if (line !== undefined) queueMicrotask(() => sink?.data(Buffer.from(`${line}\r\n`)));
  };
  return {
    start(reader: ByteSink) {
      sink = reader;
      say();
    },
    write() {
      say();
      return true;
    },
    destroy: () => undefined,
  } as unknown as ByteStream;
}

/** What each 'address:port' does: lines of a dialogue, or an errno. */
function lookOut(
  check: Check,
  ends: Readonly<Record<string, string | readonly string[]>>,
  host: PretendedFacts = {},
  zone = ZONE,
) {
  return lookWith(check, {
    settings,
    host: { addresses: ['127.0.0.1', '192.0.2.10'], ...host, texts: { '/proc/net/route': ROUTES, ...host.texts } },
    service: runningService([]),
    answers: queue,
    more: {
      resolver: zoneResolver(zone),
      network: {
        datagram: () => Promise.reject(new Error('not asked')),
        async dial({ address, port }) {
          const end = ends[`${address}:${port}`] ?? 'ETIMEDOUT';
          if (typeof end === 'string') throw Object.assign(new Error(end), { code: end });
          return talker(end);
        },
      },
    },
  });
}

test('Q319881: a port that is dropped or rejected on the way is told from a host that is down', async () => {
  assert.equal((await lookOut(portOut, { '198.51.100.25:25': ['220 mx'] })).kind, 'healthy');
  const dropped = await lookOut(portOut, { '198.51.100.25:587': ['220 mx'] });
  assert.ok(dropped.kind === 'unhealthy' && /port 25 is blocked on the way.*answers on port 587/.test(dropped.cause));
  const rejected = await lookOut(portOut, { '198.51.100.25:25': 'EHOSTUNREACH', '198.51.100.25:587': ['220 mx'] });
  assert.ok(rejected.kind === 'unhealthy' && /a firewall rejects/.test(rejected.cause));
  assert.equal((await lookOut(portOut, {})).kind, 'unknown', 'host and way may both be down');
  const reset = await lookOut(portOut, { '198.51.100.25:25': 'ECONNREFUSED', '198.51.100.25:587': ['220'] });
  assert.ok(reset.kind === 'unhealthy' && /refuses connections on port 25.*answers in their place/.test(reset.cause));
  const web = await lookOut(portOut, { '198.51.100.25:25': 'ECONNREFUSED', '198.51.100.25:443': ['x'] });
  assert.equal(web.kind, 'unknown', 'a web server that takes no mail');
});

test('a port that is closed by IPv6 alone delays mail, and stops none', async () => {
  const six = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'f'.repeat(32)} 00000400 00000001 00000000 00000003 eth0\n`;
  const more = { texts: { '/proc/net/ipv6_route': six } };
  const ends = { '198.51.100.25:25': ['220 mx'], '2001:db8:1::25:587': ['220 mx'] };
  const verdict = await lookOut(portOut, ends, more, `${ZONE}mx.good.test AAAA 2001:db8:1::25\n`);
  assert.ok(verdict.kind === 'unknown' && /^IPv4 is well, and mail by IPv6 is delayed: Outbound/.test(verdict.because));
});

test('a host with IPv6 alone is judged by the hosts that it reaches', async () => {
  const six = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'f'.repeat(32)} 00000400 00000001 00000000 00000003 eth0\n`;
  const [head = ''] = ROUTES.split('\n');
  const more = { texts: { '/proc/net/route': `${head}\n`, '/proc/net/ipv6_route': six } };
  const ends = { '198.51.100.25:25': 'ENETUNREACH', '2001:db8:1::25:25': ['220 mx'] };
  const zone = `${ZONE}mx.good.test AAAA 2001:db8:1::25\n`;
  assert.equal((await lookOut(portOut, ends, more, zone)).kind, 'healthy');
});

test('a rule of this host that stops mail outward is named', async () => {
  const ruleset = {
    nftables: [
      { chain: { family: 'inet', table: 'f', name: 'out', type: 'filter', hook: 'output', policy: 'accept' } },
      {
        rule: {
          family: 'inet',
          table: 'f',
          chain: 'out',
          handle: 3,
          expr: [
            { match: { op: '==', left: JSON.parse('{"payload":{"protocol":"tcp","field":"dport"}}'), right: 25 } },
            { drop: null },
          ],
        },
      },
    ],
  };
  const outputs = { 'nft -j list ruleset': JSON.stringify(ruleset) };
  const out = await lookOut(portOut, { '198.51.100.25:25': ['220 mx'] }, { outputs });
  assert.ok(out.kind === 'unhealthy' && out.cure === 'nft delete rule inet f out handle 3');
  const inward = JSON.stringify(ruleset).replace('"output"', '"input"');
  const listener = await lookOut(firewallOpen, {}, { outputs: { 'nft -j list ruleset': inward } });
  assert.ok(
    listener.kind === 'unhealthy' && /drops connections to port 25 of listener mx: nftables/.test(listener.cause),
  );
  assert.equal((await lookOut(firewallOpen, {})).kind, 'not-applicable');
  assert.equal((await lookOut(firewallOpen, {}, { errors: { 'nft -j list ruleset': 'EUNKNOWN' } })).kind, 'unknown');
});

test('an answer from an address that nobody has is an interception', async () => {
  const mx = ['220 mx.good.test ESMTP', '250-mx.good.test\r\n250 STARTTLS'];
  assert.equal((await lookOut(notIntercepted, { '198.51.100.25:25': mx })).kind, 'healthy');
  const filter = ['220 smtp-filter.isp.example ESMTP', '250 smtp-filter.isp.example'];
  const verdict = await lookOut(notIntercepted, { '198.51.100.25:25': filter, '203.0.113.25:25': filter });
  assert.ok(verdict.kind === 'unhealthy');
  assert.match(
    verdict.cause,
    /intercepted: 'smtp-filter\.isp\.example' answers in the place of mx\.good\.test and of 203\.0\.113\.25/,
  );
});

test('octets that are never acknowledged while a new dialogue works are a path MTU black hole', async () => {
  const head = 'sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid\n';
  const stuck = (again: string): PretendedFacts => ({
    texts: {
      '/proc/net/tcp': `${head} 0: 0A0200C0:A000 196433C6:0019 01 00007530:00000000 01:00000100 0000000${again} 990 0 5 1\n`,
    },
  });
  const mx = ['220 mx.good.test ESMTP', '250-mx.good.test\r\n250 STARTTLS'];
  const verdict = await lookOut(pathMtu, { '198.51.100.25:25': mx }, stuck('6'));
  assert.ok(verdict.kind === 'unhealthy' && /black hole towards 198\.51\.100\.25:25/.test(verdict.cause));
  assert.match(verdict.evidence[1]?.seen ?? '', /^30000 octets not acknowledged, sent again 6 times/);
  assert.equal((await lookOut(pathMtu, { '198.51.100.25:25': mx }, stuck('1'))).kind, 'healthy', 'one lost packet');
  assert.equal((await lookOut(pathMtu, {}, stuck('6'))).kind, 'healthy', 'a host that went away');
});
