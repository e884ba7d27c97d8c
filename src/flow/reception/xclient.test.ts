import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver, scene } from '../../../test/support/reception.ts';

const FILTER = '10.0.0.6';
const listener = { xclient: ['10.0.0.6'] };
const policy = { localNetworks: ['192.0.2.0/24'], blockedNetworks: ['203.0.113.0/24'] };

test('Q254214: a trusted host speaks for a client: limits, policy and trace fields are of that one', async () => {
  const { connect, queue } = scene({ policy });
  const stream = connect(listener, FILTER);
  stream.feed('EHLO filter.example.test\r\n');
  assert.match(stream.sent, /250-XCLIENT NAME ADDR PORT PROTO HELO\r\n250-XFORWARD /);
  stream.feed('XCLIENT NAME=mx.remote.test ADDR=198.51.100.7 PORT=4711 HELO=mx.remote.test PROTO=ESMTP\r\n');
  assert.match(stream.sent, /220 mail\.example\.test [^\r]*\r\n$/);
  stream.feed('MAIL FROM:<a@remote.test>\r\n');
  assert.match(stream.sent, /503 [^\r]*\r\n$/, 'the session begins anew');
  await deliver(stream, 'Subject: x\r\n\r\nhello\r\n');
  const [taken] = queue.taken;
  assert.match(taken?.content.toString('latin1') ?? '', /^Received: from client\.remote\.test \(\[198\.51\.100\.7\]\)/);
});

test('who is not trusted is told that there is no such command, whatever the argument', () => {
  const { connect } = scene({ policy });
  for (const stream of [
    connect(listener, '198.51.100.9'),
    connect({}, FILTER),
    connect({ ...listener, byGateway: true }, FILTER),
  ]) {
    stream.feed('EHLO x.test\r\nXCLIENT ADDR=192.0.2.7\r\nXFORWARD ADDR=192.0.2.7\r\n');
    assert.doesNotMatch(stream.sent, /XCLIENT|XFORWARD/);
    assert.equal(stream.sent.match(/500 5\.5\.2/g)?.length, 2, stream.sent);
  }
});

test('a client that is blocked, or has too many sessions, is refused in its own name', () => {
  const { connect, reception } = scene({ policy, reception: { connectionsPerAddressMax: 2 } });
  const blocked = connect(listener, FILTER);
  blocked.feed('XCLIENT ADDR=203.0.113.9\r\n');
  assert.match(blocked.sent, /554 [^\r]*\r\n$/);
  blocked.destroy();
  connect({}, '198.51.100.7');
  connect({}, '198.51.100.7');
  const third = connect(listener, FILTER);
  third.feed('XCLIENT ADDR=198.51.100.7\r\n');
  assert.match(third.sent, /421 4\.7\.0/);
  third.destroy();
  assert.equal(reception.sessions().open, 2);
  // The places of both names were given back.
  assert.match(connect({}, FILTER).sent, /^220/);
  assert.match(connect({}, FILTER).sent, /^220/);
});

test('addresses of XCLIENT: IPv6, unknown ones, and what is none', () => {
  const { connect } = scene({ policy });
  const says = (argument: string): string => {
    const stream = connect(listener, FILTER);
    stream.feed(`XCLIENT ${argument}\r\n`);
    stream.destroy();
    return stream.sent.slice(stream.sent.indexOf('\r\n') + 2, stream.sent.indexOf('\r\n') + 5);
  };
  for (const good of [
    'ADDR=IPV6:2001:db8::7',
    'ADDR=[UNAVAILABLE]',
    'addr=198.51.100.7',
    'NAME=[TEMPUNAVAIL]',
    'HELO=a+20b',
  ])
    assert.equal(says(good), '220', good);
  for (const bad of [
    '',
    'ADDR=',
    'ADDR=1.2.3',
    'ADDR=192.0.2.7 NOTHING=1',
    'ADDR',
    'PORT=70000',
    'NAME=a+zz',
    'ADDR=::1 '.repeat(20),
  ])
    assert.equal(says(bad), '501', bad);
});

test('XFORWARD is taken and changes no decision', () => {
  const { connect } = scene({ policy });
  const stream = connect(listener, FILTER);
  stream.feed('EHLO filter.example.test\r\nXFORWARD ADDR=192.0.2.7 SOURCE=REMOTE\r\n');
  assert.match(stream.sent, /250 2\.0\.0 OK\r\n$/);
  stream.feed('MAIL FROM:<a@remote.test>\r\nRCPT TO:<b@elsewhere.test>\r\n');
  assert.match(stream.sent, /550 5\.7\.1/);
});

test('an unknown client is of no network and no limit, not of those of the trusted host', () => {
  const { connect } = scene({ policy: { ...policy, localNetworks: ['10.0.0.0/8'] } });
  const stream = connect(listener, FILTER);
  stream.feed(
    'XCLIENT ADDR=[UNAVAILABLE]\r\nEHLO x.test\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<b@elsewhere.test>\r\n',
  );
  assert.match(stream.sent, /550 5\.7\.1/);
});
