import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { needs, programPath } from '../../support/needs.ts';
import { listens, type RunningProgram, startProgram, until } from '../../support/programs.ts';
import { type RecordingSink, startRecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const skip = needs('microsocks', 'tinyproxy', 'haproxy');
const programs: RunningProgram[] = [];
let service: TestService;
let sink: RecordingSink;
let folder: string;
let ports: {
  mx: number;
  socks: number;
  http: number;
  strict: number;
  https: number;
  late: number;
  next: number;
  headed: number;
};
let next: TestService;

const microsocks = (port: number): readonly string[] => [
  '-i',
  '127.0.0.1',
  '-p',
  String(port),
  '-u',
  'ims',
  '-P',
  'secret',
];

async function start(program: string, words: readonly string[], port: number): Promise<void> {
  programs.push(startProgram(programPath(program) ?? '', words));
  await listens({ port });
}

/** Every route has a domain of its own: NAME.test goes to the sink by the group NAME. */
const YAML = (directory: string): string => {
  const login = 'login: { user: ims, password: secret }';
  const proxies = [
    `socks: { kind: socks5, host: 127.0.0.1, port: ${ports.socks}, ${login} }`,
    `names: { kind: http-connect, host: localhost, port: ${ports.http}, ${login}, resolve: proxy }`,
    `http: { kind: http-connect, host: 127.0.0.1, port: ${ports.http}, ${login} }`,
    `https: { kind: http-connect, host: 127.0.0.1, port: ${ports.https}, tls: required, ${login} }`,
    `forbids: { kind: http-connect, host: 127.0.0.1, port: ${ports.strict} }`,
    `wronglogin: { kind: socks5, host: 127.0.0.1, port: ${ports.socks}, login: { user: ims, password: wrong } }`,
    `nologin: { kind: http-connect, host: 127.0.0.1, port: ${ports.http} }`,
    `wrongkind: { kind: socks5, host: 127.0.0.1, port: ${sink.port} }`,
    `otherkind: { kind: http-connect, host: 127.0.0.1, port: ${sink.port} }`,
    `late: { kind: socks5, host: 127.0.0.1, port: ${ports.late}, ${login} }`,
  ];
  const groups = proxies.map((line) => line.slice(0, line.indexOf(':')));
  return `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${ports.mx} } }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
routing:
  relayDomains: [fallback.test, deep.test, headed1.test, headed2.test, ${groups.map((name) => `${name}.test`).join(', ')}]
  proxies:
${proxies.map((line) => `    ${line}\n`).join('')}  smartHosts:
${groups.map((name) => `    ${name}: { hosts: [{ host: ${name === 'names' ? 'localhost' : '127.0.0.1'}, port: ${sink.port} }], tls: none, proxy: ${name} }\n`).join('')}    fallback: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none, proxy: [late, http] }
    deep: { hosts: [{ host: 127.0.0.1, port: ${ports.next} }], tls: required, proxy: https }
    headed1: { hosts: [{ host: 127.0.0.1, port: ${ports.headed} }], tls: none, proxyHeader: v1, source4: 127.0.0.42 }
    headed2: { hosts: [{ host: 127.0.0.1, port: ${ports.headed} }], tls: none, proxyHeader: v2 }
  addressSpaces:
${[...groups, 'fallback', 'deep', 'headed1', 'headed2'].map((name) => `    - { match: ${name}.test, via: ${name} }\n`).join('')}`;
};

const NEXT = (directory: string): string => `server: { name: next.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${ports.next} } }
domains: { deep.test: { mailboxes: { u: {} }, aliases: { postmaster: u } } }
`;

const TINY = (port: number, allowed: string, login: string): string =>
  `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nAllow 127.0.0.1\nLogLevel Error\n${allowed}${login}`;

before(async () => {
  if (skip !== false) return;
  const [mx = 0, socks = 0, http = 0, strict = 0, https = 0, late = 0, nextHop = 0, headed = 0] = await Promise.all(
    Array.from({ length: 8 }, freePort),
  );
  ports = { mx, socks, http, strict, https, late, next: nextHop, headed };
  sink = await startRecordingSink();
  folder = await mkdtemp(join(tmpdir(), 'ims-proxies-'));
  const pair = await makeSelfSigned('proxy.test', Date.now());
  await writeFile(join(folder, 'pair.pem'), `${pair.certificatePem}\n${pair.keyPem}`, { mode: 0o600 });
  await writeFile(join(folder, 'http.conf'), TINY(http, '', 'BasicAuth ims secret\n'));
  await writeFile(join(folder, 'strict.conf'), TINY(strict, 'ConnectPort 443\n', ''));
  const tlsFront = `listen https\n  bind 127.0.0.1:${https} ssl crt ${folder}/pair.pem\n  server http 127.0.0.1:${http}\n`;
  const headedFront = `listen headed\n  bind 127.0.0.1:${headed} accept-proxy\n  server sink 127.0.0.1:${sink.port}\n`;
  await writeFile(
    join(folder, 'haproxy.cfg'),
    `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n${tlsFront}${headedFront}`,
  );
  await start('microsocks', microsocks(socks), socks);
  await start('tinyproxy', ['-d', '-c', join(folder, 'http.conf')], http);
  await start('tinyproxy', ['-d', '-c', join(folder, 'strict.conf')], strict);
  await start('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], https);
  next = await startService(NEXT);
  service = await startService(YAML);
});
after(async () => {
  await service?.remove();
  await next?.remove();
  for (const program of programs) await program.end();
  await sink?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function submit(recipient: string): Promise<void> {
  const line = await SmtpLine.open(ports.mx);
  await line.expect(220);
  await line.say('EHLO far.test', 250);
  await line.say('MAIL FROM:<a@far.test>', 250);
  await line.say(`RCPT TO:<${recipient}>`, 250);
  await line.say('DATA', 354);
  await line.say(`Subject: to ${recipient}\r\n\r\nx\r\n.`, 250);
  line.close();
}

/** Resolves with the text of an event about a proxy. */
async function told(number: number, proxy: string): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = service.events.find((one) => one.event === number && one.data['proxy'] === proxy);
    if (found !== undefined) return found.text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no event ${number} of ${proxy}; seen: ${service.told()}`);
}

test('Q165057: mail goes out by way of microsocks and tinyproxy, the latter also behind TLS', { skip }, async () => {
  for (const way of ['socks', 'http', 'https']) {
    await submit(`u@${way}.test`);
    const { from } = await sink.taken(`u@${way}.test`);
    assert.equal(from, 'a@far.test');
  }
});

test('a next hop that demands a PROXY header (HAProxy, accept-proxy) gets one of version 1 or 2', {
  skip,
}, async () => {
  for (const name of ['headed1', 'headed2']) {
    await submit(`u@${name}.test`);
    await sink.taken(`u@${name}.test`);
  }
});

test('Q165057: TLS with the next hop goes within TLS to the proxy', { skip }, async () => {
  await submit('u@deep.test');
  const box = join(next.directory, 'data/mail/deep.test/u/new');
  const name = await until('the mail in the next hop', async () => (await readdir(box).catch(() => []))[0]);
  assert.match(await readFile(join(box, name), 'utf8'), /by next\.test with ESMTPS \(TLSv1\.3/);
});

test('a name goes to a proxy that looks it up, and the proxy’s own name is looked up here', { skip }, async () => {
  await submit('u@names.test');
  await sink.taken('u@names.test');
});

test('Q181420-access: each fault of a proxy is told by its own event with the proxy’s words, and the mail waits', {
  skip,
}, async () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['wronglogin', 3652, /it refused user and password \(status \d\)/],
    ['nologin', 3652, /407/],
    ['wrongkind', 3653, /not SOCKS 5: '220 sink\.test ESMTP'/],
    ['otherkind', 3653, /not HTTP: '220 sink\.test ESMTP'/],
    ['forbids', 3654, /403/],
    ['late', 3650, /ECONNREFUSED/],
  ];
  for (const [way, number, words] of cases) {
    await submit(`u@${way}.test`);
    assert.match(await told(number, way), words, way);
  }
  const { stdout } = await service.ims('--json', 'queue', 'list');
  assert.equal((JSON.parse(stdout) as { total: number }).total, cases.length, stdout);
  assert.ok(!sink.messages.some(({ to }) => cases.some(([way]) => to.includes(`u@${way}.test`))));
});

test('the next proxy is taken where the first one is down', { skip }, async () => {
  await submit('u@fallback.test');
  await sink.taken('u@fallback.test');
});

test('Q222134: once the proxy is there, what waited goes out and an event says so', { skip }, async () => {
  await start('microsocks', microsocks(ports.late), ports.late);
  await service.ims('queue', 'retry', '--all');
  await sink.taken('u@late.test');
  await told(2650, 'late');
});
