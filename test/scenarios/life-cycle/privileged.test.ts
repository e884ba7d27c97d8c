import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testConfiguration } from '../../support/configurations.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort } from '../../support/service.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const notRoot = process.getuid?.() === 0 ? false : 'needs root to mount a file system and to be another user';
const NOBODY = 65_534;

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ims-'));
  await chmod(directory, 0o755);
});
after(() => rm(directory, { recursive: true, force: true }));

interface Running {
  output(): string;
  readonly ended: Promise<number | null>;
  /** Runs `ims` as the same user. */
  ims(...words: string[]): string;
  end(): Promise<number | null>;
}

function start(configuration: string, uid?: number): Running {
  const who = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn(process.execPath, [MAIN, 'run', '--config', configuration], { cwd: '/', ...who });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    output: () => output,
    ended,
    ims: (...words) =>
      execFileSync(process.execPath, [MAIN, ...words, '--config', configuration], {
        encoding: 'utf8',
        cwd: '/',
        stdio: ['ignore', 'pipe', 'pipe'],
        ...who,
      }),
    end() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

const told = (service: Running, event: number): Promise<void> =>
  until(`event ${event}`, () => service.output().includes(`"event":${event},`), 15_000);

async function configure(name: string, port: number, more = ''): Promise<string> {
  const home = join(directory, name);
  await mkdir(home, { mode: 0o755 });
  const file = join(home, 'ims.yaml');
  const text = testConfiguration({
    directory: home,
    ports: { mx: port },
    workers: 1,
    more: 'names: { servers: [127.0.0.1] }\n',
  });
  await writeFile(file, more === '' ? text : text.replace('server: {', `server: { ${more},`), { mode: 0o644 });
  return file;
}

test('a data directory of another owner is named with both, and taken as soon as it is given', {
  skip: notRoot,
}, async () => {
  const port = await freePort();
  const file = await configure('owner', port);
  const data = join(directory, 'owner/data');
  await mkdir(data, { mode: 0o700 });
  await chown(data, 4242, 4242);
  const service = start(file, NOBODY);
  try {
    await told(service, 3752);
    assert.match(service.output(), /EACCES.*belongs to uid 4242.*the service runs as uid 65534/);
    const shown = service.ims('status');
    assert.match(shown, /^No mail is accepted: storage: /);
    assert.match(shown, new RegExp(`cure {2}chown -R 65534 ${data}\n`));
    await chown(data, NOBODY, NOBODY);
    await told(service, 1000);
    await sendOne(port, 'alice@example.test');
  } finally {
    assert.equal(await service.end(), 0, service.output());
  }
});

test('a file system that is read-only is named, and used as soon as it can be written', { skip: notRoot }, async () => {
  const port = await freePort();
  const file = await configure('read-only', port);
  const data = join(directory, 'read-only/data');
  await mkdir(data);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=900m,ro', 'tmpfs', data]);
  const service = start(file);
  try {
    await told(service, 3752);
    assert.match(service.ims('status'), /EROFS \(the file system is read-only\)[\s\S]*cure {2}findmnt -T /);
    execFileSync('mount', ['-o', 'remount,rw', data]);
    await told(service, 1000);
    await sendOne(port, 'alice@example.test');
  } finally {
    const code = await service.end();
    execFileSync('umount', [data]);
    assert.equal(code, 0, service.output());
  }
});

test('a service that works as another user answers and comes up as well when its volume is away', {
  skip: notRoot,
}, async () => {
  const port = await freePort();
  const file = await configure('user', port, 'user: nobody');
  const data = join(directory, 'user/data');
  let service = start(file);
  await told(service, 1000);
  await until('the configuration is kept', async () =>
    stat(join(data, 'last-good.json')).then(
      () => true,
      () => false,
    ),
  );
  assert.equal(await service.end(), 0);
  await rename(data, `${data}.away`);
  await mkdir(data);
  service = start(file);
  try {
    await told(service, 3752);
    await told(service, 4753);
    assert.match(service.ims('status'), /^No mail is accepted: storage: .* held a spool/);
    await rmdir(data);
    await rename(`${data}.away`, data);
    await told(service, 1000);
    await sendOne(port, 'alice@example.test');
  } finally {
    assert.equal(await service.end(), 0, service.output());
  }
});

test('a last good configuration that an unprivileged process may have written is not used by root', {
  skip: notRoot,
}, async () => {
  const file = join(directory, 'user/ims.yaml');
  const kept = join(directory, 'user/data/last-good.json');
  assert.equal((await stat(kept)).uid, 0);
  const good = await readFile(file, 'utf8');
  await writeFile(file, 'server: [');
  await chown(kept, NOBODY, NOBODY);
  const refused = start(file);
  assert.equal(await refused.ended, 78);
  assert.match(refused.output(), /no last good one is kept/);
  await chown(kept, 0, 0);
  const service = start(file);
  await told(service, 3751);
  await told(service, 1000);
  await until('it is kept as ours', async () => (await stat(kept)).uid === 0);
  assert.equal(await service.end(), 0, service.output());
  await writeFile(file, good);
});

test('a user that this host does not have is the cause in the last lines', { skip: notRoot }, async () => {
  const refused = start(await configure('stranger', await freePort(), 'user: no-such-user-here'));
  assert.equal(await refused.ended, 1);
  const lines = refused.output().trimEnd().split('\n');
  assert.equal(lines.at(-2), 'ims: nothing can run: this host has no user no-such-user-here (server.user)');
  assert.match(lines.at(-1) ?? '', /^ims: next: ims doctor --config /);
});
