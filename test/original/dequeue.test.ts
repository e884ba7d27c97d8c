import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { needsPostfix, startPostfix } from '../support/postfix.ts';
import { testConfiguration } from '../support/configurations.ts';
import { freePort, startService, type TestService } from '../support/service.ts';
import { SmtpLine } from '../support/ledger-client.ts';
import { type Held, odmr, type Odmr } from './odmr.ts';
import { type PeerHost, startPeer } from './peer.ts';
import { until } from './town.ts';

/** Hosts that hold mail for us, each an entry of the section `dequeue`. */
const held: Held = { user: 'example', password: 'secret', recipients: [] };
let etrn: PeerHost;
let moody: PeerHost;
let quiet: PeerHost;
let provider: Odmr;
let odmrHost: PeerHost;
let service: TestService;
let mxPort: number;
let awayPort: number;
let refuses = true;

before(async () => {
  const EHLO = '250-provider.test\r\n250 ETRN';
  provider = odmr(held);
  [etrn, moody, quiet, odmrHost] = await Promise.all([
    startPeer('127.0.0.1', await freePort(), { EHLO, ETRN: answerEtrn }),
    startPeer('127.0.0.1', await freePort(), {
      EHLO,
      ETRN: () => (refuses ? '459 node example.test not allowed' : '250 2.0.0 queuing started'),
    }),
    startPeer('127.0.0.1', await freePort(), { EHLO, ETRN: '250 2.0.0 queuing started' }),
    startPeer('127.0.0.1', await freePort(), provider.take),
  ]);
  [mxPort, awayPort] = [await freePort(), await freePort()];
  service = await startService((directory) =>
    testConfiguration({ directory, ports: { mx: mxPort }, workers: 2, more: section(directory) }),
  );
});

after(async () => {
  await service?.remove();
  await Promise.all([etrn, moody, quiet, odmrHost].map((host) => host?.close()));
});

function answerEtrn(line: string): string {
  if (line === 'ETRN @example.test') return '251 2.0.0 no messages waiting for node @example.test';
  return line === 'ETRN #held' ? '458 4.0.0 unable to queue' : '253 2.0.0 7 pending messages for node started';
}

const section = (directory: string): string => `dequeue:
  often: { host: 127.0.0.1, port: ${etrn.port}, every: 1s }
  every-name: { host: 127.0.0.1, port: ${etrn.port}, at: ['03:00'], domains: [example.test, '@example.test', '#held'] }
  moody: { host: 127.0.0.1, port: ${moody.port}, every: 1s, domains: [example.test] }
  away: { host: 127.0.0.1, port: ${awayPort}, every: 1s }
  turned:
    { command: atrn, host: 127.0.0.1, port: ${odmrHost.port}, at: ['03:00'], login: { user: example, password: secret } }
  stranger:
    { command: atrn, host: 127.0.0.1, port: ${odmrHost.port}, at: ['03:00'], login: { user: example, password: wrong } }
  dialled:
    host: 127.0.0.1
    port: ${quiet.port}
    at: ['03:00']
    before: { command: [/bin/sh, -c, 'echo "dialling $IMS_DEQUEUE"; test ! -e ${directory}/engaged'] }
    after: { command: [/bin/echo, hung up] }
  program: { command: none, at: ['03:00'], before: { command: [/bin/echo, only, 'a; program'], timeout: 5s } }
  late: { command: none, at: ['03:00'], before: { command: [/bin/sleep, '60'], timeout: 1s } }
`;

const now = (name: string): Promise<{ code: number; stdout: string; stderr: string }> =>
  service.ims('dequeue', 'now', name);
const told = (number: number, entry: string): readonly string[] =>
  service.events.flatMap((one) => (one.event === number && one.data['entry'] === entry ? [one.text] : []));
const seen = (number: number, entry: string): Promise<string> =>
  until(() => told(number, entry)[0], `event ${number} of ${entry}`);

async function mailOf(mailbox: string): Promise<string[]> {
  const folder = join(service.directory, 'data/mail/example.test', mailbox, 'new');
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
}

test('Q241157: a host is asked by ETRN on its schedule although nothing is sent, by one worker, and the result is written down', async () => {
  await until(() => (etrn.sessions.length >= 3 ? true : undefined), 'three runs');
  assert.ok(etrn.commands.includes('ETRN example.test'));
  assert.match(
    await seen(2880, 'often'),
    /was asked by ETRN: ETRN example\.test: 253 2\.0\.0 7 pending messages for node started/,
  );
  const workers = new Set(service.events.flatMap((one) => (one.data['entry'] === 'often' ? [one.process] : [])));
  assert.equal(workers.size, 1);
  const { stdout } = await service.ims('dequeue');
  assert.match(stdout, /^often +etrn +127\.0\.0\.1:\d+ .*ETRN example\.test: 253/m);
  assert.match(stdout, /^every-name +etrn .* \d{4}-\d\d-\d\d 03:00/m);
});

test('Q241157: `ims dequeue now` shows the dialogue, with each reply of each name that is asked for', async () => {
  const { code, stdout } = await now('every-name');
  assert.equal(code, 1);
  assert.match(stdout, /^C: ETRN example\.test\nS: 253 2\.0\.0 7 pending/m);
  assert.match(stdout, /^C: ETRN @example\.test\nS: 251 2\.0\.0 no messages/m);
  assert.match(stdout, /^C: ETRN #held\nS: 458 4\.0\.0 unable to queue\nC: QUIT/m);
  assert.match(stdout, /^refused: .*ETRN #held: 458 4\.0\.0 unable to queue$/m);
  assert.equal((await now('nobody')).code, 1);
});

test('Q241157: a host that refuses is told of once, and so is that it does it again', async () => {
  assert.match(await seen(3881, 'moody'), /refused ETRN example\.test: 459 node example\.test not allowed/);
  const asked = moody.sessions.length;
  await until(() => (moody.sessions.length >= asked + 2 ? true : undefined), 'two more runs');
  assert.equal(told(3881, 'moody').length, 1);
  const { stdout } = await service.ims('status');
  assert.match(stdout, /dequeue moody[\s\S]*ims dequeue now moody/);
  refuses = false;
  await seen(2881, 'moody');
});

test('Q241157: a host that is away is told of once, asked again, and told of when it is back', async () => {
  assert.match(await seen(3880, 'away'), /no connection to 127\.0\.0\.1 port \d+: ECONNREFUSED/);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  assert.equal(told(3880, 'away').length, 1);
  const back = await startPeer('127.0.0.1', awayPort, { EHLO: '250 back.test', ETRN: '250 2.0.0 started' });
  try {
    await seen(2881, 'away');
  } finally {
    await back.close();
  }
});

test('Q241157: ATRN fetches mail over our own connection, for the domains asked for alone, and keeps the password', async () => {
  held.recipients.push('alice@example.test', 'nobody@elsewhere.test', 'bob@example.test');
  const { code, stdout } = await now('turned');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^C: AUTH CRAM-MD5 \.\.\.\nS: 334 .*\nC: \.\.\.\nS: 235/m);
  assert.match(stdout, /^C: ATRN example\.test\nS: 250 OK now reversing the connection/m);
  assert.match(stdout, /^done: .*; 2 messages came/m);
  assert.ok(!stdout.includes('secret'));
  assert.match(provider.replies[0] ?? '', /^220 mail\.example\.test /);
  assert.ok(provider.replies.includes('550 5.7.1 relaying denied'));
  await until(async () => ((await mailOf('alice')).length === 1 ? true : undefined), 'the mail of alice');
  const [mail = ''] = await until(async () => ((await mailOf('bob')).length === 1 ? mailOf('bob') : undefined), 'mail');
  assert.match(mail, /^Received: from provider\.test \(/m);
  const again = await now('turned');
  assert.match(again.stdout, /^nothing: ATRN example\.test: 453 You have no mail$/m);
  assert.equal(again.code, 0);
});

test('Q241157: ATRN without the right password, and one that is refused for now, are told with the words of the host', async () => {
  const { code, stdout } = await now('stranger');
  assert.equal(code, 1);
  assert.match(stdout, /^failed: the log-in was refused: 535 5\.7\.8 wrong$/m);
  assert.match(await seen(3880, 'stranger'), /535 5\.7\.8 wrong/);
  held.refuses = '450 ATRN request refused';
  try {
    assert.match((await now('turned')).stdout, /^refused: ATRN example\.test: 450 ATRN request refused$/m);
  } finally {
    delete held.refuses;
  }
});

test('Q175494: a program that dials runs before a host is asked and one that hangs up after it, and their output is written down', async () => {
  const { code, stdout } = await now('dialled');
  assert.equal(code, 0, stdout);
  assert.match(
    stdout,
    /^\* ?: running \/bin\/sh[^\n]*\n\* ?: exit code 0: dialling dialled\n[\s\S]*C: ETRN example\.test\n[\s\S]*running \/bin\/echo hung up\n\* ?: exit code 0: hung up/m,
  );
  assert.match(await seen(2882, 'dialled'), /before fetching .*exit code 0; output: dialling dialled/);
});

test('Q175494: where the program that dials fails, the host is not asked, and the program that hangs up runs all the same', async () => {
  const { writeFile, rm } = await import('node:fs/promises');
  await writeFile(join(service.directory, 'engaged'), '');
  const asked = quiet.sessions.length;
  const { code, stdout } = await now('dialled');
  assert.equal(code, 1);
  assert.match(stdout, /^failed: the program before it: exit code 1$/m);
  assert.match(stdout, /hung up/);
  assert.match(await seen(3882, 'dialled'), /failed: exit code 1; output: dialling dialled/);
  assert.equal(quiet.sessions.length, asked);
  await rm(join(service.directory, 'engaged'));
  assert.equal((await now('dialled')).code, 0);
  await seen(2881, 'dialled');
});

test('Q175494: a program alone, without a shell, and one that does not end in its time', async () => {
  const { code, stdout } = await now('program');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /exit code 0: only a; program/);
  const late = await now('late');
  assert.equal(late.code, 1);
  assert.match(late.stdout, /did not end within 1 s/);
});

test('Q241157: a real Postfix sends what it holds for us once it is asked', { skip: needsPostfix() }, async () => {
  const port = await freePort();
  const ours = await freePort();
  const postfix = await startPostfix({
    port,
    domains: ['elsewhere.test'],
    parameters: `relay_domains = example.test
fast_flush_domains = $relay_domains
transport_maps = inline:{ example.test=smtp:[127.0.0.1]:${ours} }
smtp_tls_security_level = none
minimal_backoff_time = 4000s
queue_run_delay = 4000s`,
  });
  let fetching: TestService | undefined;
  try {
    const line = await SmtpLine.open(port);
    await line.expect(220);
    for (const command of ['EHLO far.test', 'MAIL FROM:<x@far.test>', 'RCPT TO:<alice@example.test>'])
      await line.say(command, 250);
    await line.say('DATA', 354);
    await line.say('Subject: held\r\n\r\nheld by Postfix\r\n.', 250);
    await until(async () => (/status=deferred/.test(await postfix.log()) ? true : undefined), 'a deferred message');
    fetching = await startService((directory) =>
      testConfiguration({
        directory,
        ports: { mx: ours },
        more: `dequeue:\n  provider: { host: 127.0.0.1, port: ${port}, every: 5s }\n`,
      }),
    );
    const asked = await fetching.seen(2880);
    assert.match(asked.text, /ETRN example\.test: 250 /);
    const folder = join(fetching.directory, 'data/mail/example.test/alice/new');
    const [name = ''] = await until(
      async () => {
        const names = await readdir(folder).catch(() => []);
        return names.length > 0 ? names : undefined;
      },
      'the held message',
      30_000,
    );
    assert.match(await readFile(join(folder, name), 'latin1'), /held by Postfix/);
  } finally {
    await fetching?.remove();
    await postfix.remove();
  }
});
