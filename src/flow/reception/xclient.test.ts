import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver, scene, settled, TextStream } from '../../../test/support/reception.ts';

const FILTER = '10.0.0.6';
const listener = { xclient: ['10.0.0.6'] };
const policy = { localNetworks: ['192.0.2.0/24'], blockedNetworks: ['203.0.113.0/24'] };

test('Q254214: a trusted host speaks for a client: limits, policy and trace fields are of that one', async () => {
  const { connect, queue } = scene({ policy });
  const stream = connect(listener, FILTER);
  stream.feed('EHLO filter.example.test\r\n');
  assert.match(
    stream.sent,
    /250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n/,
  );
  stream.feed('XCLIENT NAME=mx.remote.test ADDR=198.51.100.7 PORT=4711\r\n');
  assert.match(stream.sent, /220 mail\.example\.test [^\r]*\r\n$/);
  stream.feed('MAIL FROM:<a@remote.test>\r\n');
  assert.match(stream.sent, /503 [^\r]*\r\n$/, 'the session begins anew');
  await deliver(stream, 'Subject: x\r\n\r\nhello\r\n');
  const [taken] = queue.taken;
  assert.match(
    taken?.content.toString('latin1') ?? '',
    /^Received: from client\.remote\.test \(mx\.remote\.test \[198\.51\.100\.7\]\)/,
  );
});

test('the greeting, the protocol and the login that XCLIENT tells stay, and another XCLIENT forgets them', async () => {
  const { connect, queue } = scene({ policy });
  const stream = connect({ ...listener, profile: 'submission' }, FILTER);
  stream.feed('XCLIENT ADDR=198.51.100.7 HELO=laptop.test PROTO=ESMTP LOGIN=alice@example.test\r\n');
  await deliver(stream, 'Subject: x\r\n\r\nhello\r\n', {
    from: 'alice@example.test',
    to: ['b@elsewhere.test'],
    greet: false,
  });
  const [taken] = queue.taken;
  assert.match(
    taken?.content.toString('latin1') ?? '',
    /^Received: from laptop\.test \(\[198\.51\.100\.7\]\)\r\n\tby mail\.example\.test with ESMTPA /,
  );
  stream.feed('MAIL FROM:<bob@example.test>\r\n');
  assert.match(stream.take(), /553 5\.7\.1|550 5\.7\.1/, 'an account sends in its own name');
  for (const after of ['XCLIENT NAME=x.test HELO=laptop.test', 'XCLIENT LOGIN=[UNAVAILABLE] HELO=laptop.test']) {
    const other = connect({ ...listener, profile: 'submission' }, FILTER);
    other.feed('XCLIENT LOGIN=alice@example.test HELO=laptop.test\r\n');
    other.feed(`${after}\r\n`);
    other.take();
    other.feed('MAIL FROM:<alice@example.test>\r\n');
    assert.match(other.take(), /530 5\.7\.0/, after);
  }
});

test('a client that was named may not name another one, though the host passes on what it says', () => {
  const { connect } = scene({ policy });
  const stream = connect({ xclient: ['10.0.0.6', '10.0.0.7'] }, FILTER);
  for (const another of ['10.0.0.7', '198.51.100.7']) {
    stream.feed(`XCLIENT ADDR=${another}\r\n`);
    assert.match(stream.take(), /220 [^\r]*\r\n$/, 'a trusted host may name another trusted host');
  }
  for (const address of ['192.0.2.7', '10.0.0.6', '[UNAVAILABLE]']) {
    stream.feed(`XCLIENT ADDR=${address}\r\n`);
    assert.match(stream.take(), /^550 5\.7\.0/, address);
  }
  stream.feed('EHLO x.test\r\n');
  assert.doesNotMatch(stream.take(), /XCLIENT/);
});

test('on a submission listener a client of a front host in our networks must log in, and one of our networks behind it need not', () => {
  const ours = { localNetworks: ['10.0.0.0/8', '192.0.2.0/24'] };
  const { connect } = scene({ policy: ours });
  const says = (address: string): string => {
    const stream = connect({ ...listener, profile: 'submission' }, FILTER);
    stream.feed(`XCLIENT ADDR=${address} HELO=x.test\r\n`);
    stream.take();
    stream.feed('MAIL FROM:<a@example.test>\r\n');
    return stream.take();
  };
  assert.match(says('198.51.100.7'), /^530/);
  assert.match(says('[UNAVAILABLE]'), /^530/);
  assert.match(says('192.0.2.7'), /^250/);
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
  // The host itself is never one of too many.
  for (let i = 0; i < 5; i += 1) assert.match(connect(listener, FILTER).sent, /^220/);
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

test('XFORWARD is taken, stands in the timeline of the next message alone, and changes no decision', async () => {
  const { connect, timeline, queue } = scene({ policy });
  const stream = connect(listener, FILTER);
  stream.feed('EHLO filter.example.test\r\nXFORWARD ADDR=192.0.2.7 SOURCE=REMOTE\r\n');
  assert.match(stream.sent, /250 2\.0\.0 OK\r\n$/);
  stream.feed('XFORWARD IDENT=4F2A HELO=far.test\r\n');
  stream.feed('MAIL FROM:<a@remote.test>\r\nRCPT TO:<b@elsewhere.test>\r\n');
  assert.match(stream.sent, /550 5\.7\.1/);
  stream.feed('RCPT TO:<alice@example.test>\r\nDATA\r\n');
  await settled();
  stream.feed('Subject: x\r\n\r\nx\r\n.\r\n');
  await settled();
  await deliver(stream, 'Subject: y\r\n\r\ny\r\n', { greet: false });
  const told = timeline.map((entry) => entry.what === 'received' && [entry.client, entry.forwarded]);
  const forwarded = { address: '192.0.2.7', source: 'REMOTE', ident: '4F2A', helo: 'far.test' };
  assert.deepEqual(told, [
    [FILTER, forwarded],
    [FILTER, undefined],
  ]);
  assert.match(
    queue.taken[0]?.content.toString('latin1') ?? '',
    /^Received: from filter\.example\.test \(\[10\.0\.0\.6\]\)/,
  );
});

test('an unknown client is of no network and no limit, not of those of the trusted host', () => {
  const { connect } = scene({ policy: { ...policy, localNetworks: ['10.0.0.0/8'] } });
  const stream = connect(listener, FILTER);
  stream.feed(
    'XCLIENT ADDR=[UNAVAILABLE]\r\nEHLO x.test\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<b@elsewhere.test>\r\n',
  );
  assert.match(stream.sent, /550 5\.7\.1/);
});

test('the loopback address of a front host that is another host is not of our networks', () => {
  const ours = { localNetworks: ['127.0.0.0/8', '::1'] };
  const says = (front: string, address: string): string => {
    const { connect } = scene({ policy: ours });
    const stream = connect({ xclient: [front] }, front);
    stream.feed(`XCLIENT ADDR=${address} HELO=x.test\r\nMAIL FROM:<a@remote.test>\r\n`);
    stream.take();
    stream.feed('RCPT TO:<b@elsewhere.test>\r\n');
    return stream.take();
  };
  assert.match(says('10.0.0.6', '127.0.0.1'), /^550 5\.7\.1/);
  assert.match(says('10.0.0.6', 'IPV6:::1'), /^550 5\.7\.1/);
  assert.match(says('127.0.0.1', '127.0.0.1'), /^250/, 'a front host on this host speaks of this host');
  const { reception } = scene({ policy: ours });
  const headed = Object.assign(new TextStream('127.0.0.1'), { peer: { address: '10.0.0.5', port: 4711 } });
  reception.accept(headed, { name: 'test', profile: 'mx', tls: 'none', greetingDelay: false });
  headed.feed('EHLO x.test\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<b@elsewhere.test>\r\n');
  assert.match(headed.sent, /550 5\.7\.1 [^\r]*\r\n$/, 'nor is it behind a PROXY header');
});
