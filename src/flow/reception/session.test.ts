import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextStream, deliver, scene, settled } from '../../../test/support/reception.ts';

const MESSAGE = 'From: a@remote.test\r\nSubject: hello\r\n\r\n.dots\r\nbody\r\n';

test('a message arrives, unchanged behind a Received field, and its life begins', async () => {
  const { connect, queue, timeline } = scene();
  const client = connect();
  assert.match(client.take(), /^220 mail\.example\.test ESMTP/);
  const reply = await deliver(client, MESSAGE);
  assert.equal(reply, '250 2.0.0 accepted as 0-1\r\n');
  const [taken] = queue.taken;
  assert.ok(taken);
  assert.equal(taken.original.toString(), MESSAGE);
  assert.match(
    taken.content.toString(),
    /^Received: from client\.remote\.test \(\[198\.51\.100\.7\]\)\r\n\tby mail\.example\.test with ESMTP id 0707070707-1\.1\r\n\tfor <alice@example\.test>;\r\n\t\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\nFrom: a@/,
  );
  assert.deepEqual(taken.message.deliveries, [
    { nextHop: 'local', recipients: [{ mailbox: { localPart: 'alice', domain: 'example.test' } }] },
  ]);
  assert.deepEqual(
    timeline.map((entry) => [
      entry.what,
      entry.queueId,
      entry.what === 'received' && entry.sizeBytes === taken.content.length,
    ]),
    [['received', '0-1', true]],
  );
});

test('a pipelined session in one segment, and in single octets, comes to the same', async () => {
  const dialogue = `EHLO c.test\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n${MESSAGE.replace('\r\n.', '\r\n..')}.\r\nQUIT\r\n`;
  const once = scene();
  const stream = once.connect();
  stream.feed(dialogue);
  await settled();
  const drip = scene();
  const slow = drip.connect();
  for (const octet of Buffer.from(dialogue)) {
    slow.feed(Buffer.from([octet]));
    await settled();
  }
  assert.equal(stream.sent, slow.sent);
  assert.match(stream.sent, /221 2\.0\.0[^\n]*\n$/);
  assert.equal(stream.ended, true);
  assert.equal(once.queue.taken[0]?.content.toString(), drip.queue.taken[0]?.content.toString());
});

test('250 is not said before the commit resolves, and a client that half-closes still gets it', async () => {
  const { connect, queue } = scene();
  let stored: () => void = () => undefined;
  queue.onCommit = () => new Promise<void>((resolve) => (stored = resolve));
  const client = connect();
  assert.equal(await deliver(client, MESSAGE), '');
  client.halfClose();
  assert.equal(client.ended, false);
  stored();
  await settled();
  assert.equal(client.take(), '250 2.0.0 accepted as 0-1\r\n');
  assert.equal(client.ended, true);
});

test('a client that vanishes within mail data leaves nothing', async () => {
  const { connect, queue, reception } = scene();
  const client = connect();
  client.feed('EHLO c\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n');
  await settled();
  client.feed('Subject: x\r\n');
  client.vanish();
  assert.equal(queue.discarded, 1);
  assert.equal(reception.sessions().open, 0);
});

test('back-pressure: a draft that is full stops reading, and its time is not held against the sender', async () => {
  const { connect, queue, clock } = scene();
  queue.roomBytes = 10;
  const client = connect();
  client.feed('EHLO c\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n');
  await settled();
  client.feed('Subject: more than ten octets\r\n\r\n');
  assert.equal(client.paused, true);
  clock.advance(400_000);
  assert.equal(client.ended, false);
  queue.roomBytes = Infinity;
  queue.release?.();
  assert.equal(client.paused, false);
  client.take();
  client.feed('.\r\n');
  await settled();
  assert.match(client.take(), /^250 /);
});

test('a peer that does not read its replies is not read from either', async () => {
  const { connect } = scene();
  const client = connect();
  client.feed('EHLO c\r\n');
  client.stuck = true;
  let segments = 0;
  while (!client.paused && segments < 1000) {
    client.feed(`${'RSET\r\n'.repeat(20)}VRFY x\r\n`);
    segments += 1;
    await settled();
    if (client.ended) break;
  }
  assert.ok(client.paused || client.ended);
  assert.ok(client.pendingBytes < 200_000);
});

test('RFC 5321 §4.5.3.2: silence ends the session with 421 in each phase', async () => {
  const phases: [string, string][] = [
    ['', 'greeting'],
    ['EHLO c\r\n', 'command'],
    ['EHLO c\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject', 'data'],
  ];
  for (const [said, phase] of phases) {
    const { connect, clock, reception } = scene();
    const client = connect();
    client.feed(said);
    await settled();
    clock.advance(290_000);
    assert.equal(client.ended, false, phase);
    client.take();
    clock.advance(13_000);
    assert.match(client.take(), /^421 /, phase);
    assert.equal(client.ended, true, phase);
    clock.advance(10_000);
    assert.equal(client.destroyed, true, phase);
    assert.equal(reception.sessions().open, 0);
    assert.equal(clock.timers, 0, 'no timer is left');
  }
});

test('a tarpit that sends an octet a minute is ended: commands buy time only whole, mail data only fast enough', async () => {
  const { connect, clock } = scene();
  const commands = connect();
  const content = connect();
  content.feed('EHLO c\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n');
  await settled();
  for (let minute = 0; minute < 8; minute += 1) {
    clock.advance(60_000);
    commands.feed('N');
    content.feed('x');
  }
  assert.equal(commands.ended, true);
  assert.equal(content.ended, true);
});

test('a session that lasts too long ends, but not within mail data that comes fast enough', async () => {
  const { connect, clock } = scene({ reception: { messageSizeMax: 50 * 1024 ** 2 } });
  const idle = connect();
  idle.feed('EHLO c\r\n');
  for (let minute = 0; minute < 130 && !idle.ended; minute += 1) {
    clock.advance(60_000);
    if (minute % 4 === 0) idle.feed('RSET\r\n');
  }
  assert.match(idle.sent, /421 /);
});

test('Q140975: storage that fails is 4xx, with its errno in an event, and the message is not acknowledged', async () => {
  for (const [code, expected] of [
    ['EXDEV', /^451 4\.3\.0/],
    ['EACCES', /^451 4\.3\.0/],
    ['EEXIST', /^451 4\.3\.0/],
    ['ENOSPC', /^452 4\.3\.1/],
  ] as const) {
    const { connect, queue, events, timeline } = scene();
    queue.onCommit = () => Promise.reject(Object.assign(new Error('no'), { code }));
    const client = connect();
    assert.match(await deliver(client, MESSAGE), expected);
    assert.equal(events.find(({ name }) => name === 'reception.message-not-stored')?.data['errno'], code);
    assert.equal(timeline.length, 0);
    queue.onCommit = () => Promise.resolve();
    assert.match(await deliver(client, MESSAGE, { greet: false }), /^250 /);
  }
});

test('a draft that fails while content comes refuses the message at its end', async () => {
  const { connect, queue } = scene();
  queue.roomBytes = 1;
  const client = connect();
  client.feed('EHLO c\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n');
  await settled();
  client.take();
  client.feed('Subject: x\r\n\r\n');
  queue.release?.(Object.assign(new Error('disk'), { code: 'EIO' }));
  client.feed('more\r\n.\r\n');
  await settled();
  assert.match(client.take(), /^451 4\.3\.0/);
  assert.equal(queue.taken.length, 0);
});

test('below the disk floor MAIL is answered as the queue says', async () => {
  const { connect, queue } = scene();
  const client = connect();
  client.feed('EHLO c\r\n');
  client.take();
  queue.state = { accepting: false, reply: { code: 452, detail: '3.1', text: ['no space'] } };
  client.feed('MAIL FROM:<a@remote.test>\r\n');
  assert.equal(client.take(), '452 4.3.1 no space\r\n');
});

test('a bug ends one session with 421 and an event, and no other', async () => {
  const { connect, queue, events } = scene();
  const good = connect();
  const bad = connect();
  const { begin } = queue;
  queue.begin = () => {
    throw new TypeError('impossible');
  };
  bad.feed('EHLO c\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n');
  await settled();
  assert.match(bad.take(), /421 4\.3\.0[^\n]*\n$/);
  assert.equal(bad.ended, true);
  assert.ok(events.some(({ name }) => name === 'reception.session-broken'));
  queue.begin = begin.bind(queue);
  good.take();
  assert.match(await deliver(good, MESSAGE), /^250 /);
});

test('STARTTLS: the login belongs to the session after it, and Received says ESMTPSA with the version', async () => {
  const { connect, queue } = scene();
  const client = connect({ profile: 'submission' });
  client.feed('EHLO c.test\r\nSTARTTLS\r\n');
  await settled();
  assert.match(client.take(), /220 2\.0\.0[^\n]*\n$/);
  const login = Buffer.from('\0me@example.test\0secret').toString('base64');
  client.feed(`EHLO c.test\r\nAUTH PLAIN ${login}\r\n`);
  await settled();
  assert.match(client.take(), /235 2\.7\.0/);
  assert.match(
    await deliver(client, MESSAGE, { from: 'me@example.test', to: ['bob@far.test'], greet: false }),
    /^250 /,
  );
  assert.match(
    queue.taken[0]?.content.toString() ?? '',
    /with ESMTPSA \(TLSv1\.3\) id [^;]*\ttls TLS_AES_256_GCM_SHA384;/,
  );
  assert.equal(queue.taken[0]?.message.deliveries[0]?.nextHop, 'mx:far.test');
});

test('implicit TLS: the banner follows the handshake; a failed one ends the session with an event', async () => {
  const { connect, events, reception } = scene();
  const good = connect({ tls: 'implicit' });
  assert.equal(good.take(), '');
  await settled();
  assert.match(good.take(), /^220 /);
  const bad = new TextStream();
  bad.handshake = () => Promise.reject(new Error('no shared cipher'));
  reception.accept(bad, { name: 'smtps', profile: 'submission', tls: 'implicit', greetingDelay: false });
  await settled();
  assert.equal(bad.destroyed, true);
  assert.equal(reception.sessions().open, 1);
  assert.equal(events.find(({ name }) => name === 'reception.tls-failed')?.data['why'], 'no shared cipher');
});

test('a PROXY header that nobody expects is told once for its sender', async () => {
  const { connect, events } = scene();
  const told = (): unknown[] =>
    events.filter(({ name }) => name === 'reception.proxy-header-unexpected').map(({ data }) => data['version']);
  for (let i = 0; i < 3; i += 1) connect().feed('PROXY TCP4 203.0.113.7 192.0.2.10 40000 25\r\nEHLO c.test\r\n');
  assert.deepEqual(told(), [1]);
  const second = scene();
  second.connect().feed('\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c');
  await settled();
  assert.deepEqual(
    second.events.filter(({ name }) => name === 'reception.proxy-header-unexpected').map(({ data }) => data['version']),
    [2],
  );
});

test('wrong passwords are answered late, and the third ends the session', async () => {
  const { connect, clock, events } = scene();
  const client = connect({ profile: 'submission', tls: 'implicit' });
  await settled();
  client.feed('EHLO c.test\r\n');
  client.take();
  const login = Buffer.from('\0me@example.test\0guess').toString('base64');
  const answers: string[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    client.feed(`AUTH PLAIN ${login}\r\n`);
    await settled();
    assert.equal(client.take(), '');
    clock.advance(3000);
    await settled();
    answers.push(client.take().slice(0, 9));
  }
  assert.deepEqual(answers, ['535 5.7.8', '535 5.7.8', '421 4.7.0']);
  assert.equal(client.ended, true);
  assert.equal(events.filter(({ name }) => name === 'policy.login-refused').length, 3);
});

test('a client that talks before a delayed greeting is refused; a patient one is served', async () => {
  const { connect, clock } = scene();
  const hasty = connect({ greetingDelay: true });
  hasty.feed('EHLO c\r\n');
  assert.match(hasty.take(), /^554 5\.5\.1/);
  assert.equal(hasty.ended, true);
  const patient = connect({ greetingDelay: true });
  assert.equal(patient.take(), '');
  clock.advance(4000);
  assert.match(patient.take(), /^220 /);
});

test('LMTP: one reply for each accepted recipient, and only for mailboxes of ours', async () => {
  const { connect, queue } = scene({
    addresses: { 'alice@example.test': ['alice@example.test'], 'bob@example.test': ['bob@example.test'] },
  });
  const client = connect({ profile: 'lmtp', tls: 'none' });
  client.feed(
    'LHLO local\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<x@remote.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n',
  );
  await settled();
  assert.match(client.take(), /550 5\.7\.1/);
  client.feed('Subject: x\r\n\r\n.\r\n');
  await settled();
  assert.match(client.take(), /^250 2\.\d\.\d [^\n]*\n250 2\.\d\.\d [^\n]*\n$/);
  assert.match(queue.taken[0]?.content.toString() ?? '', /with LMTP id/);
  assert.doesNotMatch(queue.taken[0]?.content.toString() ?? '', /for </);
});
