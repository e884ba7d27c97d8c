/** Cases of the original service that a session decides as a whole: content that passes unchanged, and dialogues. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contents } from '../../../test/original/contents.ts';
import { deliver, scene, settled } from '../../../test/support/reception.ts';
import type { SceneOptions, TextStream } from '../../../test/support/reception.ts';

for (const [id, content] of Object.entries(contents)) {
  test(`${id}: content passes octet for octet`, async () => {
    const { connect, queue } = scene();
    assert.match(await deliver(connect(), content), /^250 2\.0\.0/);
    const [taken] = queue.taken;
    assert.ok(taken);
    const octets = Buffer.isBuffer(content) ? content : Buffer.from(content);
    assert.ok(taken.original.equals(octets));
    assert.ok(taken.content.subarray(-octets.length).equals(octets));
    // A content that is all body gets the empty line that it lacks.
    const trace = taken.content
      .subarray(0, -octets.length)
      .toString()
      .replace(/\r\n\r\n$/, '\r\n');
    assert.match(trace, /^Received: [^\r]*\r\n\t[^\r]*\r\n\t[^\r]*\r\n\t[^\r]*\r\n$/);
  });
}

test('Q301690: a header of binary garbage or without colons passes unchanged; one of a megabyte is refused, not fatal', async () => {
  const { connect, queue } = scene();
  const client = connect();
  const garbage = Buffer.from(
    `\x01\x02\xff\xfe no colon\r\n: nothing\r\n\ttab\r\n${'z'.repeat(900)}\r\nSubject x\r\n\r\nbody\r\n`,
    'latin1',
  );
  assert.match(await deliver(client, garbage), /^250 /);
  assert.ok(queue.taken[0]?.content.subarray(-garbage.length).equals(garbage));
  const folded = `Subject: x${'\r\n y'.repeat(350_000)}\r\n\r\n`;
  assert.match(await deliver(client, folded, { greet: false }), /^552 5\.3\.4/);
  assert.match(await deliver(client, 'Subject: fine\r\n\r\n', { greet: false }), /^250 /);
});

test('Q182827: one line of 3 MB in the body passes in linear time', async () => {
  const { connect, queue } = scene();
  const content = `Subject: x\r\n\r\n${'p'.repeat(3 * 1024 ** 2)}\r\n`;
  assert.match(await deliver(connect(), content), /^250 /);
  assert.equal(queue.taken[0]?.original.length, content.length);
});

test('4098: more hops than allowed is 554 5.4.6 with the event', async () => {
  const { connect, events } = scene();
  assert.match(await deliver(connect(), `${'Received: x\r\n'.repeat(51)}\r\n`), /^554 5\.4\.6/);
  assert.ok(events.some(({ name }) => name === 'reception.hops-exceeded'));
});

/** Says lines one by one and returns the last line of each reply, cut after the enhanced status. */
async function say(client: TextStream, ...lines: string[]): Promise<string[]> {
  const answers: string[] = [];
  for (const line of lines) {
    client.take();
    client.feed(`${line}\r\n`);
    await settled();
    answers.push(/(\d{3}(?: \d\.\d+\.\d+)?)[^\n]*\r\n$/.exec(client.take())?.[1] ?? '');
  }
  return answers;
}

async function greeted(options: SceneOptions = {}): Promise<TextStream> {
  const client = scene(options).connect();
  await say(client, 'EHLO c.test');
  return client;
}

test('Q140940: the route of a source route is ignored, relay is decided on the mailbox', async () => {
  const client = await greeted();
  assert.deepEqual(
    await say(
      client,
      'MAIL FROM:<@a.test,@b.test:x@remote.test>',
      'RCPT TO:<@relay.test,@x.test:alice@example.test>',
      'RCPT TO:<@example.test:user@remote.test>',
    ),
    ['250 2.1.0', '250 2.1.5', '550 5.7.1'],
  );
});

test('Q146567, Q152930: names and local parts beyond the limits are refused with the right detail', async () => {
  const client = await greeted();
  const longName = `${'a'.repeat(60)}.`.repeat(5);
  assert.deepEqual(
    await say(
      client,
      `MAIL FROM:<x@${longName}test>`,
      `MAIL FROM:<x@${'a'.repeat(64)}.test>`,
      `MAIL FROM:<${'l'.repeat(65)}@a.test>`,
    ),
    ['501 5.1.7', '501 5.1.7', '501 5.1.7'],
  );
  assert.deepEqual(
    await say(
      client,
      `MAIL FROM:<${'l'.repeat(64)}@a.test>`,
      `RCPT TO:<x@${longName}test>`,
      `RCPT TO:<x@${'a'.repeat(64)}.test>`,
    ),
    ['250 2.1.0', '501 5.1.3', '501 5.1.3'],
  );
});

test('Q152930: a message without From and with a long reverse-path is taken', async () => {
  const { connect, queue } = scene();
  assert.match(await deliver(connect(), 'Subject: x\r\n\r\n', { from: `${'l'.repeat(64)}@remote.test` }), /^250 /);
  assert.doesNotMatch(queue.taken[0]?.content.toString() ?? '', /From:/);
});

test('Q152944: LF.LF, CR.CR and mixtures never end a message, and such a message is refused', async () => {
  for (const end of ['\n.\n', '\r.\r', '\n.\r\n', '\r\n.\n', '\r.\r\n', '\r\n.\r', '\r\n\0.\r\n']) {
    const { connect, queue } = scene();
    const client = connect();
    await say(client, 'EHLO c', 'MAIL FROM:<a@remote.test>', 'RCPT TO:<alice@example.test>', 'DATA');
    client.feed(
      `Subject: x\r\n\r\nbody${end}MAIL FROM:<evil@remote.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nx`,
    );
    await settled();
    assert.equal(client.take(), '', JSON.stringify(end));
    client.feed('\r\n.\r\n');
    await settled();
    const reply = client.take();
    assert.equal(reply.split('\r\n').length, 2, JSON.stringify(end));
    if (end.includes('\0')) continue;
    assert.match(reply, /^5\d\d /);
    assert.equal(queue.taken.length, 0);
  }
});

test('Q169174: lines of 1 KB, 10 KB and 1 MB are refused, their rest dropped, and the endless one ends the session', async () => {
  const { connect } = scene();
  const client = connect();
  assert.deepEqual(
    await say(client, 'EHLO c', `RCPT TO:<${'a'.repeat(20_000)}@x.test>`, `MAIL FROM:<${'a'.repeat(20_000)}>`, 'NOOP'),
    ['250 2.0.0', '500 5.5.2', '500 5.5.2', '250 2.0.0'].map((expected, index) => (index === 0 ? '250' : expected)),
  );
  client.take();
  for (let count = 0; count < 256 && !client.ended; count += 1) client.feed('a'.repeat(4096));
  await settled();
  assert.match(client.take(), /421 |500 /);
  assert.equal(client.ended, true);
});

test('Q175842, Q202765, Q297269: verbs not offered, a second MAIL, a second EHLO', async () => {
  const client = await greeted();
  assert.deepEqual(
    await say(
      client,
      'EXPN x',
      'VRFY alice',
      'TURN',
      'NOOP',
      'BOGUS',
      'MAIL FROM:<a@remote.test>',
      'MAIL FROM:<b@remote.test>',
    ),
    ['502 5.5.1', '252 2.0.0', '502 5.5.1', '250 2.0.0', '500 5.5.2', '250 2.1.0', '503 5.5.1'],
  );
  const after = await say(
    client,
    'EHLO again',
    'RCPT TO:<alice@example.test>',
    'RSET',
    'EHLO c',
    'MAIL FROM:<a@remote.test>',
  );
  assert.deepEqual(
    [after[0]?.slice(0, 3), after[1], after[2], after[3]?.slice(0, 3), after[4]],
    ['250', '503 5.5.1', '250 2.0.0', '250', '250 2.1.0'],
  );
});

test('Q188341: AUTH with too much, with nonsense, twice, and within mail data', async () => {
  const { connect, clock } = scene();
  const client = connect({ profile: 'submission', tls: 'implicit' });
  await settled();
  await say(client, 'EHLO c');
  const [nonsense, huge] = await say(client, 'AUTH PLAIN !!!', `AUTH PLAIN ${'A'.repeat(100_000)}`);
  assert.equal(nonsense, '501 5.5.2');
  assert.match(huge ?? '', /^(500 5\.5\.\d|421 4\.7\.0)/);
  const second = scene().connect({ profile: 'submission', tls: 'implicit' });
  await settled();
  const login = `AUTH PLAIN ${Buffer.from('\0me@example.test\0secret').toString('base64')}`;
  await say(second, 'EHLO c');
  assert.deepEqual(await say(second, login, login, 'MAIL FROM:<me@example.test>', login), [
    '235 2.7.0',
    '503 5.5.1',
    '250 2.1.0',
    '503 5.5.1',
  ]);
  assert.ok(clock.timers >= 0);
});

test('Q197976, Q244346, Q245041, Q304897: recipients are decided at RCPT', async () => {
  const client = await greeted();
  const answers = await say(
    client,
    'MAIL FROM:<a@remote.test>',
    ...[
      'nobody@example.test',
      'user%remote.test@example.test',
      '"user@remote.test"@example.test',
      'remote.test!user@example.test',
      'user@remote.test',
      '"user%remote.test"',
      'p@example.test',
      'PostMaster',
      'postmaster@hosted.test',
    ].map((one) => `RCPT TO:<${one}>`),
  );
  assert.deepEqual(
    answers.map((answer) => answer.slice(0, 3)),
    ['250', '550', '550', '550', '550', '550', '501', '550', '250', '250'],
  );
});

test('Q257264: SIZE is announced exactly; N octets pass, N + 1 do not, and SIZE= is refused at MAIL', async () => {
  const options = { reception: { messageSizeMax: 100_000 } };
  const { connect, queue } = scene(options);
  const client = connect();
  client.feed('EHLO c\r\n');
  assert.match(client.take(), /250[- ]SIZE 100000\r\n/);
  assert.deepEqual(
    await say(client, 'MAIL FROM:<a@remote.test> SIZE=100001', 'MAIL FROM:<a@remote.test> SIZE=100000', 'RSET'),
    ['552 5.3.4', '250 2.1.0', '250 2.0.0'],
  );
  const ofSize = (size: number): string => {
    const head = 'Subject: x\r\n\r\n';
    const line = `${'y'.repeat(98)}\r\n`;
    const body = line.repeat(Math.floor((size - head.length) / 100) - 1);
    return `${head}${body}${'z'.repeat(size - head.length - body.length - 2)}\r\n`;
  };
  assert.match(await deliver(client, ofSize(100_000), { greet: false }), /^250 /);
  assert.equal(queue.taken[0]?.original.length, 100_000);
  for (const size of [100_001, 101_023])
    assert.match(await deliver(client, ofSize(size), { greet: false }), /^552 5\.3\.4/);
  assert.equal(queue.taken.length, 1);
});
