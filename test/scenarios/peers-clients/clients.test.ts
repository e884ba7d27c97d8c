import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import nodemailer from 'nodemailer';
import { hashPassword } from '../../../src/world/node/passwords.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { mailWith } from '../../support/mailboxes.ts';
import { needs } from '../../support/needs.ts';
import { type ProgramResult, runProgram } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const PASSWORD = 'correct horse';
const skip = needs('swaks', 'libnet-ssleay-perl');
const LISTENERS = ['mx', 'submission', 'submissions', 'lmtp'] as const;
let service: TestService;
let ports: Record<(typeof LISTENERS)[number], number>;

before(async () => {
  ports = { mx: await freePort(), submission: await freePort(), submissions: await freePort(), lmtp: await freePort() };
  const hash = await hashPassword(PASSWORD);
  service = await startService((directory) =>
    testConfiguration({ directory, ports, hashes: { alice: hash, bob: hash }, workers: 2 }),
  );
});
after(() => service.remove());

/** Runs swaks against a listener, from alice to bob. */
function swaks(
  listener: (typeof LISTENERS)[number],
  subject: string,
  ...words: readonly string[]
): Promise<ProgramResult> {
  const usual = [
    '--server',
    '127.0.0.1',
    '--port',
    String(ports[listener]),
    '--from',
    'alice@example.test',
    '--to',
    'bob@example.test',
  ];
  return runProgram('swaks', [...usual, '--helo', 'client.test', '--h-Subject', subject, ...words]);
}

const login = (mechanism: string, password = PASSWORD): string[] => [
  '--auth',
  mechanism,
  '--auth-user',
  'alice@example.test',
  '--auth-password',
  password,
];

for (const [what, listener, words, protocol] of [
  ['mx, in the clear', 'mx', [], 'ESMTP'],
  ['mx, STARTTLS', 'mx', ['--tls'], 'ESMTPS'],
  ['mx, pipelining', 'mx', ['--pipeline'], 'ESMTP'],
  ['mx, pipelining under TLS', 'mx', ['--tls', '--pipeline'], 'ESMTPS'],
  ['mx, HELO', 'mx', ['--protocol', 'SMTP'], 'SMTP'],
  ['submission, STARTTLS, AUTH PLAIN', 'submission', ['--tls', ...login('PLAIN')], 'ESMTPSA'],
  ['submission, STARTTLS, AUTH LOGIN', 'submission', ['--tls', ...login('LOGIN')], 'ESMTPSA'],
  ['submission, implicit TLS, AUTH PLAIN', 'submissions', ['--tls-on-connect', ...login('PLAIN')], 'ESMTPSA'],
  [
    'submission, implicit TLS, AUTH LOGIN, pipelining',
    'submissions',
    ['--tls-on-connect', '--pipeline', ...login('LOGIN')],
    'ESMTPSA',
  ],
  ['LMTP', 'lmtp', ['--protocol', 'LMTP'], 'LMTP'],
  ['LMTP, pipelining', 'lmtp', ['--protocol', 'LMTP', '--pipeline'], 'LMTP'],
] as const) {
  test(`swaks: ${what}`, { skip }, async () => {
    const { code, output } = await swaks(listener, what, ...words);
    assert.equal(code, 0, output);
    const mail = await mailWith(service, 'bob', new RegExp(`^Subject: ${what}\\r?$`, 'm'));
    assert.match(mail, new RegExp(`with ${protocol} `));
  });
}

test('swaks: LMTP answers for every recipient', { skip }, async () => {
  const { code, output } = await swaks(
    'lmtp',
    'two',
    '--protocol',
    'LMTP',
    '--to',
    'bob@example.test,alice@example.test',
  );
  assert.equal(code, 0, output);
  assert.equal(output.match(/^<- {2}250 2\.0\.0 accepted/gm)?.length, 2, output);
  await mailWith(service, 'alice', /^Subject: two\r?$/m);
});

test('swaks: a wrong password is refused, and nothing follows', { skip }, async () => {
  for (const mechanism of ['PLAIN', 'LOGIN']) {
    const { code, output } = await swaks('submission', 'never', '--tls', ...login(mechanism, 'wrong horse'));
    assert.notEqual(code, 0);
    assert.match(output, /<~\* 535 5\.7\.8/, output);
  }
});

test('swaks: submission without a login is refused, with a login only for its own addresses', { skip }, async () => {
  const without = await swaks('submission', 'never', '--tls');
  assert.match(without.output, /<~\* 530 5\.7\.0/, without.output);
  const other = await swaks('submission', 'never', '--tls', ...login('PLAIN'), '--from', 'bob@example.test');
  assert.match(other.output, /<~\* 5\d\d 5\.7\.1/, other.output);
});

test('RFC 8314 §3: no login in the clear is offered, and one that is tried is refused without hearing the password', async () => {
  const line = await SmtpLine.open(ports.submission);
  await line.expect(220);
  assert.doesNotMatch(await line.say('EHLO client.test', 250), /AUTH/);
  const reply = await line.say('AUTH PLAIN', 5);
  assert.match(reply, /^5\d\d 5\.7\.\d+ /);
  await line.say('AUTH LOGIN', 5);
  await line.say('MAIL FROM:<alice@example.test>', 530);
  await line.say('QUIT', 221);
  line.close();
});

test('BDAT: chunks that are pipelined, with dots, without a line end in between', async () => {
  const line = await SmtpLine.open(ports.mx);
  await line.expect(220);
  assert.match(await line.say('EHLO client.test', 250), /CHUNKING/);
  const first = 'Subject: in chunks\r\n\r\n.\r\n..\r\nhalf a ';
  await line.say(
    `MAIL FROM:<far@away.test>\r\nRCPT TO:<bob@example.test>\r\nBDAT ${first.length}\r\n${first}BDAT 0\r\nBDAT 9 LAST\r\nline\r\n.`,
    250,
  );
  await line.expect(250);
  for (let chunk = 0; chunk < 3; chunk += 1) await line.expect(250);
  await line.say('NOOP', 250);
  await line.say('QUIT', 221);
  line.close();
  assert.match(await mailWith(service, 'bob', /Subject: in chunks/), /\r\n\r\n\.\r\n\.\.\r\nhalf a line\r\n\.\r\n$/);
});

for (const [what, options] of [
  ['mx', () => ({ port: ports.mx, ignoreTLS: true })],
  ['mx under STARTTLS', () => ({ port: ports.mx, requireTLS: true })],
  [
    'submission, AUTH PLAIN',
    () => ({
      port: ports.submission,
      requireTLS: true,
      authMethod: 'PLAIN',
      auth: { user: 'alice@example.test', pass: PASSWORD },
    }),
  ],
  [
    'submission, AUTH LOGIN',
    () => ({
      port: ports.submissions,
      secure: true,
      authMethod: 'LOGIN',
      auth: { user: 'alice@example.test', pass: PASSWORD },
    }),
  ],
  ['LMTP', () => ({ port: ports.lmtp, lmtp: true, ignoreTLS: true })],
] as const) {
  test(`nodemailer: ${what}: several messages over one connection, with dots and an attachment`, async () => {
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      pool: true,
      maxConnections: 1,
      tls: { rejectUnauthorized: false },
      ...options(),
    });
    const subject = (i: number): string => `${what} by nodemailer ${i}`;
    for (let i = 0; i < 3; i += 1) {
      const sent = await transport.sendMail({
        from: 'Alice <alice@example.test>',
        to: ['bob@example.test', 'alice@example.test'],
        subject: subject(i),
        text: '.\n..dots and grüne Äpfel\n.\n',
        attachments: [{ filename: 'octets', content: Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256)) }],
      });
      assert.deepEqual(sent.rejected, []);
      assert.equal(sent.accepted.length, 2);
    }
    transport.close();
    for (let i = 0; i < 3; i += 1) {
      const mail = await mailWith(service, 'bob', new RegExp(`^Subject: ${subject(i)}\\r$`, 'm'));
      assert.ok(mail.includes('\r\n\r\n.\r\n..dots and gr=C3=BCne =C3=84pfel\r\n.\r\n'), mail.slice(0, 1000));
    }
  });
}

test('nodemailer: addresses beyond ASCII, and a wrong password', async () => {
  const base = { host: '127.0.0.1', tls: { rejectUnauthorized: false } };
  const transport = nodemailer.createTransport({ ...base, port: ports.mx });
  await transport.sendMail({ from: 'grün@straße.test', to: 'bob@example.test', subject: 'beyond ASCII', text: 'x' });
  assert.match(
    await mailWith(service, 'bob', /^Subject: beyond ASCII\r$/m),
    /^Return-Path: <grün@(?:straße|xn--strae-oqa)\.test>/,
  );
  const refused = nodemailer.createTransport({
    ...base,
    port: ports.submissions,
    secure: true,
    auth: { user: 'alice@example.test', pass: 'wrong' },
  });
  await assert.rejects(refused.verify(), { code: 'EAUTH', responseCode: 535 });
});
