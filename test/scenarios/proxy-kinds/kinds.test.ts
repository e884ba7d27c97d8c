import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { needs, programPath } from '../../support/needs.ts';
import { listens, runProgram, type RunningProgram, startProgram, until } from '../../support/programs.ts';
import { type RecordingSink, startRecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const skip = needs('danted', 'squid', 'stunnel4', 'openssl');
const NAMES = ['mx', 'dante', 'danteAcl', 'danteLogin', 'hangs', 'squid', 'squidAcl', 'squidLogin', 'tls'] as const;
const ports: Record<string, number> = {};
const programs = new Map<string, RunningProgram>();
let service: TestService;
let sink: RecordingSink;
let folder: string;

const port = (name: (typeof NAMES)[number]): number => ports[name] ?? 0;

/** A Dante; `rules` come before the one that lets all pass. */
async function dante(name: (typeof NAMES)[number], method: 'none' | 'username', rules = ''): Promise<void> {
  const anywhere = 'from: 0.0.0.0/0 to: 0.0.0.0/0';
  await start(
    name,
    'danted',
    ['-N', '1', '-p', join(folder, `${name}.pid`), '-f'],
    [
      'logoutput: stderr',
      `internal: 127.0.0.1 port = ${port(name)}`,
      'external: 127.0.0.1',
      `socksmethod: ${method}`,
      'clientmethod: none',
      'user.privileged: root',
      'user.unprivileged: nobody',
      `client pass { ${anywhere} }`,
      rules,
      `socks pass { ${anywhere} }`,
    ],
  );
}

/** A Squid as Debian sets it up, which lets CONNECT pass to the port of HTTPS alone, unless `allowed` says more. */
async function squid(name: (typeof NAMES)[number], allowed: string, login: readonly string[] = []): Promise<void> {
  await start(
    name,
    'squid',
    ['-N', '-f'],
    [
      `http_port 127.0.0.1:${port(name)}`,
      `pid_filename ${folder}/${name}.pid`,
      'visible_hostname squid.test',
      'cache deny all',
      'cache_log /dev/null',
      'access_log none',
      'pinger_enable off',
      'shutdown_lifetime 0 seconds',
      ...login,
      `acl SSL_ports port 443 ${allowed}`,
      'acl CONNECT method CONNECT',
      'http_access deny CONNECT !SSL_ports',
      'http_access allow localhost',
      'http_access deny all',
    ],
  );
}

async function start(name: string, program: string, words: readonly string[], lines: readonly string[]): Promise<void> {
  const path = join(folder, `${name}.conf`);
  await writeFile(path, `${lines.join('\n')}\n`);
  await programs.get(name)?.end();
  programs.set(name, startProgram(programPath(program) ?? '', [...words, path]));
  await listens({ port: ports[name] ?? 0 });
}

const YAML = (directory: string): string => {
  const login = 'login: { user: nobody-of-here, password: wrong }';
  const proxies = [
    `dante: { kind: socks5, host: 127.0.0.1, port: ${port('dante')} }`,
    `dante-acl: { kind: socks5, host: 127.0.0.1, port: ${port('danteAcl')} }`,
    `dante-login: { kind: socks5, host: 127.0.0.1, port: ${port('danteLogin')}, ${login} }`,
    `hangs: { kind: socks5, host: 127.0.0.1, port: ${port('hangs')} }`,
    `squid: { kind: http-connect, host: 127.0.0.1, port: ${port('squid')} }`,
    `squid-acl: { kind: http-connect, host: 127.0.0.1, port: ${port('squidAcl')} }`,
    `squid-login: { kind: http-connect, host: 127.0.0.1, port: ${port('squidLogin')}, login: { user: ims, password: secret } }`,
    `squid-nologin: { kind: http-connect, host: 127.0.0.1, port: ${port('squidLogin')} }`,
    `tls: { kind: http-connect, host: 127.0.0.1, port: ${port('tls')}, tls: required }`,
    `socks-to-squid: { kind: socks5, host: 127.0.0.1, port: ${port('squid')} }`,
    `http-to-dante: { kind: http-connect, host: 127.0.0.1, port: ${port('dante')} }`,
    `tls-to-squid: { kind: http-connect, host: 127.0.0.1, port: ${port('squid')}, tls: required }`,
    `tls-to-dante: { kind: http-connect, host: 127.0.0.1, port: ${port('dante')}, tls: required }`,
    `http-to-tls: { kind: http-connect, host: 127.0.0.1, port: ${port('tls')} }`,
    `light: { kind: socks5, host: 127.0.0.1, port: ${port('dante')}, weight: 1 }`,
    `heavy: { kind: http-connect, host: 127.0.0.1, port: ${port('squid')}, weight: 9 }`,
  ];
  const names = proxies.map((line) => line.slice(0, line.indexOf(':')));
  const group = (name: string, ways: string): string =>
    `    ${name}: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none, proxy: ${ways} }\n`;
  return `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${port('mx')} } }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
delivery: { timeouts: { connect: 2s } }
routing:
  relayDomains: [shared.test, ${names.map((name) => `${name}.test`).join(', ')}]
  proxies:
${proxies.map((line) => `    ${line}\n`).join('')}  smartHosts:
${names.map((name) => group(name, name)).join('')}${group('shared', '[light, heavy]')}  addressSpaces:
${['shared', ...names].map((name) => `    - { match: ${name}.test, via: ${name} }\n`).join('')}`;
};

before(async () => {
  if (skip !== false) return;
  for (const name of NAMES) ports[name] = await freePort();
  sink = await startRecordingSink();
  folder = await mkdtemp(join(tmpdir(), 'ims-kinds-'));
  // Squid reads it as a user of its own.
  await chmod(folder, 0o755);
  const pair = await makeSelfSigned('proxy.test', Date.now());
  await writeFile(join(folder, 'pair.pem'), `${pair.certificatePem}\n${pair.keyPem}`, { mode: 0o600 });
  const { output } = await runProgram(programPath('openssl') ?? '', ['passwd', '-apr1', 'secret']);
  await writeFile(join(folder, 'users'), `ims:${output.trim()}\n`);
  await dante('dante', 'none');
  await dante('danteAcl', 'none', `socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = ${sink.port} }`);
  await dante('danteLogin', 'username');
  await dante('hangs', 'none');
  await squid('squid', String(sink.port));
  await squid('squidAcl', '');
  await squid('squidLogin', String(sink.port), [
    `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${folder}/users`,
    'acl known proxy_auth REQUIRED',
    'http_access deny !known',
  ]);
  await start(
    'tls',
    'stunnel4',
    [],
    [
      'foreground = yes',
      'pid =',
      `cert = ${folder}/pair.pem`,
      '[https]',
      `accept = 127.0.0.1:${port('tls')}`,
      `connect = 127.0.0.1:${port('squid')}`,
    ],
  );
  service = await startService(YAML);
});
after(async () => {
  await service?.remove();
  for (const program of programs.values()) await program.end();
  await sink?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function submit(recipient: string): Promise<void> {
  const line = await SmtpLine.open(port('mx'));
  await line.expect(220);
  await line.say('EHLO far.test', 250);
  await line.say('MAIL FROM:<a@far.test>', 250);
  await line.say(`RCPT TO:<${recipient}>`, 250);
  await line.say('DATA', 354);
  await line.say(`Subject: to ${recipient}\r\n\r\nx\r\n.`, 250);
  line.close();
}

/** The first event of a number about a proxy. */
function told(number: number, proxy: string): Promise<string> {
  return until(
    () => `event ${number} of ${proxy}; seen: ${service.told()}`,
    () => service.events.find(({ event, data }) => event === number && data['proxy'] === proxy)?.text,
    10_000,
  );
}

interface Part {
  readonly part: string;
  readonly state: string;
  readonly event?: number;
  readonly cause?: string;
  readonly evidence?: readonly unknown[];
}

async function partOf(proxy: string): Promise<Part | undefined> {
  const { stdout } = await service.ims('--json', 'status');
  return (JSON.parse(stdout) as { parts: readonly Part[] }).parts.find(({ part }) => part === `proxy ${proxy}`);
}

test('mail goes out by way of Dante, Squid, Squid with a login and Squid behind stunnel', { skip }, async () => {
  for (const way of ['dante', 'squid', 'squid-login', 'tls']) {
    await submit(`u@${way}.test`);
    assert.equal((await sink.taken(`u@${way}.test`)).from, 'a@far.test');
  }
});

test('two proxies with weights share a route, and its reason names both', { skip }, async () => {
  await submit('u@shared.test');
  await sink.taken('u@shared.test');
  const { stdout } = await service.ims('route', 'u@shared.test');
  assert.match(stdout, /by way of the proxy light or the proxy heavy/);
});

test('a proxy of another kind is told by what it speaks instead', { skip }, async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['socks-to-squid', /it answers in HTTP, not in SOCKS 5/],
    ['http-to-dante', /it answers in SOCKS 5, not in HTTP/],
    ['http-to-tls', /it speaks TLS, and tls of this proxy is none/],
    ['tls-to-squid', /it answers in HTTP without TLS, and tls of this proxy is required/],
    ['tls-to-dante', /it answers in SOCKS 5 without TLS, and tls of this proxy is required/],
  ];
  for (const [way, words] of cases) {
    await submit(`u@${way}.test`);
    assert.match(await told(3653, way), words, way);
  }
});

test('a wrong login and a forbidden port are told apart in the proxy’s words, and shown in the status', {
  skip,
}, async () => {
  const cases: readonly (readonly [string, number, RegExp, string])[] = [
    ['dante-login', 3652, /it refused user and password \(status \d+\)/, 'failed'],
    ['squid-nologin', 3652, /407 Proxy Authentication Required/, 'failed'],
    ['dante-acl', 3654, /connection not allowed by ruleset/, 'degraded'],
    ['squid-acl', 3654, /403 Forbidden/, 'degraded'],
  ];
  for (const [way, number, words, state] of cases) {
    await submit(`u@${way}.test`);
    assert.match(await told(number, way), words, way);
    const part = await partOf(way);
    assert.deepEqual([part?.state, part?.event, part?.evidence?.length], [state, number, 2], way);
    assert.match(part?.cause ?? '', words);
  }
  assert.equal((await partOf('dante'))?.state, 'running');
});

test('a proxy that takes connections and says nothing is told as that; the mail goes when it speaks again', {
  skip,
}, async () => {
  const group = -(programs.get('hangs')?.pid ?? 0);
  process.kill(group, 'SIGSTOP');
  try {
    await submit('u@hangs.test');
    assert.match(await told(3651, 'hangs'), /no answer in 2 s/);
  } finally {
    process.kill(group, 'SIGCONT');
  }
  await sink.taken('u@hangs.test');
  await told(2650, 'hangs');
});

test('once its rules allow it or its login fits, mail goes on by itself, and nothing was returned', {
  skip,
}, async () => {
  await dante('danteAcl', 'none');
  await dante('danteLogin', 'none');
  await squid('squidAcl', String(sink.port));
  await squid('squidLogin', String(sink.port));
  for (const way of ['dante-acl', 'dante-login', 'squid-acl', 'squid-nologin']) {
    await until(
      () => `mail by ${way}; seen: ${service.told()}`,
      () => sink.messages.find(({ to }) => to.includes(`u@${way}.test`)),
      70_000,
    );
    await told(2650, way);
    assert.equal((await partOf(way))?.state, 'running');
  }
  assert.ok(!sink.messages.some(({ from }) => from === ''));
});
