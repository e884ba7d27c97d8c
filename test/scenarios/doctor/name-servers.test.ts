import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import packet from 'dns-packet';
import type { Check } from '../../../src/operate/doctor/check.ts';
import {
  noRewriting,
  serversAnswer,
  serversKnowEdns,
  someServerResolves,
} from '../../../src/operate/doctor/checks/names-servers.ts';
import type { Verdict } from '../../../src/operate/doctor/verdict.ts';
import type { Clock } from '../../../src/world/ports/clock.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import { lookWith, settingsOf } from '../../support/doctor-parts.ts';
import type { PretendedFacts } from '../../support/pretended-host.ts';
import { freePort } from '../../support/service.ts';

/** Patience is cut short: what is silent here stays silent. */
const hasty: Clock = { ...nodeWorld.clock, after: (ms, fn) => nodeWorld.clock.after(ms / 10, fn) };
const REAL = 'server: { name: mail.company.com, data: /srv/ims }\nnames: { timeout: 100ms }\n';

type Answer = Partial<packet.Packet> | undefined;

/** A name server that answers as it is told; undefined is silence. Its TCP port is open and says nothing. */
async function withServer(
  answer: (query: packet.DecodedPacket) => Answer | Promise<Answer>,
  look: (port: number) => Promise<void>,
): Promise<void> {
  const tcp = createServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4');
  let open = true;
  udp.on('message', (octets, from) => {
    const query = packet.decode(octets);
    void Promise.resolve(answer(query)).then((given) => {
      if (given === undefined || !open) return;
      const message = packet.encode({ type: 'response', id: query.id, questions: query.questions ?? [], ...given });
      udp.send(message, from.port, from.address);
    });
  });
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  try {
    await look(port);
  } finally {
    open = false;
    await new Promise<void>((resolve) => udp.close(() => resolve()));
    await new Promise((resolve) => tcp.close(resolve));
  }
}

function ask(check: Check, ports: readonly number[], host: PretendedFacts = {}, clock = hasty): Promise<Verdict> {
  const nameServers = {
    servers: ports.map((port) => ({ address: '127.0.0.1', port })),
    from: 'settings',
    named: true,
  } as const;
  const { network, random } = nodeWorld;
  return lookWith(check, { settings: settingsOf(REAL), host, more: { nameServers, network, random, clock } });
}

const causeOf = (verdict: Verdict): string => (verdict.kind === 'unhealthy' ? verdict.cause : verdict.kind);
const ROOT: Answer = { answers: [{ name: '.', type: 'NS', ttl: 60, class: 'IN', data: 'a.root-servers.net' }] };
const RCODES = { FORMERR: 1, NXDOMAIN: 3 } as const;
const isChaos = (query: packet.DecodedPacket): boolean => query.questions?.[0]?.class === 'CH';
const hasEdns = (query: packet.DecodedPacket): boolean => (query.additionals?.length ?? 0) > 0;

test('ns-stub-dead: nobody listens where a name server should be', async () => {
  const verdict = await ask(serversAnswer, [await freePort()]);
  assert.match(causeOf(verdict), /does not answer: nothing listens on its port/);
});

test('ns-dns-loop: a server that is alive and answers no question forwards into the void, or in a loop', () =>
  withServer(
    (query) =>
      isChaos(query)
        ? { answers: [{ name: 'version.bind', type: 'TXT', class: 'CH', data: 'dnsmasq-2.90' }] }
        : undefined,
    async (port) => {
      assert.match(
        causeOf(await ask(serversAnswer, [port])),
        /is alive \(dnsmasq-2\.90\) and answers no question: it forwards in a loop/,
      );
      assert.equal((await ask(someServerResolves, [port])).kind, 'blocked');
    },
  ));

test('a server to which not even the root exists knows nothing; one of a private network knows its own', () =>
  withServer(
    () => ({ flags: RCODES.NXDOMAIN }),
    async (port) => {
      assert.match(causeOf(await ask(serversAnswer, [port])), /NXDOMAIN even for the root: it knows no name at all/);
      await withServer(
        (query) => (query.questions?.[0]?.name.endsWith('company.com') ? {} : { flags: RCODES.NXDOMAIN }),
        async (own) => assert.equal((await ask(serversAnswer, [own])).kind, 'healthy'),
      );
    },
  ));

test('a server that has no record for any name knows nothing either; one without a root that has hosts does', async () => {
  await withServer(
    () => ({}),
    async (port) => {
      const told =
        /answers without any record even for the root: it knows no name at all\. .* mail for elsewhere waits/;
      assert.match(causeOf(await ask(serversAnswer, [port])), told);
      assert.equal((await ask(someServerResolves, [port])).kind, 'blocked');
    },
  );
  const a = (name: string): Answer => ({ answers: [{ name, type: 'A', ttl: 60, class: 'IN', data: '192.0.2.1' }] });
  await withServer(
    ({ questions: [asked] = [] }) => (asked?.type === 'A' ? a(asked.name) : {}),
    async (port) => assert.equal((await ask(serversAnswer, [port])).kind, 'healthy'),
  );
});

test('a server that answers after four seconds is slow and not dead, also where the first question is lost', async () => {
  // With patience cut to a quarter, one second is what four are else.
  const quarter: Clock = { ...nodeWorld.clock, after: (ms, fn) => nodeWorld.clock.after(ms / 4, fn) };
  const slow = (): Promise<Answer> => new Promise((resolve) => nodeWorld.clock.after(1000, () => resolve(ROOT)));
  for (const lost of [0, 1]) {
    let asked = 0;
    await withServer(
      () => (++asked <= lost ? undefined : slow()),
      async (port) => {
        const told = /is slow: it answers after 1\.\d s only; the service waits 0\.1 s \(names\.timeout\)/;
        assert.match(causeOf(await ask(serversAnswer, [port], {}, quarter)), told);
      },
    );
    await withServer(slow, async (port) => {
      const verdict = await ask(someServerResolves, [port], {}, quarter);
      assert.ok(verdict.kind === 'blocked' && verdict.by === 'names.servers-answer');
    });
  }
});

test('a server that takes one slow question after the other is slow for EDNS too, and drops nothing', () => {
  let before: Promise<unknown> = Promise.resolve();
  const inTurn = (): Promise<Answer> => {
    const mine = before.then(() => new Promise((resolve) => nodeWorld.clock.after(250, () => resolve(ROOT))));
    before = mine;
    return mine as Promise<Answer>;
  };
  return withServer(inTurn, async (port) => assert.equal((await ask(serversKnowEdns, [port])).kind, 'healthy'));
});

test('a server that is slow and still soon enough for the service is well', () =>
  withServer(
    () => new Promise((resolve) => nodeWorld.clock.after(60, () => resolve(ROOT))),
    async (port) => {
      assert.equal((await ask(serversAnswer, [port])).kind, 'healthy');
      assert.equal((await ask(someServerResolves, [port])).kind, 'healthy');
    },
  ));

test('a server that refuses or loses questions with EDNS is told; the service can ask it without', async () => {
  await withServer(
    (query) => (hasEdns(query) ? { flags: RCODES.FORMERR } : ROOT),
    async (port) => {
      assert.equal((await ask(serversAnswer, [port])).kind, 'healthy');
      assert.match(causeOf(await ask(serversKnowEdns, [port])), /refuses those with EDNS \(FORMERR/);
    },
  );
  await withServer(
    (query) => (hasEdns(query) ? undefined : ROOT),
    async (port) => {
      assert.equal((await ask(serversAnswer, [port])).kind, 'healthy');
      assert.match(causeOf(await ask(serversKnowEdns, [port])), /none with EDNS within .* drops them/);
    },
  );
});

test('one server of two that is dead is told, and names are looked up by the other', () =>
  withServer(
    () => ROOT,
    async (port) => {
      const both = [await freePort(), port];
      const verdict = await ask(serversAnswer, both);
      assert.ok(verdict.kind === 'unhealthy' && verdict.event === 3700 && /it is one of 2/.test(verdict.cause));
      assert.equal((await ask(someServerResolves, both)).kind, 'healthy');
    },
  ));

test('the servers behind a stub are proposed, with the repair that takes them', async () => {
  const host = { texts: { '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.53\nnameserver 192.0.2.54\n' } };
  const verdict = await ask(serversAnswer, [await freePort()], host);
  assert.ok(verdict.kind === 'unhealthy' && verdict.repair === 'names.other-servers');
  assert.match(verdict.cure, /192\.0\.2\.53 and 192\.0\.2\.54 \(systemd-resolved asks it\)/);
});

test('a server that rewrites is named with the address that it gives', () =>
  withServer(
    (query) => ({ answers: [{ name: query.questions?.[0]?.name ?? '', type: 'A', ttl: 1, data: '198.51.100.99' }] }),
    async (port) =>
      assert.match(causeOf(await ask(noRewriting, [port])), /does not exist it gives the address 198\.51\.100\.99/),
  ));
