/** What the README says, followed word by word: a fresh host, a rented one as Debian sets it up, `ims setup`, mail both ways. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needs } from '../../support/needs.ts';
import { needsPostfix } from '../../support/postfix.ts';
import { until } from '../../support/programs.ts';
import { startService, type TestService } from '../../support/service.ts';
import { buildScene, CLIENT, FAR, GATEWAY, needsScene, type Resident, type Scene } from './scene.ts';

const skip = needsScene() || needs('ssh', 'swaks', 'ss') || needsPostfix();
const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const run = promisify(execFile);

let scene: Scene;
let inner: Resident;
let far: Resident;
let post: Resident;
let world: TestService;
let service: TestService | undefined;
let within: readonly string[];
let configuration: string;
let password = '';

const ZONE = `example.test MX 10 mail.example.test
mail.example.test A ${GATEWAY}
example.test TXT "v=spf1 ip4:${GATEWAY} -all"
mail.example.test TXT "v=spf1 ip4:${GATEWAY} -all"
5.113.0.203.in-addr.arpa PTR mail.example.test
far.test MX 10 mx.far.test
mx.far.test A ${FAR}
far.test TXT "v=spf1 ip4:${CLIENT} -all"
post.test MX 10 mx.post.test
mx.post.test A ${CLIENT}
`;

/** A systemd of a machine that has none: it does what the commands for a gateway ask of it. */
const SYSTEMCTL = `#!/bin/sh
echo "$*" >> /run/asked
case "$*" in
'reload ssh') kill -HUP "$(cat /run/sshd.pid)" ;;
'restart ssh')
  kill "$(cat /run/sshd.pid)"; while kill -0 "$(cat /run/sshd.pid)" 2>/dev/null; do sleep 0.05; done
  ulimit -n "$(sed -n 's/^LimitNOFILE=//p' /etc/systemd/system/ssh.service.d/*.conf)"
  /usr/sbin/sshd </dev/null >/dev/null 2>&1 ;;
esac
`;

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  [inner, far, post] = [scene.resident('private'), scene.resident('internet'), scene.resident('internet')];
  await rentHost();
  await inner.ask({ what: 'dns', zone: ZONE, address: '127.0.0.1', port: 53 });
  await far.ask({ what: 'dns', zone: ZONE, address: '127.0.0.1', port: 53 });
  const names = join(scene.directory, 'resolv.conf');
  await writeFile(names, 'nameserver 127.0.0.1\n');
  const mount = `mount --bind ${names} /etc/resolv.conf && exec "$@"`;
  within = [...scene.within.private, 'sh', '-c', mount, 'sh'];
  world = await startService(
    (directory) => `server: { name: mx.far.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: ${FAR}, port: 25, tls: starttls } }
domains: { far.test: { mailboxes: { bob: {} } } }
names: { servers: ['127.0.0.1:53'] }
`,
    undefined,
    scene.within.internet,
  );
  await post.ask({ what: 'postfix', address: CLIENT, domain: 'post.test', relay: GATEWAY });
});

after(async () => {
  await service?.remove();
  await world?.remove();
  await post?.ask({ what: 'postfix-end' });
  await scene?.remove();
});

/** A host as a provider hands it over: Debian's own sshd, root logs in with a key, low ports are root's. */
async function rentHost(): Promise<void> {
  const machine = join(scene.directory, 'machine');
  await cp('/etc', join(machine, 'etc'), { recursive: true, verbatimSymlinks: true });
  for (const folder of ['lib', 'run', 'root/.ssh', 'sysctl']) await mkdir(join(machine, folder), { recursive: true });
  for (const folder of ['root', 'root/.ssh']) await chmod(join(machine, folder), 0o700);
  await writeFile(join(machine, 'etc/sysctl.conf'), '');
  await rm(join(machine, 'etc/sysctl.d'), { recursive: true, force: true });
  await mkdir(join(machine, 'etc/sysctl.d'));
  await writeFile(join(machine, 'systemctl'), SYSTEMCTL, { mode: 0o755 });
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(scene.directory, 'admin')]);
  await cp(join(scene.directory, 'admin.pub'), join(machine, 'root/.ssh/authorized_keys'));
  const places = [
    ['etc', '/etc'],
    ['lib', '/var/lib'],
    ['run', '/run'],
    ['root', '/root'],
    ['sysctl', '/usr/lib/sysctl.d'],
    ['systemctl', '/usr/bin/systemctl'],
  ].map(([from, to]) => `mount --bind ${machine}/${from} ${to}`);
  const low = 'echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start';
  const prepare = [...places, low, 'ssh-keygen -A'].join(' && ');
  await scene.startServer({ name: 'rented', port: 22, prepare, command: '/usr/sbin/sshd -D' });
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** A line in the shell of the private host. */
function shell(line: string): Promise<Ended> {
  const [program = '', ...words] = [...within, 'sh', '-c', line];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], cwd: scene.directory });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? -1, output })));
}

const ims = (words: string): Promise<Ended> => shell(`${process.execPath} ${MAIN} ${words} --config ${configuration}`);

test('`ims setup` asks how to send, takes a gateway, and writes a configuration that is valid', { skip }, async () => {
  configuration = join(scene.directory, 'ims/ims.yaml');
  await shell("mkdir -p ims && ssh-keygen -q -t ed25519 -N '' -f ims/gateway-key");
  const answers = [
    '--hostname mail.example.test --domain example.test --mailbox alice --user none',
    `--send gateway=ims-gateway@${GATEWAY} --gateway-key ${scene.directory}/ims/gateway-key`,
    `--data ${scene.directory}/ims/data`,
  ];
  const { code, output } = await ims(`setup --yes --json --no-doctor ${answers.join(' ')}`);
  assert.equal(code, 0, output);
  const made = JSON.parse(output.slice(output.indexOf('{'))) as {
    readonly passwords: readonly { readonly mailbox: string; readonly password: string }[];
  };
  password = made.passwords[0]?.password ?? '';
  const check = await ims('config check');
  assert.equal(check.code, 0, check.output);
});

test('`ims gateway prepare | ssh root@host sh` sets the far side up, and prints its fingerprint', {
  skip,
}, async () => {
  const before = await ims('gateway check outpost');
  assert.match(before.output, /it shows SHA256:\S+ \(ssh-ed25519\), and no hostKey is set/);
  const known = `-o UserKnownHostsFile=${scene.directory}/known -o StrictHostKeyChecking=accept-new -o BatchMode=yes`;
  const ssh = `ssh -i ${scene.directory}/admin ${known} root@${GATEWAY} sh`;
  const { output } = await ims('gateway prepare outpost').then(() =>
    shell(`${process.execPath} ${MAIN} gateway prepare outpost --config ${configuration} | ${ssh}; echo ended $?`),
  );
  assert.match(output, /ended 0$/m, output);
  const shown = /^256 (SHA256:\S+) .*\(ED25519\)$/m.exec(output)?.[1];
  assert.ok(shown !== undefined && before.output.includes(shown), output);
  assert.doesNotMatch(output, /rror|denied|not found|usage/i, output);
  const text = await readFile(configuration, 'utf8');
  assert.match(text, /# hostKey: SHA256:\.\.\./);
  await writeFile(configuration, text.replace('# hostKey: SHA256:...', `hostKey: ${shown}`));
  // The commands may be given again: nothing is there twice, and nothing fails.
  const again = await shell(
    `${process.execPath} ${MAIN} gateway prepare outpost --config ${configuration} | ${ssh}; echo ended $?`,
  );
  assert.match(again.output, /ended 0$/m, again.output);
});

test('`ims gateway check` finds the far side well before and while the service runs', { skip }, async () => {
  const before = await ims('gateway check outpost');
  assert.match(before.output, /well +log in at 203\.0\.113\.5:22 as ims-gateway: OpenSSH/);
  assert.match(before.output, /well +bind 0\.0\.0\.0:25 there: allowed, and reached from outside/, before.output);
  assert.match(before.output, /well +name of 203\.0\.113\.5 \(PTR\): mail\.example\.test/);
  const text = await readFile(configuration, 'utf8');
  service = await startService(() => text, undefined, within);
  await service.seen(2660, 20_000);
  const { output } = await ims('gateway check outpost --probe far.test');
  assert.match(
    output,
    /well +port 25 outwards from there: Port 25 is open outwards: mx\.far\.test \[203\.0\.113\.1\]:25/,
  );
  assert.match(output, /well +bind 0\.0\.0\.0:25 there: our service holds it and answers/);
  assert.match(output, /well +reach 203\.0\.113\.5:25 from this host: 220 mail\.example\.test/);
  assert.doesNotMatch(output, /BAD/, output);
});

test('a provider that drops what goes out to port 25 is found by `ims gateway check --probe`', { skip }, async () => {
  const rule = ['iptables', '-A', 'OUTPUT', '-o', 'to-internet', '-p', 'tcp', '--dport', '25', '-j', 'DROP'];
  const [program = '', ...words] = scene.within.gateway;
  await run(program, [...words, ...rule]);
  const { code, output } = await ims('gateway check outpost --probe far.test');
  await run(program, [...words, ...rule.map((word) => (word === '-A' ? '-D' : word))]);
  assert.match(output, /BAD +port 25 outwards from there: Port 25 is closed outwards: no connection to mx\.far\.test/);
  assert.match(output, /cure: Let the provider of the gateway open port 25 outwards/);
  assert.equal(code, 1);
});

async function mailIn(folder: string, sign: RegExp): Promise<string> {
  return until(`mail with ${sign}`, async () => {
    const names = await readdir(folder).catch(() => []);
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    return texts.find((text) => sign.test(text));
  });
}

test('mail of a real Postfix comes in with its true address, for which SPF says pass; a stranger’s does not', {
  skip,
}, async () => {
  const box = join(scene.directory, 'ims/data/mail/example.test/alice/new');
  assert.equal(await post.ask({ what: 'send', to: '127.0.0.1', recipient: 'alice@example.test' }), 'taken');
  const text = await mailIn(box, /^Received: from postfix\.test/m);
  assert.match(text, /^Received: from postfix\.test \([^)]*\[203\.0\.113\.77\]\)/m);
  assert.match(text, /spf=pass \(203\.0\.113\.77: [^)]*\)\r?\n\s+smtp\.mailfrom=someone@far\.test/);
  assert.equal(await far.ask({ what: 'send', to: GATEWAY, recipient: 'alice@example.test' }), 'taken');
  const other = await mailIn(box, /^Received: from far\.test \(\[203\.0\.113\.1\]\)/m);
  assert.match(other, /spf=fail \(203\.0\.113\.1[:)]/);
});

test('mail of a user leaves from the gateway: the far side sees its address, and SPF passes there', {
  skip,
}, async () => {
  const login = `--auth PLAIN --auth-user alice@example.test --auth-password '${password}'`;
  for (const to of ['bob@far.test', 'bob@post.test']) {
    const sent = await shell(`swaks --server 127.0.0.1:587 -tls ${login} --from alice@example.test --to ${to}`);
    assert.equal(sent.code, 0, sent.output);
  }
  const text = await mailIn(
    join(world.directory, 'data/mail/far.test/bob/new'),
    /^Received: from mail\.example\.test/m,
  );
  assert.match(text, /^Received: from mail\.example\.test \([^)]*\[203\.0\.113\.5\]\)/m);
  assert.match(text, /spf=pass \(203\.0\.113\.5: [^)]*\)\r?\n\s+smtp\.mailfrom=alice@example\.test/);
  const [received = ''] = await until('mail at Postfix', async () => {
    const mail = await post.ask<string[]>({ what: 'postfix-mail' });
    return mail.length > 0 ? mail : undefined;
  });
  assert.match(received, /Received: from mail\.example\.test \([^)]*\[203\.0\.113\.5\]\)\s+by postfix\.test/);
});
