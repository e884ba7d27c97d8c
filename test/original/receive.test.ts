import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, statusOf } from './client.ts';
import { OURS, STRANGER, Town, until } from './town.ts';

const RECIPIENTS_MAX = 250;
let town: Town;

before(async () => {
  town = await Town.found({
    reception: `  messageSizeMax: 100000\n  recipientsMax: ${RECIPIENTS_MAX}\n`,
    // What leads to this address and port leads to this server itself.
    listeners: ({ peerPort }) => `  own: { profile: mx, address: 127.9.9.9, port: ${peerPort}, tls: none }\n`,
    domain: `    aliases:
      first: [twin, carol@hosted.test, second]
      second: [carol@hosted.test, twin]
      twin: dora@hosted.test
  hosted.test:
    mailboxes: { carol: {}, dora: {} }
    aliases: { postmaster: carol }
`,
  });
});
after(() => town.leave());

const TEXT = 'From: a@far.test\r\nSubject: x\r\n\r\nx\r\n';

async function stranger(): Promise<Client> {
  return Client.open(town.port, STRANGER);
}

test('Q140940: the route of a source route is ignored; relay is decided on the mailbox', async () => {
  const client = await stranger();
  const codes = await client.codes(
    'MAIL FROM:<@a.test,@b.test:x@far.test>',
    'RCPT TO:<@relay.test,@x:u0@example.test>',
    'RCPT TO:<@example.test:user@far.test>',
  );
  assert.deepEqual(codes, ['250 2.1.0', '250 2.1.5', '550 5.7.1']);
  client.close();
});

test('Q143375: a recipient of several overlapping aliases gets one copy', async () => {
  const to = ['first@example.test', 'second@example.test', 'carol@hosted.test', 'twin@example.test'];
  assert.match(await town.send({ from: 'a@far.test', to, content: TEXT }), /^250/);
  for (const mailbox of ['carol@hosted.test', 'dora@hosted.test']) {
    await town.mail(mailbox);
    await until(async () => ((await town.queue()).total === 0 ? true : undefined), 'an empty queue');
    assert.equal((await town.mail(mailbox)).length, 1);
  }
});

test('Q146126: mail for a domain whose mail server is this server never goes to ourselves over TCP', async () => {
  town.zone('byname.test MX 10 mail.example.test', 'mail.example.test A 127.9.9.9', 'byaddress.test A 127.9.9.9');
  for (const domain of ['byname.test', 'byaddress.test']) {
    const mailbox = town.mailbox();
    assert.match(await town.send({ from: `${mailbox}@example.test`, to: [`x@${domain}`], content: TEXT }), /^250/);
    const [report] = await town.mail(mailbox);
    assert.match(report?.toString() ?? '', /Status: 5\.4\.6/);
  }
  assert.equal((await town.service.seen(4115)).name, 'routing.loop-to-ourselves');
});

test('Q146567: domains over 255 octets and labels over 63 are refused with the detail of their side', async () => {
  const client = await stranger();
  const long = `${'a'.repeat(60)}.`.repeat(5);
  const label = `${'a'.repeat(64)}.test`;
  const codes = await client.codes(
    `MAIL FROM:<x@${long}test>`,
    `MAIL FROM:<x@${label}>`,
    'MAIL FROM:<x@far.test>',
    `RCPT TO:<x@${long}test>`,
    `RCPT TO:<x@${label}>`,
  );
  assert.deepEqual(codes, ['501 5.1.7', '501 5.1.7', '250 2.1.0', '501 5.1.3', '501 5.1.3']);
  client.close();
});

test('Q152930: local parts up to 64 octets are taken, also without a From field; longer ones are refused', async () => {
  const mailbox = town.mailbox();
  const client = await stranger();
  for (const length of [65, 200, 1000]) {
    assert.match(
      (await client.codes(`MAIL FROM:<${'l'.repeat(length)}@far.test>`))[0] ?? '',
      /^501 5\.1\.7|^500 5\.5\.2/,
    );
  }
  assert.match(
    await client.send({
      from: `${'l'.repeat(64)}@far.test`,
      to: [`${mailbox}@example.test`],
      content: 'Subject: x\r\n\r\nx\r\n',
    }),
    /^250/,
  );
  await town.mail(mailbox);
  client.close();
});

test('Q152944: only CRLF.CRLF ends a message; bare line ends are refused and nothing is smuggled', async () => {
  const mailbox = town.mailbox();
  for (const end of ['\n.\n', '\r.\r', '\n.\r\n', '\r\n.\n', '\r.\r\n']) {
    const client = await stranger();
    await client.codes('MAIL FROM:<a@far.test>', `RCPT TO:<${mailbox}@example.test>`, 'DATA');
    client.socket.write(
      `Subject: x\r\n\r\nbody${end}MAIL FROM:<evil@far.test>\r\nRCPT TO:<${mailbox}@example.test>\r\nDATA\r\nx\r\n.\r\n`,
    );
    assert.match(await client.reply(), /^554 5\.6\.11/, JSON.stringify(end));
    assert.equal(statusOf(await client.say('NOOP')), '250 2.0.0', 'one reply and no more');
    client.close();
  }
  assert.equal((await town.queue()).total, 0);
});

test('Q169174: command lines of 1 KB to 1 MB are refused, their rest is dropped, and an endless one ends the session', async () => {
  const client = await stranger();
  assert.deepEqual(await client.codes('MAIL FROM:<a@far.test>', `RCPT TO:<${'a'.repeat(10_000)}@x.test>`, 'NOOP'), [
    '250 2.1.0',
    '500 5.5.2',
    '250 2.0.0',
  ]);
  const long = await client.codes(`RCPT TO:<${'a'.repeat(1000)}@x.test>`);
  assert.match(long[0] ?? '', /^50[01] 5\./);
  client.socket.on('error', () => undefined);
  for (let n = 0; n < 1024 && client.socket.writable; n += 1) {
    if (!client.socket.write('a'.repeat(1024)))
      await Promise.race([
        new Promise((resolve) => client.socket.once('drain', resolve)),
        new Promise((resolve) => client.socket.once('close', resolve)),
      ]);
  }
  await until(() => (client.socket.destroyed || client.socket.closed ? true : undefined), 'the end of the session');
});

test('Q175842: verbs not offered get their codes, and VRFY tells nothing', async () => {
  const client = await stranger();
  assert.deepEqual(
    (await client.codes('EXPN staff', 'VRFY u0', 'VRFY nobody', 'TURN', 'HELP', 'NOOP', 'BOGUS')).map((code) =>
      code.slice(0, 9),
    ),
    ['502 5.5.1', '252 2.0.0', '252 2.0.0', '502 5.5.1', '214 2.0.0', '250 2.0.0', '500 5.5.2'],
  );
  client.close();
});

test('Q197976: an unknown mailbox of ours is refused at RCPT', async () => {
  const client = await stranger();
  assert.deepEqual(await client.codes('MAIL FROM:<a@far.test>', 'RCPT TO:<nobody@example.test>'), [
    '250 2.1.0',
    '550 5.1.1',
  ]);
  client.close();
});

test('Q202765: a second MAIL within a transaction is 503, and after RSET welcome', async () => {
  const client = await stranger();
  const codes = await client.codes(
    'MAIL FROM:<a@far.test>',
    'MAIL FROM:<b@far.test>',
    'RSET',
    'MAIL FROM:<b@far.test>',
  );
  assert.deepEqual(codes, ['250 2.1.0', '503 5.5.1', '250 2.0.0', '250 2.1.0']);
  client.close();
});

test('Q244346: percent signs, quotes and bangs never ask for relay successfully', async () => {
  const client = await stranger();
  await client.say('MAIL FROM:<a@far.test>');
  for (const one of [
    'user%far.test@example.test',
    '"user@far.test"@example.test',
    'far.test!user@example.test',
    'u0%far.test@hosted.test',
  ]) {
    assert.match((await client.codes(`RCPT TO:<${one}>`))[0] ?? '', /^550 5\.(1\.1|7\.1)/, one);
  }
  client.close();
});

test('Q245041: postmaster alone is postmaster, in any case, with and without each of our domains', async () => {
  const client = await stranger();
  await client.say('MAIL FROM:<a@far.test>');
  const codes = await client.codes(
    ...['p@example.test', 'po@example.test', 'PostMaster', 'POSTMASTER@example.test', 'postmaster@hosted.test'].map(
      (one) => `RCPT TO:<${one}>`,
    ),
  );
  assert.deepEqual(codes, ['550 5.1.1', '550 5.1.1', '250 2.1.5', '250 2.1.5', '250 2.1.5']);
  client.close();
});

test('Q251152: a name that is declared twice is refused by the configuration check, with its line', async () => {
  const path = join(town.service.directory, 'twice.yaml');
  const text = await readFile(town.service.configuration, 'utf8');
  await writeFile(path, text.replace('      u0: {}\n', '      u0: {}\n      U0: {}\n'));
  const { code, stdout } = await town.service.ims('config', 'check', path);
  assert.notEqual(code, 0);
  assert.match(stdout, /twice\.yaml:\d+:\d+: error: .*U0.*already declared/i);
});

test('Q287888: the name comes from the settings, which refuse damaged octets, and never from the system', async () => {
  const path = join(town.service.directory, 'name.yaml');
  const text = await readFile(town.service.configuration, 'utf8');
  for (const name of ['"mail\\x01.example.test"', '"m\\xe9l.example.test"']) {
    await writeFile(path, text.replace('name: mail.example.test', `name: ${name}`));
    const { code, stdout } = await town.service.ims('config', 'check', path);
    assert.notEqual(code, 0, name);
    assert.match(stdout, /name\.yaml:1:\d+: error: server\.name: is not a host name/);
  }
});

test('Q257264: SIZE is announced exactly; N octets pass, N + 1 and N + 1023 do not', async () => {
  const mailbox = town.mailbox();
  const client = await Client.dial(town.port, OURS);
  await client.reply();
  assert.match(await client.say('EHLO c.test'), /250[- ]SIZE 100000\r\n/);
  assert.equal((await client.codes('MAIL FROM:<a@far.test> SIZE=100001'))[0], '552 5.3.4');
  const ofSize = (size: number): string => {
    const lines = 'y'
      .repeat(98)
      .concat('\r\n')
      .repeat(Math.floor(size / 100) - 2);
    return `X: \r\n\r\n${lines}${'z'.repeat(size - lines.length - 9)}\r\n`;
  };
  const send = (size: number): Promise<string> =>
    client.send({ from: 'a@far.test', to: [`${mailbox}@example.test`], content: ofSize(size) });
  assert.match(await send(100_000), /^250/);
  assert.match(await send(100_001), /^552 5\.3\.4/);
  assert.match(await send(101_023), /^552 5\.3\.4/);
  client.close();
});

test('Q272672: of 40,000 recipients in one transaction those beyond the limit get 452 4.5.3 and the rest the message', async () => {
  const mailbox = town.mailbox();
  const client = await Client.open(town.port, OURS);
  await client.say('MAIL FROM:<a@far.test>');
  const count = 40_000;
  client.socket.write(Array.from({ length: count }, (_, n) => `RCPT TO:<x${n}@hold${n % 7}.test>\r\n`).join(''));
  const answers = new Map<string, number>();
  for (let n = 0; n < count; n += 1) {
    const status = statusOf(await client.reply());
    answers.set(status, (answers.get(status) ?? 0) + 1);
    if (status === '') break;
  }
  assert.deepEqual(
    [...answers],
    [
      ['250 2.1.5', RECIPIENTS_MAX],
      ['452 4.5.3', count - RECIPIENTS_MAX],
    ],
  );
  assert.equal(statusOf(await client.say('DATA')).slice(0, 3), '354');
  client.socket.write(`${TEXT}.\r\n`);
  assert.match(await client.reply(), /^250 2\.0\.0/);
  assert.match(await client.send({ from: 'a@far.test', to: [`${mailbox}@example.test`], content: TEXT }), /^250/);
  await town.mail(mailbox);
  client.close();
});

test('Q297269: a second EHLO is welcome and ends the transaction', async () => {
  const client = await stranger();
  const codes = await client.codes(
    'MAIL FROM:<a@far.test>',
    'EHLO again.test',
    'RCPT TO:<u0@example.test>',
    'RSET',
    'EHLO third.test',
    'MAIL FROM:<a@far.test>',
  );
  assert.deepEqual(
    codes.map((code) => code.slice(0, 3)),
    ['250', '250', '503', '250', '250', '250'],
  );
  client.close();
});

test('Q301690: a folded header field of a megabyte is refused, and the session goes on', async () => {
  const client = await Client.open(town.port, OURS);
  const folded = `Subject: x${'\r\n y'.repeat(15_000)}\r\n\r\nx\r\n`;
  assert.match(await client.send({ from: 'a@far.test', to: ['postmaster@example.test'], content: folded }), /^250/);
  assert.match(
    await client.send({
      from: 'a@far.test',
      to: ['postmaster@example.test'],
      content: `Subject: x${'\r\n y'.repeat(260_000)}\r\n\r\nx\r\n`,
    }),
    /^55[24] 5\./,
  );
  assert.match(await client.send({ from: 'a@far.test', to: ['postmaster@example.test'], content: TEXT }), /^250/);
  client.close();
});

test('Q304897: third-party relay tests are all refused at RCPT', async () => {
  const tests: readonly (readonly [from: string, to: string])[] = [
    ['spam@far.test', 'victim@away.test'],
    ['spam@example.test', 'victim@away.test'],
    ['', 'victim@away.test'],
    ['spam@[127.0.0.1]', 'victim%away.test@[127.0.0.1]'],
    ['spam@example.test', '"victim@away.test"@example.test'],
    ['spam@example.test', '@example.test:victim@away.test'],
    ['spam@mail.example.test', 'away.test!victim@example.test'],
    ['spam@far.test', 'victim%away.test'],
    ['spam@far.test', 'victim@away.test@example.test'],
  ];
  for (const [from, to] of tests) {
    const client = await stranger();
    const [mail, rcpt] = await client.codes(`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`);
    assert.equal(mail, '250 2.1.0');
    assert.match(rcpt ?? '', /^(550|501|553) 5\./, to);
    client.close();
  }
});

test('Q251283: from loopback nobody relays unless the settings say so for that address', async () => {
  const local = await stranger();
  assert.deepEqual(await local.codes('MAIL FROM:<form@example.test>', 'RCPT TO:<x@far.test>'), [
    '250 2.1.0',
    '550 5.7.1',
  ]);
  const allowed = await Client.open(town.port, OURS);
  assert.deepEqual(await allowed.codes('MAIL FROM:<form@example.test>', 'RCPT TO:<x@far.test>'), [
    '250 2.1.0',
    '250 2.1.5',
  ]);
  local.close();
  allowed.close();
});

test('Q188341: AUTH with nonsense, with far too much, and within mail data does nothing', async () => {
  const client = await stranger();
  assert.match((await client.codes('AUTH PLAIN !!!'))[0] ?? '', /^50[0-4] 5\./);
  assert.match((await client.codes(`AUTH PLAIN ${'A'.repeat(100_000)}`))[0] ?? '', /^50[0-4] 5\./);
  const mailbox = town.mailbox();
  const content = `Subject: x\r\n\r\nAUTH PLAIN AGEAYg==\r\n`;
  assert.match(await client.send({ from: 'a@far.test', to: [`${mailbox}@example.test`], content }), /^250/);
  assert.match((await town.mail(mailbox))[0]?.toString() ?? '', /\r\n\r\nAUTH PLAIN AGEAYg==\r\n$/);
  client.close();
});

test('Q146326: where nothing listens for servers a connection is refused by the system', async () => {
  const free = town.peerPort; // taken at 127.9.9.9 only
  const refused = await new Promise<string>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: free });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.once('connect', () => resolve('connected'));
  });
  assert.equal(refused, 'ECONNREFUSED');
});
