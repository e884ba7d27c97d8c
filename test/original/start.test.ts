import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, copyFile, mkdir, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyInstallation } from '../../src/operate/installation/verify.ts';
import { nodeDisk } from '../../src/world/node/disk.ts';
import { testConfiguration } from '../support/configurations.ts';
import { needs } from '../support/needs.ts';
import { sendOne } from '../support/said.ts';
import { freePort, startService, type TestService } from '../support/service.ts';
import { Client } from './client.ts';
import { until } from './town.ts';

const MAIN = fileURLToPath(new URL('../../src/service/main.js', import.meta.url));
const notRoot = process.getuid?.() === 0 ? false : 'needs root';
let service: TestService | undefined;
let port = 0;

afterEach(async () => {
  await service?.remove();
  service = undefined;
});

const begin = async (more = '', change: (text: string) => string = (text) => text): Promise<TestService> => {
  port = await freePort();
  service = await startService((directory) =>
    change(testConfiguration({ directory, ports: { mx: port }, workers: 1, more })),
  );
  return service;
};

const inbox = (one: TestService, name = 'alice'): Promise<string[]> =>
  readdir(join(one.directory, `data/mail/example.test/${name}/new`)).catch(() => []);
const arrives = (one: TestService, count = 1): Promise<true> =>
  until(async () => ((await inbox(one)).length >= count ? true : undefined), `${count} messages`);

interface Finding {
  readonly id: string;
  readonly verdict: { readonly kind: string; readonly cause?: string; readonly cure?: string };
}

/** What `ims doctor` calls unhealthy. */
async function unhealthy(one: TestService, only: string, ...wrapper: readonly string[]): Promise<readonly Finding[]> {
  const words = [...wrapper, process.execPath, MAIN, 'doctor', '--json', '--only', only, '--config', one.configuration];
  const stdout = await new Promise<string>((resolve) => {
    execFile(words[0] ?? '', words.slice(1), { maxBuffer: 2 ** 24 }, (_error, out) => resolve(out));
  });
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
  return findings.filter(({ verdict }) => verdict.kind === 'unhealthy');
}

test('Q148565: a route to a name that does not resolve holds up only its own mail', async () => {
  const one = await begin(`names: { servers: ['127.0.0.1:9'], timeout: 100ms, tries: 1 }
routing:
  smartHosts: { gone: { hosts: [{ host: nowhere.invalid }] } }
  addressSpaces: [{ match: routed.test, via: gone }]
policy: { localNetworks: [127.0.0.0/8] }
`);
  await sendOne(port, 'x@routed.test');
  await sendOne(port, 'alice@example.test');
  await arrives(one);
  const row = await until(async () => {
    const { stdout } = await one.ims('queue', 'list', '--json');
    const { rows } = JSON.parse(stdout) as { rows: { attempts: number; nextHop: string }[] };
    return rows.find(({ attempts }) => attempts > 0);
  }, 'an attempt by the route');
  assert.match(row.nextHop, /gone/);
  const wrong = (await readFile(one.configuration, 'utf8')).replace('nowhere.invalid', "'192.0.2.300 x'");
  await writeFile(one.configuration, wrong);
  const check = await one.ims('config', 'check');
  assert.equal(check.code, 1);
  assert.match(check.stdout, /ims\.yaml:\d+:\d+: error: routing\.smartHosts\.gone/);
});

test('Q148727, Q174036: an index of the queue that is cut, damaged or gone is made anew from the log', async () => {
  const one = await begin(`routing: { addressSpaces: [{ match: held.test, via: hold }] }
policy: { localNetworks: [127.0.0.0/8] }
`);
  for (let n = 0; n < 20; n += 1) await sendOne(port, `x${n}@held.test`);
  const shard = join(one.directory, 'data/queue/0');
  const damages: readonly ((path: string) => Promise<void>)[] = [
    (path) => truncate(path, 7),
    (path) => writeFile(path, Buffer.alloc(4096, 0xa5)),
    (path) => rm(path),
  ];
  for (const damage of damages) {
    await one.stop();
    const hints = (await readdir(shard)).filter((name) => name.endsWith('.hint'));
    for (const name of hints) await damage(join(shard, name));
    const started = performance.now();
    await one.restart();
    assert.ok(performance.now() - started < 10_000);
    const { total } = JSON.parse((await one.ims('queue', 'list', '--json')).stdout) as { total: number };
    assert.equal(total, 20);
  }
});

test('Q154589: a name without a domain is warned of, and stops nothing', async () => {
  const one = await begin('', (text) => text.replace('mail.example.test', 'box'));
  await sendOne(port, 'alice@example.test');
  const check = await one.ims('config', 'check');
  assert.equal(check.code, 0);
  assert.match(check.stdout, /server\.name: has no domain; many servers refuse such a greeting/);
});

test('Q155814: storage that the service user may not use is named with owner, mode and the commands', {
  skip: notRoot,
}, async () => {
  const one = await begin();
  await one.stop();
  const text = (await readFile(one.configuration, 'utf8')).replace(', workers: 1', ', workers: 1, user: nobody');
  await writeFile(one.configuration, text);
  await chown(join(one.directory, 'data'), 1, 1);
  const found = await unhealthy(one, 'storage');
  const words = found.map(({ verdict }) => `${verdict.cause} ${verdict.cure}`).join('\n');
  assert.match(words, /nobody/);
  assert.match(words, /chown|ims repair|chmod/);
});

test('Q189184: where the service user may not connect or look up, the examination as that user shows the errno', {
  skip: notRoot === false ? needs('unshare', 'setpriv', 'ip') : notRoot,
}, async () => {
  const one = await begin(
    "names: { servers: ['192.0.2.53'], timeout: 200ms, tries: 1 }\nrouting: { smartHosts: { provider: { hosts: [{ host: 192.0.2.25 }] } }, addressSpaces: [{ match: only.test, via: provider }] }\n",
    // A real server: one for trying out needs no names.
    (text) => text.replaceAll('example.test', 'company.com').replace('127.0.0.1', '0.0.0.0'),
  );
  await one.stop();
  const inside = [
    'ip link set lo up',
    'ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; ip address add 10.9.9.2/24 dev v0; ip route add default via 10.9.9.1',
    // To connect is forbidden here, as a sandbox does: EACCES.
    'ip route add prohibit 192.0.2.0/24',
    `chown -R nobody '${one.directory}'`,
    `setpriv --reuid nobody --clear-groups '${process.execPath}' '${MAIN}' doctor --json --config '${one.configuration}'`,
    'true',
  ].join('\n');
  const out = execFileSync('unshare', ['-n', 'sh', '-c', inside], {
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 2 ** 24,
  });
  const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] };
  const words = findings.filter(({ verdict }) => verdict.kind === 'unhealthy').map((found) => JSON.stringify(found));
  assert.ok(
    words.some((text) => /EACCES|may not|forbid/i.test(text) && /192\.0\.2\.25/.test(text)),
    words.join('\n'),
  );
  assert.ok(
    words.some((text) => /EACCES|may not|forbid/i.test(text) && /192\.0\.2\.53/.test(text)),
    words.join('\n'),
  );
});

test('Q160932: a file of the installation that is missing, cut or of another version is named, with what to do', async () => {
  const one = await begin();
  const root = join(one.directory, 'installed');
  const program = join(root, 'dist/src/service');
  await mkdir(program, { recursive: true });
  await mkdir(join(root, 'node_modules/yaml'), { recursive: true });
  const sha256 = createHash('sha256').update('whole').digest('hex');
  const built = { 'src/service/main.js': sha256, 'src/service/run.js': sha256, 'src/service/child.js': sha256 };
  const manifest = { format: 1, version: '9.9.9', node: '>=20.19.0', built, others: {} };
  const lock = { packages: { 'node_modules/yaml': { version: '2.9.1' } } };
  await writeFile(join(root, 'dist/manifest.json'), JSON.stringify(manifest));
  await writeFile(join(root, 'package-lock.json'), JSON.stringify(lock));
  await writeFile(join(root, 'node_modules/yaml/package.json'), '{"version":"1.0.0"}');
  await writeFile(join(program, 'main.js'), 'whole');
  await writeFile(join(program, 'run.js'), 'who');
  const found = await verifyInstallation(nodeDisk, program, '18.0.0');
  assert.ok(found.ok);
  assert.deepEqual(
    found.differences.map(({ what, seen }) => `${what.replace(`${root}/`, '')} ${seen.replace(/ \(.*/, '')}`),
    [
      'Node 18.0.0',
      'dist/src/service/run.js changed',
      'dist/src/service/child.js is missing',
      'node_modules/yaml 1.0.0',
    ],
  );
  assert.match((await one.ims('verify', '--help')).stdout, /what was built/);
});

test('Q169686: fewer descriptors than sessions allowed are named by the doctor, and stop nothing', {
  skip: needs('prlimit'),
}, async () => {
  const one = await begin();
  execFileSync('prlimit', ['--pid', String(one.pid), '--nofile=128:128']);
  for (const worker of await one.workers()) execFileSync('prlimit', ['--pid', String(worker), '--nofile=128:128']);
  await sendOne(port, 'alice@example.test');
  const found = await unhealthy(one, 'host.file-descriptors');
  assert.match(found[0]?.verdict.cause ?? '', /128/);
  assert.match(found[0]?.verdict.cure ?? '', /LimitNOFILE|ulimit|connectionsMax/);
});

test('Q181950: what stands in a message is data in every output: no formats, no commands to the terminal', async () => {
  const one = await begin();
  const client = await Client.open(port);
  const nasty = '%s%n%Z %d \x1b[2J\x1b]0;gone\x07 ${x} \\n';
  const content = `Message-ID: <a%s\x1b[2J@x.test>\r\nSubject: ${nasty}\r\n\r\n${nasty}\r\n`;
  assert.match(await client.send({ from: 'a%s@far.test', to: ['alice@example.test'], content }), /^250/);
  client.close();
  await arrives(one);
  const outputs = [
    await one.ims('trace', 'alice@example.test'),
    await one.ims('events'),
    await one.ims('mailbox', 'list', 'alice'),
  ];
  for (const { code, stdout } of outputs) {
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, /[\x00-\x08\x0b-\x1f\x7f]/);
  }
  assert.match(outputs[2]?.stdout ?? '', /%s%n%Z/);
  assert.equal(await one.stop(), 0);
});

test('Q182346: without its control socket the service carries mail, and says what stands in the way', async () => {
  const one = await begin();
  await one.stop();
  const socket = join(one.directory, 'data/run/control');
  await rm(socket, { force: true });
  await mkdir(join(socket, 'in-the-way'), { recursive: true });
  await one.restart();
  await sendOne(port, 'alice@example.test');
  await arrives(one);
  const status = await one.ims('status');
  assert.notEqual(status.code, 0);
  assert.ok(
    one.events.some(({ name, text }) => name === 'service.part-failed' && text.includes('control')),
    one.events.map(({ text }) => text).join('\n'),
  );
});

test('Q189614: an event carries its number, its text and its fields wherever it is written', async () => {
  const one = await begin();
  await one.stop();
  const folder = join(one.directory, 'data/events/supervisor');
  const logs = (await readdir(folder)).filter((name) => !name.endsWith('.index'));
  const text = (await Promise.all(logs.map((name) => readFile(join(folder, name), 'utf8')))).join('');
  const line = text.split('\n').find((each) => each.includes('service.starting')) ?? '';
  const { event, text: words, data } = JSON.parse(line) as { event: number; text: string; data: object };
  assert.equal(typeof event, 'number');
  assert.match(words, /the service/);
  assert.ok(Object.keys(data).length > 0);
});

test('Q191548: a host without IPv6 binds what there is, and takes mail', {
  skip: notRoot === false ? needs('unshare') : notRoot,
}, async () => {
  const one = await begin('', (text) => text.replace('address: 127.0.0.1', "address: ['0.0.0.0', '::']"));
  await one.stop();
  const inside = [
    'ip link set lo up 2>/dev/null',
    'for f in all default lo; do echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done',
    `timeout 20 '${process.execPath}' '${MAIN}' run --config '${one.configuration}' & pid=$!`,
    `for i in $(seq 100); do '${process.execPath}' -e 'require("node:net").connect(${port},"127.0.0.1").on("data",(d)=>{console.log(String(d));process.exit(0)}).on("error",()=>process.exit(1))' && break; sleep 0.1; done`,
    'kill $pid; wait $pid',
  ].join('\n');
  const out = execFileSync('unshare', ['-n', 'sh', '-c', inside], { encoding: 'utf8', timeout: 60_000 });
  assert.match(out, /^220 mail\.example\.test/m);
  assert.match(out, /"event":1001/);
});

test('Q193782: a malformed encapsulated address is refused, and ends nothing', async () => {
  const one = await begin();
  const client = await Client.open(port);
  await client.say('MAIL FROM:<a@far.test>');
  for (const local of ['IMCEAEX-_O=X+ZZ+2_OU=Y', 'IMCEA-+', 'IMCEAX400-c=US+3Ba=+ZZ'])
    assert.match(await client.say(`RCPT TO:<${local}@example.test>`), /^550 5\.1\.1|^553 5\.1\.3/);
  assert.match(await client.say('RCPT TO:<alice@example.test>'), /^250/);
  client.close();
  assert.ok(!one.events.some(({ event }) => event >= 4000));
});

test('Q257618: the version is in the status and at the start, and not in the banner', async () => {
  const one = await begin();
  const { version } = JSON.parse((await one.ims('status', '--json')).stdout) as { version: string };
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.equal((await one.ims('--version')).stdout.trim(), version);
  assert.ok(
    one.events.some(({ name, text }) => name === 'service.starting' && text.includes(version)),
    'the event of the start names the version',
  );
  const banner = await new Promise<string>((resolve) =>
    connect(port, '127.0.0.1').once('data', (octets) => resolve(String(octets))),
  );
  assert.ok(!banner.includes(version), banner);
});

test('Q268643: without /etc/services and /etc/protocols the service starts; a layer between program and sockets is named', {
  skip: notRoot === false ? needs('unshare') : notRoot,
}, async () => {
  const one = await begin();
  await one.stop();
  const inside = [
    'for f in /etc/services /etc/protocols; do [ -e $f ] || : >$f; mount --bind /dev/null $f; done',
    `timeout 20 '${process.execPath}' '${MAIN}' run --config '${one.configuration}' & pid=$!`,
    `for i in $(seq 100); do '${process.execPath}' -e 'require("node:net").connect(${port},"127.0.0.1").on("data",(d)=>{console.log(String(d));process.exit(0)}).on("error",()=>process.exit(1))' && break; sleep 0.1; done`,
    'kill $pid; wait $pid',
  ].join('\n');
  const out = execFileSync('unshare', ['-m', 'sh', '-c', inside], { encoding: 'utf8', timeout: 60_000 });
  assert.match(out, /^220 mail\.example\.test/m);
  assert.match(out, /"event":1001/);
  // Any library will do under the name of one that takes over sockets.
  const real = /\/\S+\/libm\.so\.6$/m.exec(await readFile('/proc/self/maps', 'latin1'))?.[0] ?? '';
  const layer = join(one.directory, 'libproxychains4.so');
  await copyFile(real, layer);
  const found = await unhealthy(one, 'host', 'env', `LD_PRELOAD=${layer}`);
  assert.match(found.map(({ verdict }) => verdict.cause).join('\n'), /libproxychains4/);
});

test('Q272506: a giant foreign file among the queue delays no start and is left alone', async () => {
  const one = await begin();
  await sendOne(port, 'alice@example.test');
  await arrives(one);
  await one.stop();
  const path = join(one.directory, 'data/queue/0/core.4711');
  const file = await open(path, 'w');
  await file.truncate(16 * 1024 ** 3);
  await file.close();
  const started = performance.now();
  await one.restart();
  assert.ok(performance.now() - started < 10_000);
  await sendOne(port, 'alice@example.test');
  await arrives(one, 2);
  assert.equal((await stat(path)).size, 16 * 1024 ** 3);
  assert.ok(!one.events.some(({ event }) => event === 3018), 'a sparse file takes no space');
});

test('Q300931: logs that are removed under the running service are begun anew', async () => {
  const one = await begin();
  await sendOne(port, 'alice@example.test');
  await arrives(one);
  for (const folder of ['events', 'timeline']) {
    const root = join(one.directory, 'data', folder);
    for (const name of await readdir(root).catch(() => [])) await rm(join(root, name), { recursive: true });
  }
  await sendOne(port, 'bob@example.test');
  await arrives(one);
  await one.ims('reload');
  await until(
    async () => {
      await sendOne(port, 'bob@example.test');
      return /received/.test((await one.ims('trace', 'bob@example.test')).stdout) ? true : undefined;
    },
    'a life of a message after the removal',
    30_000,
  );
  assert.equal((await one.ims('events')).code, 0);
  assert.equal(await one.stop(), 0);
});

test('Q306308: networks that are refused never keep the service from itself', async () => {
  const one = await begin('policy: { blockedNetworks: [127.0.0.0/8] }\n');
  const client = await Client.dial(port, '127.0.0.1');
  assert.match(await client.reply(), /^554/);
  client.close();
  assert.equal((await one.ims('status')).code, 0);
  assert.deepEqual(
    (await unhealthy(one, 'listeners')).map(({ verdict }) => verdict.cause),
    [],
  );
});
