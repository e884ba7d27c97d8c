import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import nodemailer from 'nodemailer';
import { hashPassword } from '../../../src/world/node/passwords.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { needs } from '../../support/needs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const PASSWORD = 'correct horse';
let service: TestService;
let ports: { mx: number; submission: number; submissions: number };

before(async () => {
  ports = { mx: await freePort(), submission: await freePort(), submissions: await freePort() };
  const hash = await hashPassword(PASSWORD);
  service = await startService((directory) =>
    testConfiguration({ directory, ports, hashes: { alice: hash, bob: hash } }),
  );
});
after(() => service.remove());

async function mailIn(mailbox: string, most = 50): Promise<string[]> {
  const directory = join(service.directory, 'data/mail/example.test', mailbox, 'new');
  for (let tries = 0; tries < most; tries += 1) {
    const names = await readdir(directory).catch(() => []);
    if (names.length > 0) return Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return [];
}

function runProgram(command: string, words: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.once('close', (code) => resolve({ code, output }));
  });
}

test('a message sent with swaks is in the Maildir, and trace shows its life', {
  skip: needs('swaks', 'libnet-ssleay-perl'),
}, async () => {
  const words = [
    '--server',
    '127.0.0.1',
    '--port',
    String(ports.mx),
    '--from',
    'far@elsewhere.test',
    '--to',
    'alice@example.test',
    '--tls',
  ];
  const { code, output } = await runProgram('swaks', [
    ...words,
    '--header',
    'Subject: by swaks',
    '--h-Message-Id',
    '<swaks.1@elsewhere.test>',
  ]);
  assert.equal(code, 0, output);
  const [mail = ''] = await mailIn('alice');
  assert.match(mail, /^Return-Path: <far@elsewhere\.test>\r?\n/);
  assert.match(mail, /\nReceived: from /);
  assert.match(mail, /\nSubject: by swaks/);
  let trace = await service.ims('trace', 'alice@example.test');
  // The outcome is written a moment after the file is there.
  for (let tries = 0; tries < 20 && !/delivered/i.test(trace.stdout); tries += 1)
    trace = await service.ims('trace', 'alice@example.test');
  assert.equal(trace.code, 0, trace.stderr);
  assert.match(trace.stdout, /received/i);
  assert.match(trace.stdout, /delivered/i);
});

test('nodemailer submits with a login over STARTTLS and over TLS', async () => {
  for (const [port, secure] of [
    [ports.submission, false],
    [ports.submissions, true],
  ] as const) {
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port,
      secure,
      auth: { user: 'alice@example.test', pass: PASSWORD },
      tls: { rejectUnauthorized: false },
    });
    const sent = await transport.sendMail({
      from: 'alice@example.test',
      to: 'bob@example.test',
      subject: 'by nodemailer',
      text: 'hello',
    });
    assert.match(sent.response, /^250 2\.0\.0/);
    transport.close();
  }
  const [mail = ''] = await mailIn('bob');
  assert.match(mail, /with ESMTPSA/);
});

test('strangers cannot relay, and unknown mailboxes are refused at RCPT', { skip: needs('swaks') }, async () => {
  const base = ['--server', '127.0.0.1', '--port', String(ports.mx), '--from', 'far@elsewhere.test'];
  const relayed = await runProgram('swaks', [...base, '--to', 'somebody@other.test']);
  assert.match(relayed.output, /550 5\.7\.1/);
  const unknown = await runProgram('swaks', [...base, '--to', 'nobody@example.test']);
  assert.match(unknown.output, /550 5\.1\.1/);
});

test('status says what runs, and stop ends within ten seconds', async () => {
  const status = await service.ims('status', '--json');
  assert.equal(status.code, 0, status.stderr);
  assert.equal(JSON.parse(status.stdout).degraded.length, 0, status.stdout);
  const began = performance.now();
  assert.equal(await service.stop(), 0);
  assert.ok(performance.now() - began < 10_000);
  const without = await service.ims('status');
  assert.equal(without.code, 3);
});
