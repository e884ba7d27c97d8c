import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandedHop } from '../../mail/next-hop.ts';
import { TextStream, deliver, scene, settled } from '../../../test/support/reception.ts';
import { lingerMs, lingeringMax } from './limits.ts';

const eventNames = (events: readonly { name: string }[]): string[] =>
  events.map(({ name }) => name).filter((name) => name !== 'reception.session-ended');

test('Q166584: connections over the limit get 421 at once, are counted, and told once', () => {
  const { connect, reception, events } = scene({ reception: { connectionsMax: 30, connectionsPerAddressMax: 1000 } });
  const streams = Array.from({ length: 100 }, () => connect());
  const refused = streams.filter((stream) => stream.sent.startsWith('421 4.7.0'));
  assert.equal(refused.length, 70);
  assert.ok(refused.every((stream) => stream.ended));
  assert.equal(reception.sessions().open, 30);
  assert.equal(reception.sessions().refused, 70);
  assert.deepEqual(eventNames(events), ['reception.connections-limited']);
  streams[0]?.destroy();
  assert.match(connect().sent, /^220 /);
});

test('connections of one address are limited, an IPv6 /64 as one', () => {
  const { connect } = scene({ reception: { connectionsPerAddressMax: 2 } });
  assert.match(connect({}, '2001:db8::1').sent, /^220/);
  assert.match(connect({}, '2001:db8::2').sent, /^220/);
  assert.match(connect({}, '2001:db8:0:0:ffff::3').sent, /^421 4\.7\.0/);
  assert.match(connect({}, '2001:db8:0:1::3').sent, /^220/);
  assert.match(connect({}, '192.0.2.1').sent, /^220/);
});

test('Q146326: refused connections leave one event with a counter, not one each', () => {
  const { connect, events, clock } = scene({ reception: { connectionsPerAddressMax: 1 } });
  connect();
  for (let count = 0; count < 500; count += 1) connect();
  assert.equal(eventNames(events).length, 1);
  clock.advance(61_000);
  connect();
  assert.equal(eventNames(events).length, 2);
});

test('descriptors run short: 421 4.3.2 while a reserve is left, an event when it begins and when it is over', () => {
  let used = 100;
  const { connect, events, clock } = scene({ descriptors: { used: () => used, limit: 1024 } });
  const first = connect();
  used = 1000;
  assert.match(connect().sent, /^421 4\.3\.2/);
  assert.match(connect().sent, /^421 4\.3\.2/);
  assert.equal(first.ended, false);
  used = 100;
  clock.advance(61_000);
  assert.match(connect().sent, /^220/);
  assert.deepEqual(eventNames(events), ['reception.descriptors-short', 'reception.connections-taken-again']);
});

test('refused clients are all told why, and some of them are given time to read it', () => {
  const { connect, clock } = scene({ reception: { connectionsMax: 1 } });
  connect();
  const streams = Array.from({ length: lingeringMax + 5 }, () => connect());
  assert.equal(streams.filter((stream) => stream.destroyed).length, 5);
  assert.ok(streams.every((stream) => stream.sent.startsWith('421')));
  clock.advance(lingerMs + 1);
  assert.ok(streams.every((stream) => stream.destroyed));
});

test('stop: idle sessions get 421, a transaction may end, what remains is cut', async () => {
  const { connect, reception, clock, events, queue } = scene();
  const idle = connect();
  const busy = connect();
  const stuck = connect();
  for (const client of [busy, stuck]) {
    client.feed('EHLO c\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n');
  }
  await settled();
  for (const client of [idle, busy, stuck]) client.take();
  let stopped = false;
  void reception.stop(8000).then(() => (stopped = true));
  assert.match(idle.take(), /^421 4\.3\.2/);
  assert.equal(busy.take(), '');
  const late = new TextStream();
  reception.accept(late, { name: 'mx', profile: 'mx', tls: 'none', greetingDelay: false });
  assert.match(late.sent, /^421 4\.3\.2/);
  busy.feed('Subject: x\r\n\r\n.\r\n');
  await settled();
  assert.match(busy.take(), /^250 [^\n]*\n421 /);
  assert.equal(queue.taken.length, 1);
  assert.equal(stopped, false);
  clock.advance(8001);
  await settled();
  assert.equal(stopped, true);
  assert.equal(stuck.destroyed, true);
  assert.equal(events.find(({ name }) => name === 'reception.sessions-cut')?.data['sessions'], 1);
});

test('Q173496: a listener that needs TLS and has no certificate refuses; one that merely offers it works without', () => {
  const { connect, events } = scene({ certificate: false });
  assert.match(connect({ tls: 'required' }).sent, /^421 /);
  assert.equal(connect({ tls: 'implicit' }).destroyed, true);
  connect({ tls: 'implicit' });
  assert.deepEqual(eventNames(events), ['reception.tls-missing']);
  const plain = connect();
  plain.feed('EHLO c\r\n');
  assert.doesNotMatch(plain.sent, /STARTTLS/);
});

test('a reload meets new sessions; open ones keep what they began with', async () => {
  const { connect, reception } = scene();
  const before = connect();
  reception.use({ serverName: 'new.example.test' });
  assert.match(connect().sent, /^220 new\.example\.test /);
  before.take();
  assert.match(await deliver(before, 'Subject: x\r\n\r\n'), /^250 /);
});

test('Q272672: recipients beyond the limit get 452 4.5.3, the others their message in deliveries of at most 100', async () => {
  const addresses = Object.fromEntries(
    Array.from({ length: 400 }, (_, n) => [`u${n}@example.test`, [`u${n}@example.test`]]),
  );
  const { connect, queue } = scene({ addresses, reception: { recipientsMax: 250, errorsMax: 1000 } });
  const client = connect();
  client.feed('EHLO c\r\nMAIL FROM:<a@remote.test>\r\n');
  client.take();
  let taken = 0;
  for (let n = 0; n < 400; n += 1) {
    client.feed(`RCPT TO:<u${n}@example.test>\r\n`);
    await settled();
    const reply = client.take();
    if (reply.startsWith('250')) taken += 1;
    else assert.match(reply, /^452 4\.5\.3/);
  }
  assert.equal(taken, 250);
  client.feed('DATA\r\n');
  await settled();
  client.feed('Subject: x\r\n\r\n.\r\n');
  await settled();
  assert.deepEqual(
    queue.taken[0]?.message.deliveries.map(({ recipients }) => recipients.length),
    [100, 100, 50],
  );
});

test('RFC 3461 §5.2.7.3: an alias of several with NOTIFY=SUCCESS owes an expanded report, durable with the message', async () => {
  const { connect, queue } = scene({ addresses: { 'team@example.test': ['alice@example.test', 'bob@example.test'] } });
  const client = connect();
  client.feed('EHLO c\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<team@example.test> NOTIFY=SUCCESS,FAILURE\r\nDATA\r\n');
  await settled();
  client.feed('Subject: x\r\n\r\n.\r\n');
  await settled();
  const told = queue.taken[0]?.message.deliveries[1];
  assert.equal(told?.nextHop, expandedHop);
  assert.deepEqual(
    told?.recipients.map(({ mailbox }) => mailbox.localPart),
    ['team'],
  );
  assert.deepEqual(
    queue.taken[0]?.message.deliveries[0]?.recipients.map(({ notify, original }) => [notify, original]),
    [
      [['failure'], 'rfc822;team@example.test'],
      [['failure'], 'rfc822;team@example.test'],
    ],
  );
});
