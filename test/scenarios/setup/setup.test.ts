import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../../support/needs.ts';
import { freePort, startService } from '../../support/service.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
/** Only root is asked for the user to work as. */
const USER = process.getuid?.() === 0 ? ['--user', 'none'] : [];
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ims-setup-'));
});
after(() => rm(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `ims setup` without a terminal. */
function setup(...words: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, 'setup', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr })));
}

/** Runs it on a terminal of its own (script(1)), and types an answer whenever the last question shows. */
function onTerminal(
  words: readonly string[],
  answers: readonly (readonly [asked: RegExp, typed: string])[],
): Promise<Ended> {
  const command = [process.execPath, MAIN, 'setup', ...words].map((word) => `'${word}'`).join(' ');
  const environment = { ...process.env, NO_COLOR: '1', TERM: 'dumb', SHELL: '/bin/sh' };
  const child = spawn('script', ['-q', '-e', '-c', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment,
  });
  const left = [...answers];
  let stdout = '';
  let seen = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    const next = left[0];
    if (next === undefined || !next[0].test(stdout.slice(seen))) return;
    left.shift();
    seen = stdout.length;
    child.stdin.write(`${next[1]}\n`);
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), 60_000);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(limit);
      const stderr = left.length === 0 ? '' : `never asked: ${left.map(([asked]) => asked.source).join(', ')}`;
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
}

async function mailIn(folder: string): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const [name] = await readdir(folder).catch(() => []);
    if (name !== undefined) return readFile(join(folder, name), 'utf8');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return '';
}

/** Starts a service with a configuration that was written, and sends a first message to the mailbox. */
async function firstMessage(configuration: string, data: string, mailbox: string): Promise<void> {
  const text = await readFile(configuration, 'utf8');
  const service = await startService(() => text);
  try {
    const check = await service.ims('config', 'check');
    assert.equal(check.code, 0, check.stdout);
    const sent = await service.ims('send', '--to', mailbox, '--subject', 'the first');
    assert.equal(sent.code, 0, sent.stdout + sent.stderr);
    const [local = '', domain = ''] = mailbox.split('@');
    assert.match(await mailIn(join(data, 'mail', domain, local, 'new')), /^Subject: the first/m);
  } finally {
    await service.remove();
  }
}

const threePorts = async (): Promise<string> => [await freePort(), await freePort(), await freePort()].join(',');

test('Q247063: set-up by options alone asks for nothing, and its result starts and takes a first message', async () => {
  const file = join(directory, 'scripted', 'ims.yaml');
  const data = join(directory, 'scripted', 'data');
  const words = [
    '--hostname',
    'mail.example.test',
    '--domain',
    'example.test',
    '--mailbox',
    'alice',
    '--mailbox',
    'bob',
  ];
  const place = ['--data', data, '--address', '127.0.0.1', '--ports', await threePorts(), '--config', file];
  const made = await setup('--yes', '--json', '--systemd', ...words, ...place, ...USER);
  assert.equal(made.code, 0, made.stderr);
  const result = JSON.parse(made.stdout) as {
    readonly file: string;
    readonly passwords: readonly { readonly mailbox: string; readonly password: string }[];
    readonly records: readonly { readonly zoneLine: string }[];
    readonly unit: string;
    readonly doctor: { readonly findings: readonly unknown[] };
  };
  assert.equal(result.file, file);
  assert.deepEqual(
    result.passwords.map(({ mailbox }) => mailbox),
    ['alice@example.test', 'bob@example.test'],
  );
  assert.ok(
    result.records.some(({ zoneLine }) => /^example\.test\. \d+ IN MX 10 mail\.example\.test\.$/.test(zoneLine)),
  );
  const record = result.records.find(({ zoneLine }) => zoneLine.includes('_domainkey.example.test.'))?.zoneLine ?? '';
  assert.match(record, / 3600 IN TXT "v=DKIM1; k=rsa; p=[^"]{237}" "[^"]+"$/);
  const [selector = ''] = record.split('.');
  const key = join(directory, 'scripted/dkim', `example.test.${selector}.pem`);
  assert.equal((await stat(key)).mode & 0o777, 0o600);
  assert.match(await readFile(file, 'utf8'), new RegExp(`dkim: \\{ selector: ${selector}, keyFile: dkim/example`));
  assert.match(result.unit, new RegExp(`^ExecStart=\\S+ run --config ${file}$`, 'm'));
  assert.ok(result.doctor.findings.length > 10);
  assert.equal((await stat(file)).mode & 0o777, 0o640);
  const text = await readFile(file, 'utf8');
  for (const { password } of result.passwords)
    assert.ok(!text.includes(password), 'the password itself is not written');
  await firstMessage(file, data, 'alice@example.test');
});

test('without a terminal every missing option is named, and nothing is written', async () => {
  const file = join(directory, 'missing.yaml');
  const { code, stderr } = await setup('--domain', 'example.test', '--config', file);
  assert.equal(code, 2);
  for (const option of ['--hostname', '--mailbox', '--send', '--certificate', '--data', '--ports'])
    assert.match(stderr, new RegExp(`^  ${option} `, 'm'));
  const json = await setup('--yes', '--json', '--hostname', 'box', '--config', file);
  assert.equal(json.code, 2);
  assert.match((JSON.parse(json.stdout) as { problems: string[] }).problems.join(), /'box' has no domain/);
  await assert.rejects(stat(file));
});

test('an existing configuration is replaced on demand only, and kept', async () => {
  const file = join(directory, 'kept.yaml');
  await writeFile(file, 'what was there\n');
  const secret = join(directory, 'secret');
  await writeFile(secret, 'open sesame\n');
  const words = ['--yes', '--hostname', 'mail.example.test', '--domain', 'example.test', '--mailbox', 'alice'];
  const way = ['--send', 'smarthost=127.0.0.1:2599', '--send-user', 'alice', '--send-password-file', secret];
  const all = [...words, ...way, '--no-doctor', '--data', join(directory, 'kept'), '--config', file, ...USER];
  const refused = await setup(...all);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /--replace/);
  assert.equal(await readFile(file, 'utf8'), 'what was there\n');
  const made = await setup(...all, '--replace');
  assert.equal(made.code, 0, made.stderr);
  const kept = (await readdir(directory)).filter((name) => name.startsWith('kept.yaml.before-'));
  assert.equal(kept.length, 1);
  assert.equal(await readFile(join(directory, kept[0] ?? ''), 'utf8'), 'what was there\n');
  assert.equal(await readFile(join(directory, 'send-password'), 'utf8'), 'open sesame\n');
  assert.equal((await stat(join(directory, 'send-password'))).mode & 0o777, 0o600);
  assert.match(await readFile(file, 'utf8'), /passwordFile: send-password/);
});

test('a person on a terminal is asked, corrected, and ends with a service that takes a first message', {
  skip: needs('script'),
}, async () => {
  const file = join(directory, 'person', 'ims.yaml');
  const data = join(directory, 'person', 'data');
  const ports = await threePorts();
  const { code, stdout, stderr } = await onTerminal(
    ['--config', file, '--no-doctor', ...USER],
    [
      [/Name of this mail server[\s\S]*> $/, 'box'],
      [/has no domain[\s\S]*> $/, 'mail.example.test'],
      [/Domains to receive mail for[\s\S]*\[example\.test\] > $/, ''],
      [/Mailboxes[\s\S]*> $/, 'alice, bob'],
      [/port 25 is open outwards[\s\S]*\[Y\/n\] $/, 'n'],
      [/> $/, 'smarthost=127.0.0.1:2599'],
      [/User name there[\s\S]*> $/, 'alice'],
      [/Password there[\s\S]*> $/, 'open sesame'],
      [/Certificate[\s\S]*> $/, 'self-signed'],
      [/Data directory[\s\S]*> $/, data],
      [/Addresses to listen on[\s\S]*> $/, '127.0.0.1'],
      [/Ports[\s\S]*> $/, ports],
      [/Console in a browser[\s\S]*\[127\.0\.0\.1:8026\] > $/, 'none'],
      [/Write .*\[Y\/n\] $/, 'y'],
    ],
  );
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.equal(stderr, '');
  assert.ok(!stdout.includes('open sesame'), 'the secret is not shown');
  assert.match(stdout, /alice@example\.test +\S{16}/);
  assert.match(stdout, /Records to publish in the DNS/);
  await firstMessageWithSecret(file, data);
});

/** The password file lies beside the configuration, which the test moves. */
async function firstMessageWithSecret(file: string, data: string): Promise<void> {
  const secret = join(file, '..', 'send-password');
  const text = (await readFile(file, 'utf8')).replace('passwordFile: send-password', `passwordFile: '${secret}'`);
  const moved = join(directory, 'moved.yaml');
  await writeFile(moved, text);
  await firstMessage(moved, data, 'bob@example.test');
}

test('leaving at a question changes nothing', { skip: needs('script') }, async () => {
  const file = join(directory, 'left.yaml');
  const { code, stdout } = await onTerminal(
    ['--config', file, '--no-doctor', ...USER],
    [[/Name of this mail server[\s\S]*> $/, '\x04']],
  );
  assert.notEqual(code, 0, stdout);
  await assert.rejects(stat(file));
});
