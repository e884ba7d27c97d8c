import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, readdir, rename, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

interface Status {
  readonly verdict: string;
  readonly parts: readonly {
    readonly part: string;
    readonly state: string;
    readonly event?: number;
    readonly cause?: string;
    readonly cure?: string;
  }[];
}

let service: TestService;
let port: number;
before(async () => {
  port = await freePort();
  const more = 'names: { servers: [127.0.0.1] }\n';
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, more, workers: 2 }));
});
after(() => service.remove());

const data = (): string => join(service.directory, 'data');

async function status(): Promise<Status> {
  const { code, stdout, stderr } = await service.ims('status', '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Status;
}

const part = (all: Status, name: string) => all.parts.find((one) => one.part === name);

const answers = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const count = (number: number): number => service.events.filter(({ event }) => event === number).length;

test('a healthy service has every part in its list, and one sentence for all', async () => {
  const all = await status();
  assert.equal(all.verdict, 'Everything runs.');
  const names = all.parts.map((one) => one.part);
  for (const name of [
    'configuration',
    'storage',
    'certificate',
    `listener mx at 127.0.0.1:${port}`,
    'worker 0',
    'worker 1',
    'queue of worker 0',
    'queue of worker 1',
    'delivery',
    'resolver',
    'operator',
    'control socket',
  ])
    assert.ok(names.includes(name), `${name} is in ${names.join(', ')}`);
  const { stdout } = await service.ims('status');
  assert.match(stdout, /^Everything runs\.\n/);
});

test('Q185061: where a spool was and the directory is empty nothing is made anew, and the service goes on when it is back', async () => {
  await sendOne(port, 'nobody-yet@example.test').catch(() => undefined);
  await service.stop();
  const away = join(service.directory, 'away');
  await rename(data(), away);
  await mkdir(data(), { mode: 0o700 });
  await service.restart(3752);
  await service.seen(4753);
  assert.equal(await answers(), false);
  const all = await status();
  assert.match(all.verdict, /^No mail is accepted: storage: .* held a spool/);
  assert.deepEqual([part(all, 'storage')?.state, part(all, 'storage')?.event], ['failed', 4753]);
  const shown = (await service.ims('status')).stdout;
  assert.match(shown, /cure {2}findmnt -T /);
  assert.match(shown, /more {2}ims kb 4753/);
  const events = await service.ims('events', '--json');
  assert.ok(events.stdout.includes('service.spool-missing'), 'events are told while nothing can be written');
  assert.deepEqual(await readdir(data()), []);
  await rmdir(data());
  await rename(away, data());
  await service.seen(1000, 15_000);
  assert.deepEqual([count(4753), count(3752), count(2751)], [1, 1, 1]);
  assert.equal(await answers(), true);
  assert.equal((await status()).verdict, 'Everything runs.');
});

test('a reload, doctor and stop reach a service whose storage is away', async () => {
  await service.stop();
  const away = join(service.directory, 'away');
  await rename(data(), away);
  await service.restart(3752);
  const doctor = await service.ims('doctor', '--only', 'service.answers', '--json');
  assert.match(doctor.stdout, /"kind": "healthy"/);
  const reloaded = await service.ims('reload');
  assert.equal(reloaded.code, 0, reloaded.stderr);
  const stopped = await service.ims('stop');
  assert.equal(stopped.code, 0, stopped.stderr);
  await service.seen(1001);
  await assert.rejects(stat(data()));
  await rename(away, data());
  await service.restart();
});

test('a spool that is given up is made anew once its sign is removed', async () => {
  await service.stop();
  await rm(data(), { recursive: true });
  await service.restart(3752);
  await rm(`${service.configuration}.spool`);
  await service.seen(1000, 15_000);
  assert.equal(await answers(), true);
});

test('a directory in the way of the data directory is named with errno and cure, and its end is told', async () => {
  await service.stop();
  const away = join(service.directory, 'away');
  await rename(data(), away);
  await rm(`${service.configuration}.spool`);
  await writeFile(data(), 'not a directory');
  await service.restart(3752);
  const { data: told } = await service.seen(4754);
  assert.equal(told['errno'], 'EEXIST');
  assert.equal(part(await status(), 'storage')?.event, 4754);
  await rm(data());
  await rename(away, data());
  await service.seen(2751, 15_000);
  await service.seen(1000, 15_000);
  assert.equal(count(4754), 1);
});

test('a link to a volume that is not mounted is named as that, nothing is made in its place, and the mount is enough', async () => {
  await service.stop();
  const away = join(service.directory, 'away');
  await rename(data(), away);
  await rm(`${service.configuration}.spool`);
  const volume = join(service.directory, 'volume');
  await symlink(volume, data());
  await service.restart(3752);
  const { data: told, text } = await service.seen(4754);
  assert.equal(told['errno'], 'ENOENT');
  assert.match(text, /leads by a symbolic link to a place that is not there/);
  assert.match(part(await status(), 'storage')?.cure ?? '', /^findmnt -T /);
  await rename(away, volume);
  await service.seen(1000, 15_000);
  await service.stop();
  await rm(data());
  await rename(volume, data());
  await service.restart();
});

test('a file where a directory of the data directory belongs is named, by the service and by the doctor, and mended by hand', {
  timeout: 60_000,
}, async () => {
  for (const name of ['queue', 'events']) {
    const there = join(data(), name);
    await service.stop();
    await rename(there, `${there}.aside`);
    await writeFile(there, 'x');
    await service.restart(3752);
    const { text } = await service.seen(4754);
    assert.ok(text.includes(`${there}, which has to be a directory, is a file`), text);
    const doctor = await service.ims('doctor', '--only', 'storage');
    assert.ok(doctor.stdout.includes(`${there} is a file, where a directory of the service belongs`), doctor.stdout);
    assert.doesNotMatch(doctor.stdout, /broken/);
    await rm(there);
    await rename(`${there}.aside`, there);
    await service.seen(1000, 20_000);
  }
});

test('a queue that cannot be opened keeps its worker from mail and nobody else, until it can be', async () => {
  await service.stop();
  const boot = join(data(), 'queue/1/boot');
  const good = await readFile(boot);
  await writeFile(boot, 'format 999999\nshard 1\nnext 1\n');
  await service.restart(3752);
  const { text } = await service.seen(4752);
  assert.match(text, /999999/);
  assert.equal(await answers(), true, 'the other worker accepts');
  const all = await status();
  assert.match(all.verdict, /^Mail is accepted; .*queue of worker 1/);
  assert.deepEqual([part(all, 'queue of worker 1')?.state, part(all, 'worker 1')?.state], ['failed', 'stopped']);
  await writeFile(boot, good);
  await service.seen(2752, 15_000);
  await service.seen(1000);
  assert.deepEqual([count(4752), count(2752)], [1, 1]);
  await until('everything runs', async () => (await status()).verdict === 'Everything runs.');
});

test('all events of one lasting condition are two: when it begins and when it ends', async () => {
  await service.stop();
  await chmod(data(), 0o700);
  await service.restart();
  assert.deepEqual(
    service.events.filter(({ event }) => event >= 3000).map(({ text }) => text),
    [],
  );
});
