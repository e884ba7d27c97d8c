/** Much is wrong for a while, with traffic over all of it: what lasts is told when it begins, and when it ends. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { greeted, sendOne } from '../../support/said.ts';
import { freePort, type SeenEvent, startService, type TestService } from '../../support/service.ts';

const ROUNDS = 25;
const ROUND_MS = 400;
let service: TestService;
let dns: TestDnsServer;
let holder: Server;
let port: number;

before(async () => {
  port = await freePort();
  const [taken, dead] = [await freePort(), await freePort()];
  holder = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => holder.listen(taken, '127.0.0.1', resolve));
  dns = await startDnsServer('');
  dns.fail('SERVFAIL');
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 2 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: ${port}, tls: starttls }
  taken: { profile: mx, address: 127.0.0.1, port: ${taken} }
  nowhere: { profile: mx, address: 192.0.2.77, port: ${taken} }
names: { servers: ['${dns.server}'], timeout: 200ms, tries: 1 }
policy: { localNetworks: [127.0.0.0/8] }
doctor: { every: 10s }
scheduler: { jitter: 0, normal: { first: 1s, factor: 1, longest: 1s }, breaker: { failures: 2, rest: 1s, longest: 1s } }
routing:
  smartHosts: { dead: { hosts: [{ host: 127.0.0.1, port: ${dead} }] } }
  addressSpaces: [{ match: dead.test, via: dead }]
domains:
  example.test:
    mailboxes: { alice: {} }
    aliases: { postmaster: alice, broken: [alice, 'gone@example.test'] }
`,
  );
});
after(async () => {
  await service.remove();
  holder.close();
  await dns.close();
});

/** What an event is about: all of its data but what counts, measures and quotes. */
function about({ event, process, data }: SeenEvent): string {
  const fields = Object.entries(data).filter(
    ([key, value]) => typeof value === 'string' && !/^(?:reason|why|error|until|evidence)$/.test(key),
  );
  return `${event} ${process} ${JSON.stringify(fields)}`;
}

test('twenty-five rounds of mail over lasting trouble: each warning and error is told once', {
  timeout: 90_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    await sendOne(port, `x${round}@elsewhere.test`);
    await sendOne(port, `x${round}@dead.test`);
    await sendOne(port, 'broken@example.test');
    const line = await greeted(port);
    line.close();
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
  }
  const counts = new Map<string, number>();
  for (const event of service.events.filter(({ event: number }) => number >= 3000))
    counts.set(about(event), (counts.get(about(event)) ?? 0) + 1);
  assert.ok(counts.size >= 4, [...counts.keys()].join('\n'));
  assert.deepEqual(
    [...counts].filter(([, count]) => count > 1).map(([what, count]) => `${count} times ${what}`),
    [],
  );
});
