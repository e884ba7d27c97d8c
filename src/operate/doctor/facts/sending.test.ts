import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsOf } from '../../../../test/support/doctor-parts.ts';
import { pretendedHost, type PretendedFacts } from '../../../../test/support/pretended-host.ts';
import { forwarderChain, chainInWords, serversOfCommandLine } from './forwarders.ts';
import { defaultInterface4, defaultInterface6, sendingFrom, type Sending } from './sending.ts';

const ROUTES4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
const NONE = '0'.repeat(32);
const ROUTES6 = `${NONE} 00 ${NONE} 00 20010db8000000000000000000000001 00000400 00000001 00000000 00000003 eth0
${NONE} 00 ${NONE} 00 ${NONE} ffffffff 00000001 00000000 00200200 lo
`;
const HOST: PretendedFacts = {
  texts: { '/proc/net/route': ROUTES4, '/proc/net/ipv6_route': ROUTES6 },
  addresses: ['127.0.0.1', 'fe80::1', '192.0.2.10', '192.0.2.11', '2001:db8::10'],
};
const NAME = settingsOf('').server.name;
const from = (yaml: string, host = HOST): Promise<Sending> => sendingFrom(settingsOf(yaml), pretendedHost(host));

test('the default route with the lowest metric says the interface', () => {
  assert.equal(defaultInterface4(ROUTES4), 'eth0');
  assert.equal(defaultInterface6(ROUTES6), 'eth0');
  assert.equal(defaultInterface4(''), undefined);
});

test('mail is sent from the first address of the default route, or that of the settings', async () => {
  assert.deepEqual(await from(''), {
    kind: 'here',
    addresses: [
      { address: '192.0.2.10', family: 4, how: 'the default route by eth0', inside: false, greetingName: NAME },
      { address: '2001:db8::10', family: 6, how: 'the default route by eth0', inside: false, greetingName: NAME },
    ],
  });
  const set = await from("routing: { source4: 192.0.2.11, ipVersions: '4' }\n");
  assert.deepEqual(set, {
    kind: 'here',
    addresses: [{ address: '192.0.2.11', family: 4, how: 'routing.source4', inside: false, greetingName: NAME }],
  });
  const hidden = await from("routing: { source4: 10.0.0.5, ipVersions: '4' }\n");
  assert.ok(hidden.kind === 'here' && hidden.addresses[0]?.inside === true);
  assert.deepEqual(await from('', {}), { kind: 'here', addresses: [] });
});

test('mail that leaves by a gateway comes from its address, that of a sender domain from its own, each with its name', async () => {
  const gateway =
    'gateways: { outside: { host: 203.0.113.5, keyFile: k, heloName: gw.example.com } }\nrouting: { proxy: outside }\n';
  assert.deepEqual(await from(gateway), {
    kind: 'here',
    addresses: [
      { address: '203.0.113.5', family: 4, how: 'the gateway outside', inside: false, greetingName: 'gw.example.com' },
    ],
  });
  const named = gateway.replace('203.0.113.5', 'gw.example.com');
  assert.deepEqual(await from(named), { kind: 'elsewhere', because: 'mail leaves by outside' });
  const scoped = `routing:
  ipVersions: '4'
  heloName: all.example.com
  addressSpaces: [{ match: '*', senders: [a.test], via: mx, source4: 192.0.2.11, heloName: mail.a.test }]
`;
  assert.deepEqual(await from(scoped), {
    kind: 'here',
    addresses: [
      {
        address: '192.0.2.10',
        family: 4,
        how: 'the default route by eth0',
        inside: false,
        greetingName: 'all.example.com',
      },
      {
        address: '192.0.2.11',
        family: 4,
        how: 'routing.addressSpaces[0].source4',
        inside: false,
        greetingName: 'mail.a.test',
        senders: ['a.test'],
      },
    ],
  });
});

test('mail that leaves by a smart host or a proxy comes from somewhere else', async () => {
  const smart =
    "routing: { smartHosts: { out: { hosts: [{ host: 192.0.2.9 }] } }, addressSpaces: [{ match: '*', via: out }] }\n";
  assert.deepEqual(await from(smart), { kind: 'elsewhere', because: 'mail leaves by the smart host out' });
  const proxy = 'routing: { proxies: { far: { kind: socks5, host: 192.0.2.80 } }, proxy: far }\n';
  assert.deepEqual(await from(proxy), { kind: 'elsewhere', because: 'mail leaves by far' });
});

const UDP = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  1: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 71 2 0 0
  2: 0200007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 72 2 0 0
`;

const forwarding = (first: string, second: string): PretendedFacts => ({
  texts: {
    '/proc/net/udp': UDP,
    '/proc/7/cmdline': first.replaceAll(' ', '\0'),
    '/proc/7/comm': 'dnsmasq\n',
    '/proc/8/cmdline': second.replaceAll(' ', '\0'),
    '/proc/8/comm': 'dnsmasq\n',
    '/etc/dnsmasq.conf': '# nothing\n#server=192.0.2.1\nserver=/corp.example/192.0.2.54\n',
  },
  names: { '/proc': ['7', '8', 'self'], '/proc/7/fd': ['4'], '/proc/8/fd': ['4'] },
  links: { '/proc/7/fd/4': 'socket:[71]', '/proc/8/fd/4': 'socket:[72]' },
});

test('forwarders on this host are followed by their command lines until they come back', async () => {
  const host = pretendedHost(forwarding('dnsmasq -C /dev/null -S 127.0.0.2', 'dnsmasq --no-resolv --server=127.0.0.1'));
  const chain = await forwarderChain(host, { address: '127.0.0.1', port: 53 });
  assert.equal(chain.loop, '127.0.0.1');
  assert.match(
    chainInWords(chain),
    /^127\.0\.0\.1, dnsmasq \(pid 7\), asks 127\.0\.0\.2; 127\.0\.0\.2, dnsmasq \(pid 8\), asks 127\.0\.0\.1 and 192\.0\.2\.54$/,
  );
  const sound = pretendedHost(forwarding('dnsmasq -S127.0.0.2', 'dnsmasq -S 192.0.2.53#5353'));
  assert.equal((await forwarderChain(sound, { address: '127.0.0.1', port: 53 })).loop, undefined);
  assert.deepEqual(await forwarderChain(sound, { address: '192.0.2.53', port: 53 }), {
    forwarders: [],
    loop: undefined,
  });
});

test('servers of a command line are read in every form', () => {
  const words = [
    'dnsmasq',
    '-S',
    '127.0.0.2',
    '--server=/a.example/b.example/192.0.2.1#53',
    '-S2001:db8::1',
    '--server',
    '192.0.2.3@eth0',
    '-z',
  ];
  assert.deepEqual(serversOfCommandLine(words), ['127.0.0.2', '192.0.2.1', '2001:db8::1', '192.0.2.3']);
});
