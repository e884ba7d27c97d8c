import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, runningService, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { zoneResolver } from '../../../world/sim/resolver.ts';
import type { Check } from '../check.ts';
import { noLoops, relayRefused } from './policy-tried.ts';
import { destinationsTake, queueMoves, queueRoom } from './waiting.ts';

const NOW = Date.UTC(2026, 5, 1);
const delivery = (nextHop: string, text: string, more: object = {}) => ({
  queueId: '0-1',
  deliveryId: '1',
  nextHop,
  class: 'normal',
  sizeBytes: 100,
  arrivedAtMs: NOW - 3_600_000,
  expiresAtMs: NOW + 3_600_000,
  dueAtMs: NOW + 60_000,
  attempts: 3,
  held: false,
  quarantined: false,
  claimed: false,
  recipients: [
    { mailbox: 'a@b.test', state: 'waiting', lastReply: { code: Number(text.slice(0, 3)), text: [text.slice(4)] } },
  ],
  ...more,
});

function look(check: Check, rows: readonly object[], total = rows.length) {
  const answers = { 'queue.list': () => ({ rows, total, offset: 0, missing: [] }) };
  return lookWith(check, { service: runningService([]), answers, nowMs: NOW });
}

test('what hosts say of our address and name is unhealthy with its meaning', async () => {
  assert.equal((await look(destinationsTake, [])).kind, 'healthy');
  const ptr = await look(destinationsTake, [
    delivery('mx:a.test', '451 mx.a.test refused the session; it said: 554 5.7.25 no PTR record for 192.0.2.10'),
  ]);
  assert.ok(ptr.kind === 'unhealthy' && /no reverse name \(PTR record\)/.test(ptr.cause));
  const hello = await look(destinationsTake, [
    delivery('mx:a.test', '450 <mta.local.test>: Helo command rejected: Host not found'),
  ]);
  assert.ok(hello.kind === 'unhealthy' && /HELO/.test(hello.cause));
  const first = await look(destinationsTake, [delivery('mx:a.test', '450 greylisted', { attempts: 1 })]);
  assert.equal(first.kind, 'healthy', 'one attempt tells nothing');
});

test('Q280118: a host that wants the domain of a sender to exist is told with its meaning', async () => {
  for (const words of [
    '450 4.1.8 <u@ours.test>: Sender address rejected: Domain not found',
    '451 sender domain must exist',
  ]) {
    const found = await look(destinationsTake, [delivery('mx:a.test', words)]);
    assert.ok(found.kind === 'unhealthy' && /domain of our senders/.test(found.cause), words);
  }
});

test('a store that ends the connection in the middle of a message, or is no mail server, is told as that', async () => {
  const lost =
    '451 4.4.2 the connection was lost after the whole message had been sent to [192.0.2.24]; it may have been delivered';
  const store = await look(destinationsTake, [delivery('lmtp:store', lost)]);
  assert.ok(store.kind === 'unhealthy' && /while a message is being handed over/.test(store.cause));
  const ssh = '451 [192.0.2.80] did not answer according to the protocol before its greeting; it said: SSH-2.0-x';
  const other = await look(destinationsTake, [delivery('lmtp:store', ssh)]);
  assert.ok(other.kind === 'unhealthy' && /what answers there is no mail server/.test(other.cause));
});

test('a smart host that wants a login, refuses ours, or does not relay for us is told as that', async () => {
  const kept = (said: string): string => `451 4.7.1 our smart host does not relay for us (${said}); kept until its`;
  for (const [words, cause] of [
    [kept('530 5.7.0 Authentication required'), /demands a login before it takes mail for others/],
    [kept('554 5.7.1 <a@b.test>: Relay access denied'), /does not relay for us: it takes mail for its own domains/],
    ['451 relay did not accept our login; it said: 535 5.7.8 authentication failed', /login at the relay is refused/],
  ] as const) {
    const found = await look(destinationsTake, [delivery('host:relay', words)]);
    assert.ok(found.kind === 'unhealthy' && cause.test(found.cause), words);
  }
});

test('a fault at the other end is told without an alarm; the same words of many hosts are one', async () => {
  const way = delivery('mx:a.test', '451 no connection to mx.a.test: the proxy lab did not accept our login');
  const reply = {
    code: 451,
    detail: '4.1',
    text: ['no connection to mx.a.test: the proxy lab did not accept our login'],
  };
  const noWay = { ...way, recipients: [{ mailbox: 'a@b.test', state: 'waiting', lastReply: reply }] };
  assert.equal((await look(destinationsTake, [noWay])).kind, 'healthy', 'a way that fails is for the checks of ways');
  const tls = await look(destinationsTake, [
    delivery('mx:a.test', '451 TLS with mx.a.test could not be agreed on: wrong version number'),
  ]);
  assert.ok(tls.kind === 'unknown' && /at their end/.test(tls.because));
  const own = ['a', 'b', 'c'].map((name) => delivery(`mx:${name}.test`, `451 try later id 12345${name}${name}`));
  const many = await look(destinationsTake, own);
  assert.ok(many.kind === 'unhealthy' && /Mail to mx:a\.test, mx:b\.test, mx:c\.test waits/.test(many.cause));
  assert.equal((await look(destinationsTake, own.slice(0, 2))).kind, 'healthy');
  const store = await look(destinationsTake, [delivery('host:store', '451 4.3.0 over its quota of connections')]);
  assert.ok(store.kind === 'unhealthy' && /Mail to host:store waits because that host refuses it/.test(store.cause));
});

test('Q234065: mail that is due and never tried, and a queue that fills or has mail set aside, are unhealthy', async () => {
  const due = delivery('mx:a.test', '451 x', { attempts: 0, dueAtMs: NOW - 3_600_000 });
  assert.equal((await look(queueMoves, [due])).kind, 'unhealthy');
  assert.equal((await look(queueMoves, [{ ...due, held: true }])).kind, 'healthy');
  assert.equal((await look(queueRoom, [due])).kind, 'healthy');
  assert.equal((await look(queueRoom, [{ ...due, quarantined: true }])).kind, 'unhealthy');
  assert.equal((await look(queueRoom, [due], 9_900_000)).kind, 'unhealthy');
  assert.equal((await lookWith(queueMoves, {})).kind, 'not-applicable', 'the service does not run');
});

test('a stranger whose mail would be passed on is an open relay', async () => {
  const asked = (code: number) =>
    lookWith(relayRefused, {
      service: runningService([]),
      answers: { 'policy.explain': () => ({ sender: { code: 250 }, recipient: { code, text: ['x'] } }) },
    });
  assert.equal((await asked(550)).kind, 'healthy');
  const open = await asked(250);
  assert.ok(open.kind === 'unhealthy' && /203\.0\.113\.7 to anywhere: it is an open relay/.test(open.cause));
  assert.equal((await lookWith(relayRefused, { service: runningService([]) })).kind, 'unknown');
});

test('an MX that is this server is a loop', async () => {
  const resolver = zoneResolver(
    'loop.test MX 10 mail.example.test\nother.test MX 10 mx.other.test\nmx.other.test A 198.51.100.7\n',
  );
  const relay = (domains: string) => settingsOf(`routing: { relayDomains: [${domains}] }\n`);
  const loop = await lookWith(noLoops, { settings: relay('loop.test'), more: { resolver } });
  assert.ok(
    loop.kind === 'unhealthy' && /MX of loop\.test is mail\.example\.test, which is this host/.test(loop.cause),
  );
  assert.equal((await lookWith(noLoops, { settings: relay('other.test'), more: { resolver } })).kind, 'healthy');
  assert.equal((await lookWith(noLoops, {})).kind, 'not-applicable');
});

test('a smart host that is a listener of this server is a loop, whatever its name', async () => {
  const resolver = zoneResolver('relay.test A 192.0.2.10\n');
  const to = (host: string, port: number, more = '') =>
    lookWith(noLoops, {
      settings: settingsOf(
        `listeners: { mx: { profile: mx, address: 0.0.0.0, port: 25 } }\nrouting:\n  smartHosts: { relay: { hosts: [{ host: '${host}', port: ${port} }]${more} } }\n  proxies: { lab: { kind: socks5, host: 192.0.2.80 } }\n`,
      ),
      host: { addresses: ['127.0.0.1', '192.0.2.10'] },
      more: { resolver },
    });
  for (const host of ['192.0.2.10', 'relay.test']) {
    const verdict = await to(host, 25);
    assert.ok(verdict.kind === 'unhealthy' && verdict.event === 4115 && /this server itself/.test(verdict.cause), host);
  }
  assert.equal((await to('192.0.2.10', 2525)).kind, 'not-applicable', 'another program of this host');
  assert.equal((await to('198.51.100.7', 25)).kind, 'not-applicable');
  assert.equal((await to('192.0.2.10', 25, ', proxy: lab')).kind, 'not-applicable', 'seen from the proxy');
});
