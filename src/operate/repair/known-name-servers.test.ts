import assert from 'node:assert/strict';
import { test } from 'node:test';
import packet from 'dns-packet';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { pretendedHost } from '../../../test/support/pretended-host.ts';
import type { Parts } from '../doctor/check.ts';
import { defaultGateways, otherServers } from './known-name-servers.ts';

const ROUTES = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
`;

/** A network on which these addresses answer a question for the root, with this code. */
function networkWith(answering: Readonly<Record<string, number>>): Parts['network'] {
  return {
    dial: () => Promise.reject(Object.assign(new Error('nobody'), { code: 'ECONNREFUSED' })),
    datagram: async (_family, receive) => ({
      send(bytes, port, address) {
        const rcode = answering[address];
        if (rcode === undefined) return;
        const { id = 0, questions = [] } = packet.decode(bytes);
        const answers = [{ type: 'NS' as const, name: '.', ttl: 60, data: 'a.root.test' }];
        const flags = packet.RECURSION_AVAILABLE | rcode;
        receive(packet.encode({ type: 'response', id, flags, questions, answers }), { address, port });
      },
      close: () => undefined,
    }),
  };
}

const parts = (answering: Readonly<Record<string, number>>, clock: ManualClock): Partial<Parts> => ({
  host: pretendedHost({
    texts: {
      '/proc/net/route': ROUTES,
      '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.53\n',
      '/run/systemd/netif/leases/2': 'ADDRESS=192.0.2.10\nDNS=192.0.2.61 192.0.2.62\n',
      '/var/lib/dhcp/dhclient.leases':
        'lease {\n  option domain-name-servers 192.0.2.70;\n}\nlease {\n  option domain-name-servers 192.0.2.71, 2001:db8::71;\n}\n',
    },
    names: { '/run/systemd/netif/leases': ['2'], '/var/lib/dhcp': ['dhclient.leases'] },
  }),
  nameServers: { servers: [{ address: '192.0.2.61', port: 53 }], from: 'resolv.conf', named: true },
  network: networkWith(answering),
  clock,
  random: { bytes: (count: number) => Buffer.alloc(count, 7) } as Parts['random'],
});

test('the gateway of the default route is read from the table of the kernel', () => {
  assert.deepEqual(defaultGateways(ROUTES), ['192.0.2.1']);
  assert.deepEqual(defaultGateways(''), []);
});

test('servers that resolvers, leases and routes name are taken where they answer, with where they are from', async () => {
  const clock = new ManualClock();
  const found = otherServers({
    parts: parts({ '192.0.2.53': 5, '192.0.2.61': 0, '192.0.2.62': 0, '2001:db8::71': 0, '192.0.2.1': 0 }, clock),
  });
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(500);
  }
  assert.deepEqual(await found, [
    { address: '192.0.2.62', from: '/run/systemd/netif/leases/2' },
    { address: '2001:db8::71', from: '/var/lib/dhcp/dhclient.leases' },
    { address: '192.0.2.1', from: 'the default gateway' },
  ]);
});

test('where nobody can be asked only those count that a program of this host asks itself', async () => {
  const { network: _, ...silent } = parts({}, new ManualClock());
  assert.deepEqual(await otherServers({ parts: silent }), [
    { address: '192.0.2.53', from: '/run/systemd/resolve/resolv.conf' },
  ]);
});
