import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { ehlo } from '../support/scripted-peer.ts';
import { Client } from './client.ts';
import type { PeerHost } from './peer.ts';
import { OURS, arrived, STRANGER, Town, until } from './town.ts';

const PLAIN = ehlo(['STARTTLS', 'SIZE']);
const TEXT = 'From: a@far.test\r\nSubject: x\r\n\r\nx\r\n';
let town: Town;
let ten: PeerHost;

before(async () => {
  town = await Town.found({
    delivery: '  timeouts: { connect: 2s, idle: 3s }\n',
    policy: `  etrn: { hosts: [${STRANGER}/32] }\n`,
    routing: ({ peerPort }) => `  relayDomains: [etrn.test]
  smartHosts:
    ten: { hosts: [{ host: ten.hosts.test, port: ${peerPort} }], tls: none }
    refusing: { hosts: [{ host: refusing.hosts.test, port: ${peerPort} }], tls: none }
    three:
      hosts:
        - { host: 127.0.2.1, port: ${peerPort} }
        - { host: three-a.hosts.test, port: ${peerPort} }
        - { host: three-b.hosts.test, port: ${peerPort} }
      tls: none
  addressSpaces:
    - { match: etrn.test, via: hold }
    - { match: '*.ten.test', via: ten }
    - { match: refusing.test, via: refusing }
    - { match: three.test, via: three }
`,
  });
});
after(() => town.leave());

/** Sends as a mailbox of ours, so that reports come back into it. */
async function sendFrom(to: string, content: string | Buffer = TEXT, mail = ''): Promise<string> {
  const mailbox = town.mailbox();
  assert.match(await town.send({ from: `${mailbox}@example.test`, to: [to], content, mail }), /^250/);
  return mailbox;
}

test('Q100352: a host that hangs up on EHLO gets HELO on a new connection, and is remembered', async () => {
  const host = await town.host({ EHLO: 'hang-up' }, 'old.test');
  await sendFrom('x@old.test');
  await arrived(host);
  await new Promise((resolve) => setTimeout(resolve, 3500)); // past the time that the connection is kept for more
  await sendFrom('x@old.test');
  await arrived(host, 2);
  assert.deepEqual(
    host.sessions.map(({ commands }) => commands[0]?.slice(0, 4)),
    ['EHLO', 'HELO', 'HELO'],
  );
  const polite = await town.host({ EHLO: '550 what?' }, 'impolite.test');
  await sendFrom('x@impolite.test');
  await arrived(polite);
  assert.deepEqual(
    polite.commands.slice(0, 2).map((line) => line.slice(0, 4)),
    ['EHLO', 'HELO'],
  );
  assert.equal(polite.sessions.length, 1);
});

test('Q146993: a content without a last line end, or ending in a dot or an equals sign, still ends with CRLF.CRLF', async () => {
  const host = await town.host({ EHLO: PLAIN }, 'ends.test');
  const client = await Client.open(town.port, OURS);
  const ends = ['no line end', 'a line\r\n.', 'quoted=', '\r', '.'].filter((end) => end !== '\r');
  for (const [n, end] of ends.entries()) {
    assert.match(
      await client.send({
        from: 'a@far.test',
        to: ['x@ends.test'],
        content: `Subject: x\r\n\r\n${end}`,
        chunked: true,
      }),
      /^250/,
    );
    const wire = (await arrived(host, n + 1))[n]?.toString() ?? '';
    const last = end.split('\r\n').at(-1) ?? '';
    assert.ok(wire.endsWith(`${last.startsWith('.') ? `.${last}` : last}\r\n`), JSON.stringify(end));
  }
  assert.match(await client.send({ from: 'a@far.test', to: ['x@ends.test'], content: TEXT }), /^250/);
  await arrived(host, ends.length + 1);
  client.close();
});

/** A server that takes everything up to DATA and then refuses while the content comes. */
const refusingWithin =
  (after: 'closes' | 'stays', seen: { octets: number; closed: boolean }) =>
  (socket: Socket): void => {
    socket.write('220 peer\r\n');
    let data = false;
    socket.on('close', () => (seen.closed = true));
    socket.on('data', (chunk: Buffer) => {
      if (data) {
        if (seen.octets === 0)
          socket.write('552 5.3.4 far too big\r\n', () => (after === 'closes' ? socket.destroy() : undefined));
        seen.octets += chunk.length;
        return;
      }
      for (const line of chunk.toString().split('\r\n').slice(0, -1)) {
        if (line.startsWith('EHLO')) socket.write('250 peer\r\n');
        else if (line === 'DATA') {
          data = true;
          socket.write('354 go\r\n');
        } else socket.write('250 ok\r\n');
      }
    });
  };

test('Q152940: a refusal while the content is being sent is heard: sending stops, the mail is returned, the socket closed', async () => {
  const octets = 20 * 1024 ** 2;
  const content = Buffer.from(`Subject: x\r\n\r\n${`${'y'.repeat(998)}\r\n`.repeat(octets / 1000)}`);
  for (const after of ['stays', 'closes'] as const) {
    const seen = { octets: 0, closed: false };
    await town.host(refusingWithin(after, seen), `big-${after}.test`);
    const mailbox = await sendFrom(`x@big-${after}.test`, content);
    const [report] = await town.mail(mailbox);
    assert.match(report?.toString() ?? '', /Status: 5\.3\.4/);
    await until(() => (seen.closed ? true : undefined), 'the end of the connection');
    assert.ok(seen.octets < octets / 2, `${seen.octets} octets were sent after the refusal`);
  }
});

test('Q158318: mail that waited in the queue goes at the start, and the time of the next attempt is shown', async () => {
  let silent = true;
  const host = await town.host({ greeting: () => (silent ? 'silence' : '220 peer') }, 'atstart.test');
  const later = await town.host({ RCPT: '450 4.2.0 later' }, 'later.test');
  await sendFrom('x@atstart.test');
  await sendFrom('x@later.test');
  await until(() => (host.sessions.length > 0 && later.sessions.length > 1 ? true : undefined), 'the first attempts');
  town.service.kill('SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 200));
  silent = false;
  const began = performance.now();
  await town.service.restart();
  await arrived(host);
  assert.ok(performance.now() - began < 10_000);
  const row = await town.waiting('later.test', ({ attempts }) => attempts > 0);
  assert.ok(row.dueAtMs > Date.now() - 60_000);
  assert.equal(row.recipients?.[0]?.lastReply?.code, 450);
});

test('Q159209: mail that comes while a connection is open goes over it', async () => {
  const host = await town.host({ EHLO: PLAIN }, 'open.test');
  await sendFrom('x@open.test');
  await arrived(host);
  await sendFrom('y@open.test');
  await arrived(host, 2);
  assert.equal(host.sessions.length, 1);
});

test('Q173903: every listener and every route has the port that it is given', async () => {
  assert.notEqual(town.port, 25);
  ten = await town.host({ EHLO: PLAIN });
  town.zone(`ten.hosts.test A ${ten.address}`);
  await sendFrom('x@port.ten.test');
  await arrived(ten);
  assert.equal(ten.port, town.peerPort);
});

test('Q174035: one message to ten domains behind one smart host is one transaction', async () => {
  const mailbox = town.mailbox();
  const to = Array.from({ length: 10 }, (_, n) => `x@d${n}.ten.test`);
  assert.match(await town.send({ from: `${mailbox}@example.test`, to, content: TEXT }), /^250/);
  await arrived(ten, 2);
  assert.equal((await town.queue()).rows.filter(({ nextHop }) => nextHop === 'host:ten').length, 0);
  assert.equal(ten.contents.length, 2);
  assert.equal(ten.commands.filter((line) => /^RCPT TO:<x@d\d\.ten\.test>/.test(line)).length, 10);
});

test('Q175494: ETRN lets held mail go, from hosts that may ask, and the result is in the timeline', async () => {
  const host = await town.host({ EHLO: PLAIN }, 'etrn.test');
  await sendFrom('x@etrn.test');
  await town.waiting('etrn.test', ({ nextHop }) => nextHop === 'held:etrn.test');
  const stranger = await Client.open(town.port, OURS);
  assert.match((await stranger.codes('ETRN etrn.test'))[0] ?? '', /^459/);
  const client = await Client.open(town.port, STRANGER);
  assert.match((await client.codes('ETRN other.test'))[0] ?? '', /^459/);
  assert.match((await client.codes('ETRN etrn.test'))[0] ?? '', /^25[0-3]/);
  await arrived(host);
  const trace = await until(async () => {
    const { stdout } = await town.service.ims('trace', 'x@etrn.test');
    return /delivered/.test(stdout) ? stdout : undefined;
  }, 'its timeline');
  assert.match(trace, /queued as/);
  stranger.close();
  client.close();
});

test('Q191261: a smart host that refuses to relay gets the mail kept, with an event, instead of everything returned', async () => {
  const host = await town.host({ RCPT: '550 5.7.1 we do not relay' });
  town.zone(`refusing.hosts.test A ${host.address}`);
  for (let n = 0; n < 3; n += 1) await sendFrom('x@refusing.test');
  const event = await town.service.seen(3352);
  assert.match(event.text, /we do not relay/);
  const row = await town.waiting('refusing.test', ({ attempts }) => attempts > 0);
  assert.equal(row.recipients?.[0]?.lastReply?.code, 451);
  assert.equal((await town.queue('--domain', 'refusing.test')).total, 3);
});

test('Q197142: a host that hangs up on EHLO and on HELO is passed over for the next', async () => {
  const bad = await town.host({ EHLO: 'hang-up', HELO: 'hang-up' }, 'hanging.test');
  const good = await town.host({ EHLO: PLAIN }, 'hanging.test');
  await sendFrom('x@hanging.test');
  await arrived(good);
  assert.deepEqual(
    bad.commands.map((line) => line.slice(0, 4)),
    ['EHLO', 'HELO'],
  );
});

test('Q202765: 503 to the second MAIL of a session means a new connection or a later try, never a return', async () => {
  let mails = 0;
  const host = await town.host(
    {
      MAIL: () => {
        mails += 1;
        return mails === 2 ? '503 5.5.1 sender already specified' : '250 2.1.0 ok';
      },
    },
    'second.test',
  );
  const first = await sendFrom('x@second.test');
  await arrived(host);
  const second = await sendFrom('y@second.test');
  await arrived(host, 2);
  assert.ok(first !== second);
  await assert.rejects(town.mail(second, 1, 300));
});

test('Q214407: replies against the protocol make an attempt fail for now, and the next host gets the mail', async () => {
  const replies: Readonly<Record<string, string>> = {
    short: '25 ok',
    nul: '2\0\x0050 ok',
    mixed: '250-one\r\n251 two',
    endless: `220 ${'x'.repeat(1_000_000)}`,
    words: 'hello there',
  };
  for (const [name, reply] of Object.entries(replies)) {
    const bad = await town.host(
      name === 'endless' || name === 'words' ? { greeting: reply } : { EHLO: reply, HELO: reply },
      `${name}.test`,
      `${name}-only.test`,
    );
    const good = await town.host({ EHLO: PLAIN }, `${name}.test`);
    await sendFrom(`x@${name}.test`);
    await arrived(good);
    assert.ok(bad.sessions.length > 0, name);
    await sendFrom(`x@${name}-only.test`);
    const row = await town.waiting(`${name}-only.test`, ({ attempts }) => attempts > 0);
    const said = row.recipients?.[0]?.lastReply;
    assert.equal(`${said?.code} ${said?.detail}`, '451 5.0', name);
  }
});

test('Q228725: a host that drops the connection after the content is tried again with growing pauses', async () => {
  const times: number[] = [];
  await town.host(
    {
      end: () => {
        times.push(performance.now());
        return 'hang-up';
      },
    },
    'dropping.test',
  );
  await sendFrom('x@dropping.test');
  await until(() => (times.length >= 3 ? true : undefined), 'three attempts', 20_000);
  const pauses = times.slice(1).map((time, n) => time - (times[n] ?? 0));
  assert.ok((pauses[0] ?? 0) > 900 && (pauses[1] ?? 0) > 1900, pauses.join());
  const row = await town.waiting('dropping.test', ({ attempts }) => attempts >= 2);
  assert.match(row.recipients?.[0]?.lastReply?.text.join(' ') ?? '', /after the whole message had been sent/);
});

test('Q243894: 8-bit content for a host that takes 7 bits is returned with 5.6.3, unchanged', async () => {
  await town.host({ EHLO: ehlo(['STARTTLS', '8BITMIME', 'SMTPUTF8']) }, 'seven.test');
  const mailbox = await sendFrom(
    'x@seven.test',
    Buffer.from('Subject: x\r\n\r\nd\xe9j\xe0 vu\r\n', 'latin1'),
    'BODY=8BITMIME',
  );
  const [report] = await town.mail(mailbox);
  assert.match(report?.toString('latin1') ?? '', /Status: 5\.6\.3/);
});

test('Q258999: the null reverse-path stays null on the way', async () => {
  const host = await town.host({ EHLO: PLAIN }, 'null.test');
  assert.match(await town.send({ from: '', to: ['x@null.test'], content: TEXT }), /^250/);
  await arrived(host);
  assert.ok(host.commands.some((line) => /^MAIL FROM:<>( |$)/.test(line)));
});

test('Q279323: of three smart hosts one is down, and the other two share the mail', async () => {
  const [a, b] = [await town.host({ EHLO: PLAIN, QUIT: '221 bye' }), await town.host({ EHLO: PLAIN })];
  town.zone(`three-a.hosts.test A ${a.address}`, `three-b.hosts.test A ${b.address}`);
  const sender = town.mailbox();
  const count = 40;
  const clients = await Promise.all([0, 1, 2, 3].map(() => Client.open(town.port, OURS)));
  await Promise.all(
    clients.map(async (client) => {
      for (let n = 0; n < count / 4; n += 1) {
        assert.match(
          await client.send({ from: `${sender}@example.test`, to: ['x@three.test'], content: TEXT }),
          /^250/,
        );
      }
      client.close();
    }),
  );
  await until(() => (a.contents.length + b.contents.length === count ? true : undefined), 'all of them');
  assert.ok(a.contents.length > 0 && b.contents.length > 0, `${a.contents.length} and ${b.contents.length}`);
  assert.equal((await town.queue('--domain', 'three.test')).total, 0);
});

test('Q288240: a host that refuses a long line gets its words quoted; our own fields are folded', async () => {
  const host = await town.host({ end: '500 5.6.0 line longer than 998 octets' }, 'longline.test');
  const mailbox = await sendFrom('x@longline.test', `Subject: ${'long'.repeat(300)}\r\n\r\n${'y'.repeat(2000)}\r\n`);
  const [report] = await town.mail(mailbox);
  const text = report?.toString() ?? '';
  assert.match(text, /line longer than 998 octets/);
  assert.match(text, /Status: 5\.6\.0/);
  const ours = host.contents[0]?.toString().split('Subject: long')[0] ?? '';
  for (const line of ours.split('\r\n')) assert.ok(line.length <= 78, line);
});
