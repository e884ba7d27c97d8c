import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ehlo } from '../support/scripted-peer.ts';
import { Client, statusOf } from './client.ts';
import { type Raw, startPeer } from './peer.ts';
import { arrived, OURS, STRANGER, Town, until } from './town.ts';

const PLAIN = ehlo(['STARTTLS']);
const TEXT = 'From: a@far.test\r\nSubject: x\r\n\r\nx\r\n';
let town: Town;

before(async () => {
  town = await Town.found({
    delivery: '  timeouts: { greeting: 1s }\n',
    routing: ({ peerPort }) => `  smartHosts:
    literal: { hosts: [{ host: 127.0.1.200, port: ${peerPort} }], tls: none }
    digits: { hosts: [{ host: 3com.test, port: ${peerPort} }], tls: none }
  addressSpaces:
    - { match: literal.test, via: literal }
    - { match: digits.test, via: digits }
`,
  });
});
after(() => town.leave());

const sendTo = async (to: string): Promise<void> => {
  assert.match(await town.send({ from: 'a@example.test', to: [to], content: TEXT }), /^250/);
};

test('Q166604, Q182821, Q169781: a host that takes the connection and is no mail server leaves the mail to the next in the same attempt', async () => {
  const bad: Readonly<Record<string, Raw>> = {
    closes: (socket) => socket.end(),
    busy: (socket) => socket.end('421 4.3.2 not now\r\n'),
    garbage: (socket) => socket.write('\0\xff\x01 nothing\r\n'),
    silent: () => undefined,
  };
  for (const [name, raw] of Object.entries(bad)) {
    const first = await town.host(raw, `${name}.test`);
    const second = await town.host({ EHLO: PLAIN }, `${name}.test`);
    await sendTo(`x@${name}.test`);
    await arrived(second);
    assert.ok(first.callers.length > 0, name);
    assert.deepEqual((await town.queue('--domain', `${name}.test`)).rows, [], name);
  }
});

test('Q190026: an attempt that ends before the greeting is told with its stage in the queue', async () => {
  await town.host((socket) => socket.end(), 'mute.test');
  await sendTo('x@mute.test');
  const row = await town.waiting('mute.test', ({ attempts }) => attempts > 0);
  assert.match(row.recipients?.[0]?.lastReply?.text.join(' ') ?? '', /greeting/i);
  const shown = await town.service.ims('queue', 'show', row.queueId);
  assert.match(shown.stdout, /greeting/i);
});

test('Q146677: host names that begin with a digit greet, are routed to, and receive', async () => {
  const host = await town.host({ EHLO: PLAIN });
  town.zone(`3com.test A ${host.address}`, `4you.test MX 10 3com.test`);
  const client = await Client.open(town.port, OURS);
  assert.match(await client.say('EHLO 3com.test'), /^250/);
  assert.match(await client.send({ from: 'a@9.test', to: ['x@digits.test', 'x@4you.test'], content: TEXT }), /^250/);
  client.close();
  await arrived(host, 2);
});

test('Q194742: literals of both families are read, and the decimal form is refused', async () => {
  const client = await Client.open(town.port, OURS);
  await client.say('MAIL FROM:<a@far.test>');
  assert.deepEqual(
    await client.codes(
      'RCPT TO:<u@[192.0.2.1]>',
      'RCPT TO:<u@[IPv6:2001:db8::1]>',
      'RCPT TO:<u@#123>',
      'RCPT TO:<u@[300.0.0.1]>',
    ),
    ['250 2.1.5', '250 2.1.5', '501 5.1.3', '501 5.1.3'],
  );
  client.close();
});

test('Q228998: a domain that ends with a space is refused, however it is written', async () => {
  const client = await Client.open(town.port, OURS);
  await client.say('MAIL FROM:<a@far.test>');
  for (const path of ['<u0@example.test >', '<u0@example.test\t>', '<"u0@example.test ">', '<u0@"example.test ">']) {
    const status = statusOf(await client.say(`RCPT TO:${path}`));
    assert.match(status, /^5(?:00 5\.5\.2|01 5\.1\.3|01 5\.5\.4|50 5\.1\.1)$/, path);
  }
  assert.equal(statusOf(await client.say('RCPT TO:<u0@example.test>')), '250 2.1.5');
  client.close();
});

test('Q245740: fifty messages at once to a literal address arrive, each once', async () => {
  const literal = await startPeer('127.0.1.200', town.peerPort, { EHLO: PLAIN });
  try {
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        town.send({ from: 'a@example.test', to: [`x${n}@literal.test`], content: `Subject: n${n}\r\n\r\nx\r\n` }),
      ),
    );
    const contents = await arrived(literal, 50, 30_000);
    const subjects = contents.map((content) => /Subject: (n\d+)/.exec(content.toString())?.[1]);
    assert.equal(new Set(subjects).size, 50);
    assert.equal(subjects.length, 50);
  } finally {
    await literal.close();
  }
});

test('Q309685: addresses that change between attempts are simply those of the next attempt', async () => {
  const old = await town.host({ RCPT: '450 4.2.1 later' });
  const fresh = await town.host({ EHLO: PLAIN });
  town.zone('changing.test 1 MX 10 mx.changing.test', `mx.changing.test 1 A ${old.address}`);
  await sendTo('x@changing.test');
  await town.waiting('changing.test', ({ attempts }) => attempts > 0);
  const others = Array.from({ length: 30 }, (_, n) => `mx${n}.changing.test 1 A 127.0.3.${n + 1}`);
  town.zone('changing.test 1 MX 5 new.changing.test', `new.changing.test 1 A ${fresh.address}`, ...others);
  await until(() => (fresh.contents.length === 1 ? true : undefined), 'the message at the new host', 20_000);
});

test('Q267245: one host without an answer and one that refuses: the mail waits, and nobody is told that it failed', async () => {
  const refusing = await town.host({ greeting: '554 5.7.1 not you' });
  town.zone(
    'partly.test MX 10 broken.partly.test',
    'broken.partly.test SERVFAIL',
    'partly.test MX 20 refusing.partly.test',
    `refusing.partly.test A ${refusing.address}`,
  );
  await sendTo('x@partly.test');
  const row = await town.waiting('partly.test', ({ attempts }) => attempts > 0);
  assert.equal(row.recipients?.[0]?.state, 'waiting');
});

test('Q258745, Q326322: a name service that is silent delays no banner, and no name of the client comes into a reply beyond its bounds', async () => {
  town.dns.fail('SILENT');
  try {
    const asked = town.dns.asked.length;
    const started = performance.now();
    const client = await Client.dial(town.port, STRANGER);
    assert.match(await client.reply(), /^220 /);
    assert.ok(performance.now() - started < 1000, 'the banner comes at once');
    const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(58)}.test`;
    const reply = await client.say(`EHLO ${long}`);
    assert.match(reply, /^250/);
    for (const line of reply.split('\r\n')) assert.ok(line.length <= 510, line);
    client.close();
    const questions = town.dns.asked.slice(asked).filter((question) => / PTR$/.test(question));
    assert.deepEqual(questions, [], 'the name of an address is not looked up, so none can harm');
  } finally {
    town.dns.fail(undefined);
  }
});
