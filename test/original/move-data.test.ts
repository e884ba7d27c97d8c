import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { testConfiguration } from '../support/configurations.ts';
import { sendOne } from '../support/said.ts';
import { freePort, startService, type TestService } from '../support/service.ts';
import { until } from './town.ts';

let service: TestService | undefined;
let port = 0;

afterEach(async () => {
  await service?.remove();
  service = undefined;
});

const begin = async (more = '', change: (text: string) => string = (text) => text): Promise<TestService> => {
  port = await freePort();
  service = await startService((directory) => {
    chmodSync(directory, 0o755); // for a service that works as another user
    return change(testConfiguration({ directory, ports: { mx: port }, workers: 1, more }));
  });
  return service;
};

/** Processes that are supervisors of a configuration. */
async function running({ configuration }: TestService): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const words = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')));
  return words.filter((one) => one.includes(`\0run\0--config\0${configuration}\0`));
}

test('Q244048: one command moves the data directory of a running service, and it runs on with all its mail', {
  timeout: 120_000,
}, async () => {
  const one = await begin(
    `routing: { addressSpaces: [{ match: held.test, via: hold }] }
policy: { localNetworks: [127.0.0.0/8] }
`,
    (text) => `# a comment that stays\n${text}`,
  );
  for (let n = 0; n < 5; n += 1) await sendOne(port, `x${n}@held.test`);
  await sendOne(port, 'alice@example.test');
  const inbox = join(one.directory, 'data/mail/example.test/alice/new');
  await until(async () => ((await readdir(inbox).catch(() => [])).length > 0 ? true : undefined), 'mail for alice');
  const to = join(one.directory, 'other disk');
  assert.equal((await one.ims('data', 'move', to)).code, 1, 'not without consent');
  const before = await readFile(one.configuration, 'utf8');
  assert.ok(before.includes(`${one.directory}/data`));
  const { mode } = await stat(join(one.directory, 'data'));
  const { code, stdout, stderr } = await one.ims('data', 'move', to, '--yes', '--json');
  try {
    assert.equal(code, 0, stderr);
    const { old, ran } = JSON.parse(stdout) as { old: string; ran: string };
    assert.equal(ran, 'by itself');
    const after = await readFile(one.configuration, 'utf8');
    assert.ok(after.startsWith('# a comment that stays\n') && after.includes(to), after);
    assert.ok((await readFile(`${one.configuration}.spool`, 'utf8')).includes(`data ${to}\n`));
    const { total } = JSON.parse((await one.ims('queue', 'list', '--json')).stdout) as { total: number };
    assert.equal(total, 5);
    assert.equal((await readdir(join(to, 'mail/example.test/alice/new'))).length, 1);
    assert.equal((await stat(to)).mode, mode);
    assert.match((await one.ims('events', '--number', '2861')).stdout, /was moved from/);
    assert.ok((await readdir(old)).includes('queue'), 'the old one is kept, under another name');
    assert.deepEqual(await readdir(join(one.directory, 'data')).catch(() => 'gone'), 'gone');
    await sendOne(port, 'x5@held.test');
  } finally {
    await one.ims('stop');
  }
  await until(async () => ((await one.ims('status')).code === 3 ? true : undefined), 'the end of it');
});

test('Q244048: a service that does not run is moved too, with owners and modes, and is said to be started by hand', {
  timeout: 60_000,
}, async () => {
  const one = await begin();
  await one.stop();
  const key = join(one.directory, 'data/mail/own');
  await mkdir(join(one.directory, 'data/mail'), { recursive: true });
  await writeFile(key, 'x', { mode: 0o640 });
  if (process.getuid?.() === 0) await chown(key, 12_345, 12_346);
  const before = await stat(key);
  const { code, stdout, stderr } = await one.ims('data', 'move', join(one.directory, 'new'), '--yes');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /The service did not run\. Start it: ims run --config/);
  const after = await stat(join(one.directory, 'new/mail/own'));
  assert.deepEqual(
    [after.uid, after.gid, after.mode, Math.round(after.mtimeMs)],
    [before.uid, before.gid, before.mode, Math.round(before.mtimeMs)],
  );
  await one.restart();
  assert.equal((await one.ims('status')).code, 0);
});

test('Q244048: where the service cannot work at the new place, all is put back and it runs as before', {
  timeout: 120_000,
  skip: process.getuid?.() === 0 ? false : 'needs root',
}, async () => {
  const one = await begin('', (text) => text.replace('workers: 1', 'workers: 1, user: nobody'));
  await sendOne(port, 'alice@example.test');
  const closed = join(one.directory, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const text = await readFile(one.configuration, 'utf8');
  const { code, stderr } = await one.ims('data', 'move', join(closed, 'ims'), '--yes');
  try {
    assert.equal(code, 5);
    assert.match(stderr, /everything is as it was, and it runs there again/);
    assert.equal(await readFile(one.configuration, 'utf8'), text);
    assert.equal((await running(one)).length, 1, 'two services');
    assert.match((await readdir(closed)).join(), /^ims\.failed-\S+$/);
    await until(
      async () => (/"Everything runs/.test((await one.ims('status', '--json')).stdout) ? true : undefined),
      'the service at its old place',
    );
    await sendOne(port, 'alice@example.test');
  } finally {
    await one.ims('stop');
  }
  await until(async () => ((await one.ims('status')).code === 3 ? true : undefined), 'the end of it');
});

test('Q244048: what cannot be moved is said before the service is touched', { timeout: 60_000 }, async () => {
  const one = await begin();
  const data = join(one.directory, 'data');
  const said = async (to: string): Promise<string> => {
    const { code, stderr } = await one.ims('data', 'move', to, '--yes');
    assert.equal(code, 1);
    return stderr;
  };
  assert.match(await said(join(data, 'inside')), /one within the other/);
  assert.match(await said(join(one.directory, 'not/there')), /there is no directory/);
  await mkdir(join(one.directory, 'full'));
  await writeFile(join(one.directory, 'full/something'), '');
  assert.match(await said(join(one.directory, 'full')), /is not empty/);
  await symlink('/etc/hosts', join(data, 'link'));
  assert.match(await said(join(one.directory, 'else')), /symbolic link/);
  assert.equal((await one.ims('status')).code, 0);
});

test('Q244048: a data directory that was moved by hand is found whole where the configuration says', async () => {
  const one = await begin(`routing: { addressSpaces: [{ match: held.test, via: hold }] }
policy: { localNetworks: [127.0.0.0/8] }
`);
  for (let n = 0; n < 5; n += 1) await sendOne(port, `x${n}@held.test`);
  await one.stop();
  await rename(join(one.directory, 'data'), join(one.directory, 'elsewhere'));
  const text = await readFile(one.configuration, 'utf8');
  await writeFile(one.configuration, text.replace(`${one.directory}/data`, `${one.directory}/elsewhere`));
  await one.restart();
  const { total } = JSON.parse((await one.ims('queue', 'list', '--json')).stdout) as { total: number };
  assert.equal(total, 5);
});
