/** SSH servers of every kind, set up rightly and wrongly: one service uses them all at once, each as a gateway of its own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { needs, programPath } from '../../support/needs.ts';
import { type RunningProgram, startProgram, until } from '../../support/programs.ts';
import { startService, type TestService } from '../../support/service.ts';
import {
  arrivalsAt,
  buildScene,
  FAR,
  GATEWAY,
  needsScene,
  type Resident,
  type RunningServer,
  type Scene,
  USER_WITHOUT_SHELL,
} from './scene.ts';

const skip = needsScene() || needs('dropbear', 'dropbearkey', 'prlimit');
const run = promisify(execFile);

/** What a server does that is not as it should be, by the name of its gateway. */
interface Server {
  readonly more?: string;
  /** After everything else, as a Match block has to stand. */
  readonly last?: string;
  readonly within?: string;
  readonly user?: string;
  /** Options before the key in its own authorized_keys. */
  readonly key?: string;
}

const SERVERS: Readonly<Record<string, Server>> = {
  local: { more: 'AllowTcpForwarding local' },
  remote: { more: 'AllowTcpForwarding remote' },
  listens: { more: 'PermitListen 9999' },
  opens: { more: 'PermitOpen 192.0.2.1:25' },
  sessions: { more: 'MaxSessions 0' },
  startups: { more: 'MaxStartups 1:100:1' },
  password: { more: 'PubkeyAuthentication no\nPasswordAuthentication yes' },
  kex: { more: 'KexAlgorithms diffie-hellman-group1-sha1' },
  cipher: { more: 'Ciphers aes256-cbc' },
  rsa: { more: 'HostKeyAlgorithms ssh-rsa' },
  files: { within: 'prlimit --nofile=14' },
  nologin: { user: USER_WITHOUT_SHELL },
  forced: { more: 'ForceCommand /bin/false' },
  dropbear: {},
  closed: {},
  stale: {},
  name: {},
  moved: {},
  nokey: {},
  badkey: {},
  nofile: {},
  restricted: { key: 'restrict' },
  permits: { key: 'restrict,port-forwarding,permitlisten="2999"' },
  expired: { key: 'expiry-time="20200101"' },
  from: { key: 'from="192.0.2.99"' },
  match: { last: 'Match User *\nAllowTcpForwarding no' },
};
const NAMES = Object.keys(SERVERS);
/** sshd on 2200 and on, what is bound there for it on 2600 and on. */
const portOf = (name: string): number => 2200 + NAMES.indexOf(name);
const boundOf = (name: string): number => 2600 + NAMES.indexOf(name);
const SECOND = '203.0.113.6';

let scene: Scene;
let far: Resident;
let inner: Resident;
let service: TestService;
let old: RunningProgram | undefined;
const servers = new Map<string, RunningServer>();
const hostKeys = new Map<string, string>();

const zone = (more: string): string => `far.test MX 10 mx.far.test\nmx.far.test A ${FAR}\n${more}`;

async function start(name: string, asIs = SERVERS[name] ?? {}): Promise<void> {
  await servers.get(name)?.end();
  const { last = '', within, key } = asIs;
  const keys = join(scene.directory, `${name}-keys`);
  if (key !== undefined) await writeFile(keys, `${key} ${await readFile(`${scene.keyFile}.pub`, 'utf8')}`);
  const more = key === undefined ? asIs.more : `AuthorizedKeysFile ${keys}`;
  const given = { name, port: portOf(name), last, ...(more === undefined ? {} : { more }) };
  servers.set(name, await scene.startServer({ ...given, ...(within === undefined ? {} : { within }) }));
}

async function startDropbear(name: string, options: string): Promise<void> {
  const key = join(scene.directory, `${name}-host`);
  if (!hostKeys.has(name)) await run(programPath('dropbearkey') ?? '', ['-t', 'ed25519', '-f', key]);
  const { stdout } = await run(programPath('dropbearkey') ?? '', ['-y', '-f', key]);
  await writeFile(`${key}.pub`, stdout.split('\n').find((line) => line.startsWith('ssh-')) ?? '');
  await fingerprint(name, `${key}.pub`);
  const command = `${programPath('dropbear')} -F -E -s ${options} -r ${key} -p ${portOf(name)}`;
  servers.set(name, await scene.startServer({ name, port: portOf(name), command }));
}

async function fingerprint(name: string, file: string): Promise<void> {
  hostKeys.set(name, (await run('ssh-keygen', ['-l', '-f', file])).stdout.split(' ')[1] ?? '');
}

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  far = scene.resident('internet');
  inner = scene.resident('private');
  await run('ip', [...scene.within.gateway.slice(1), 'ip', 'addr', 'add', `${SECOND}/24`, 'dev', 'to-internet']);
  await run('ip', [...scene.within.private.slice(1), 'ip', 'route', 'add', `${SECOND}/32`, 'via', '10.77.1.1']);
  const rsa = join(scene.directory, 'rsa');
  await run('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', rsa]);
  await fingerprint('rsa', `${rsa}.pub`);
  const ssh = join(scene.directory, 'home/.ssh');
  await mkdir(ssh, { mode: 0o700 });
  await copyFile(`${scene.keyFile}.pub`, join(ssh, 'authorized_keys'));
  await chmod(join(ssh, 'authorized_keys'), 0o600);
  for (const path of [ssh, join(ssh, 'authorized_keys')]) await chown(path, 4711, 4711);
  await writeFile(join(scene.directory, 'badkey'), 'this is no key\n', { mode: 0o600 });
  await mkdir(join(scene.directory, 'nofile'), { mode: 0o700 });
  for (const name of NAMES)
    if (name === 'rsa') await start(name, { more: `${SERVERS[name]?.more}\nHostKey ${rsa}` });
    else if (name === 'moved') await start(name, { more: `ListenAddress ${GATEWAY}` });
    else if (name === 'dropbear') await startDropbear(name, '-a');
    else if (name === 'stale') await startDropbear(name, '-a');
    else if (name === 'closed') await startDropbear(name, '');
    else await start(name);
  old = startProgram(scene.within.gateway[0] ?? '', [
    ...scene.within.gateway.slice(1),
    ...['ssh', '-N', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-i', scene.keyFile],
    ...['-p', String(portOf('stale')), '-R', `0.0.0.0:${boundOf('stale')}:127.0.0.1:1`, `${scene.user}@${GATEWAY}`],
  ]);
  const listening = ['ss', '-Hltn', `sport = :${boundOf('stale')}`];
  await until(
    () => 'the old session at Dropbear',
    async () =>
      (await run(scene.within.gateway[0] ?? '', [...scene.within.gateway.slice(1), ...listening])).stdout !== '',
  );
  // Whoever has begun to log in and goes no further takes the only place that this one has.
  await far.ask({ what: 'idle', to: GATEWAY, port: portOf('startups'), count: 1 });
  const dns = await inner.ask<string>({ what: 'dns', zone: zone(`moved.test 1 A ${GATEWAY}`) });
  await far.ask({ what: 'sink', address: FAR });
  service = await startService((directory) => configuration(directory, dns), undefined, scene.within.private);
});

after(async () => {
  await service?.remove();
  await old?.end();
  await scene?.remove();
});

function configuration(directory: string, dns: string): string {
  const gateway = (name: string): string => {
    const host = name === 'name' || name === 'moved' ? `${name}.test` : GATEWAY;
    const key = /key$|^nofile$/.test(name) ? join(scene.directory, name) : scene.keyFile;
    const hostKey = hostKeys.get(name) ?? scene.hostKey;
    const user = SERVERS[name]?.user ?? scene.user;
    return `  ${name}: { host: ${host}, port: ${portOf(name)}, user: ${user}, keyFile: ${key}, hostKey: '${hostKey}', keepAlive: 500ms, listen: [{ port: ${boundOf(name)}, listener: mx }] }\n`;
  };
  return `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: 2526, tls: none } }
domains: { example.test: { catchAll: alice@example.test, mailboxes: { alice: {} } } }
names: { servers: ['${dns}'] }
gateways:
${NAMES.map(gateway).join('')}routing:
  relayDomains: [${NAMES.map((name) => `${name}.far.test`).join(', ')}]
  smartHosts:
${NAMES.map((name) => `    ${name}: { hosts: [{ host: ${FAR}, port: 25 }], tls: none, proxy: ${name} }\n`).join('')}  addressSpaces:
${NAMES.map((name) => `    - { match: ${name}.far.test, via: ${name} }\n`).join('')}`;
}

/** The first event of a number about a gateway. */
const told = (number: number, gateway: string, ms = 10_000): Promise<string> =>
  until(
    () => `event ${number} of ${gateway}; seen: ${service.told()}`,
    () => service.events.find(({ event, data }) => event === number && data['gateway'] === gateway)?.text,
    ms,
  );

async function sendBy(name: string): Promise<void> {
  const said = await inner.ask({ what: 'send', to: '127.0.0.1', port: 2526, recipient: `u@${name}.far.test` });
  assert.equal(said, 'taken');
}

const arrives = (name: string, ms = 15_000): Promise<boolean> =>
  until(
    () => `mail by ${name}; seen: ${service.told()}`,
    async () => (await arrivalsAt(far, `u@${name}.far.test`)) > 0,
    ms,
  );

const answers = async (name: string): Promise<boolean> =>
  (await far.ask({ what: 'banner', to: GATEWAY, port: boundOf(name), withinMs: 3000 })) !== undefined;

test('a user without a shell, a forced command, no sessions at all, an RSA key, Dropbear: each serves both ways', {
  skip,
}, async () => {
  for (const name of ['nologin', 'forced', 'sessions', 'rsa', 'dropbear']) {
    await sendBy(name);
    await arrives(name);
    assert.ok(await answers(name), `${name} answers; seen: ${service.told()}`);
  }
});

test('what a server does not allow is told with its own event and evidence', { skip }, async () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['local', 3663, /AllowTcpForwarding is no or local/],
    ['listens', 3663, /PermitListen/],
    ['startups', 3660, /Exceeded MaxStartups/],
    ['password', 3662, /it takes password/],
    ['kex', 3667, /no matching key exchange algorithm/],
    ['cipher', 3667, /no matching .*cipher/],
    ['closed', 3663, /loopback address only/],
    ['restricted', 3663, /the key is restricted/],
    ['permits', 3663, /it binds other ports for us, but not \d+|the key is restricted \(PermitListen, permitlisten\)/],
    ['match', 3663, /neither ports nor connections: AllowTcpForwarding is no/],
    ['expired', 3662, /did not accept our key/],
    ['from', 3662, /did not accept our key/],
    ['name', 3660, /its name name\.test has no address/],
    ['nokey', 3666, /there is no key that we can read at /],
    ['badkey', 3666, /Unsupported key format/],
    ['nofile', 3666, /there is no key that we can read at /],
  ];
  for (const [name, number, words] of cases) assert.match(await told(number, name), words, name);
});

test('an old session of ours at Dropbear, which nobody but root may end, is named with what to do', {
  skip,
}, async () => {
  assert.match(
    await told(3664, 'stale'),
    /sessions of Dropbear are root's, and only root ends an old one there .*-K 10/,
  );
  await old?.end();
  await told(2660, 'stale', 30_000);
  assert.ok(await answers('stale'));
});

test('what goes out is refused by rule or for want of open files, and waits; what comes in is not touched', {
  skip,
}, async () => {
  for (const [name, words] of [
    ['remote', /may not connect to port 25/],
    ['opens', /may not connect to port 25/],
    ['files', /cannot even connect to itself \(open files/],
  ] as const) {
    if (name === 'files') await far.ask({ what: 'idle', to: GATEWAY, port: boundOf(name), count: 12 });
    await sendBy(name);
    assert.match(await told(3663, name), words);
    if (name !== 'files') assert.ok(await answers(name), `${name} answers`);
  }
  const { parts } = JSON.parse((await service.ims('--json', 'status')).stdout) as {
    parts: readonly { part: string; state: string; cause?: string }[];
  };
  const part = parts.find((one) => one.part === 'gateway opens');
  assert.equal(part?.state, 'degraded');
  assert.match(part?.cause ?? '', /may not connect/);
});

test('once each is set up as it should be, it works again by itself, and what waited arrives; nothing was returned', {
  skip,
}, async () => {
  const before = service.events.length;
  // Nobody restarts these; a session of theirs keeps the rules that it began with.
  const first = ['remote', 'opens'].map((name) => servers.get(name));
  for (const name of ['remote', 'opens']) servers.delete(name);
  await Promise.all(first.map((server) => server?.endListener()));
  const mended = ['local', 'listens', 'startups', 'password', 'kex', 'cipher', 'remote', 'opens', 'files', 'match'];
  mended.push('restricted', 'permits', 'expired', 'from');
  for (const name of mended) await start(name, {});
  await servers.get('closed')?.end();
  await startDropbear('closed', '-a');
  await servers.get('moved')?.end();
  await start('moved', { more: `ListenAddress ${SECOND}` });
  const names = `moved.test 1 A ${SECOND}\nname.test A ${GATEWAY}`;
  await inner.ask({ what: 'dns-load', zone: zone(names) });
  const works = (name: string): boolean =>
    service.events.slice(before).some(({ event, data }) => event === 2660 && data['gateway'] === name);
  for (const name of [...mended, 'closed', 'moved', 'name']) {
    await until(
      () => `${name} works; seen: ${service.told()}`,
      () => works(name),
      60_000,
    );
    assert.ok(await answers(name), `${name} answers`);
  }
  // A key that is put where it belongs is read at the next reload.
  for (const name of ['nokey', 'badkey']) {
    await copyFile(scene.keyFile, join(scene.directory, name));
    await chmod(join(scene.directory, name), 0o600);
  }
  await service.ims('reload');
  for (const name of ['nokey', 'badkey']) await told(2660, name);
  for (const name of ['remote', 'opens', 'files']) await arrives(name, 60_000);
  assert.ok(!service.events.some(({ event }) => event === 3500));
});
