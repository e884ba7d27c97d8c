/** `ims repair`, `ims settings` and `ims verify` by the real program, in a directory of their own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const isRoot = process.getuid?.() === 0;
const made: string[] = [];
after(async () => {
  for (const directory of made) await rm(directory, { recursive: true, force: true });
});

const TEXT = `# ours
server: { name: mail.example.test, data: ./data } # kept
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: 0, tls: starttls }
domains:
  example.test:
    mailboxes: { postmaster: {} }
`;

async function place(text = TEXT): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ims-repair-'));
  made.push(directory);
  await mkdir(join(directory, 'data/run'), { recursive: true, mode: 0o700 });
  await mkdir(join(directory, 'data/queue'), { mode: 0o700 });
  await chmod(join(directory, 'data'), 0o700);
  await writeFile(join(directory, 'ims.yaml'), text, { mode: 0o600 });
  return directory;
}

const ims = (directory: string, ...words: string[]): Promise<Ended> => imsAs(undefined, directory, ...words);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function imsAs(uid: number | undefined, directory: string, ...words: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...words], {
      cwd: directory,
      env: { ...process.env, IMS_CONFIG: join(directory, 'ims.yaml') },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk.toString('utf8')));
    child.once('close', (code) => resolve({ code: code ?? -1, ...out }));
  });
}

interface Shown {
  readonly outcomes: readonly {
    readonly check: string;
    readonly repair?: string;
    readonly kind: string;
    readonly snapshot?: string;
  }[];
}
const shown = (stdout: string): Shown['outcomes'] => (JSON.parse(stdout) as Shown).outcomes;
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

async function eventsOf(directory: string): Promise<readonly number[]> {
  const folder = join(directory, 'data/events/command');
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(
    names.filter((name) => name.endsWith('.log')).map((name) => readFile(join(folder, name), 'utf8')),
  );
  return texts.flatMap((text) => [...text.matchAll(/"event":(\d+)/g)].map(([, number]) => Number(number)));
}

test('nothing is changed without consent; with it the check is well, and every step is an event', async () => {
  const directory = await place();
  const queue = join(directory, 'data/queue');
  await chmod(queue, 0o755);
  for (const words of [['--preview'], []]) {
    const asked = await ims(directory, 'repair', 'storage.private', '--json', ...words);
    assert.equal(asked.code, 1);
    assert.deepEqual(
      shown(asked.stdout).map(({ kind }) => kind),
      ['planned'],
    );
    assert.equal(await modeOf(queue), '755');
  }
  const done = await ims(directory, 'repair', 'storage.private', '--yes', '--json');
  assert.equal(done.code, 0, done.stdout + done.stderr);
  assert.equal(shown(done.stdout)[0]?.kind, 'cured');
  assert.equal(await modeOf(queue), '700');
  assert.deepEqual(await eventsOf(directory), [2970, 2971, 2972]);
  assert.equal((await ims(directory, 'repair', 'storage.private')).code, 0);
});

test('a step that may not be done is undone and said with exit code 4 (event 4970)', { skip: !isRoot }, async () => {
  const directory = await place();
  await chmod(join(directory, 'data'), 0o722);
  await chown(join(directory, 'data'), 1234, 1234);
  // Nobody may give the directory away; the plan for him is text.
  const asked = await ims(directory, 'repair', 'storage.data-directory', '--preview', '--json');
  assert.ok(shown(asked.stdout).length > 0, asked.stdout);
  await chown(join(directory, 'data'), 0, 0);
  // The snapshot cannot be written: a file is in its way.
  await writeFile(join(directory, 'data/snapshots'), '');
  const failed = await ims(directory, 'repair', 'storage.data-directory', '--yes', '--json');
  assert.equal(shown(failed.stdout)[0]?.kind, 'failed', failed.stdout);
  assert.equal(failed.code, 5);
  assert.equal(await modeOf(join(directory, 'data')), '722');
  assert.ok((await eventsOf(directory)).includes(4970));
});

test('what a user may not do is said with the command for root, and exit code 4', { skip: !isRoot }, async () => {
  const directory = await place();
  for (const path of ['', 'data', 'data/queue']) await chmod(join(directory, path), 0o755);
  await chmod(join(directory, 'ims.yaml'), 0o644);
  for (const path of ['data', 'data/run']) await chown(join(directory, path), 65_534, 65_534);
  const failed = await imsAs(65_534, directory, 'repair', 'storage.private', '--yes');
  assert.equal(failed.code, 4, failed.stdout + failed.stderr);
  assert.match(failed.stdout, /As root: ims repair storage\.private --yes --config \S+ims\.yaml/);
  assert.equal(await modeOf(join(directory, 'data/queue')), '755');
  assert.equal((await ims(directory, 'repair', 'storage.private', '--yes')).code, 0);
  assert.equal(await modeOf(join(directory, 'data/queue')), '700');
});

test('a data directory of a foreign owner is given to the service, with what the repair wrote', {
  skip: !isRoot,
}, async () => {
  const directory = await place(TEXT.replace('./data }', './data, user: nobody }'));
  const data = join(directory, 'data');
  await chmod(directory, 0o755);
  for (const path of [data, join(data, 'run'), join(data, 'queue')]) await chown(path, 1234, 1234);
  const done = await ims(directory, 'repair', 'storage', '--yes', '--json');
  assert.equal(done.code, 0, done.stdout);
  assert.deepEqual(
    shown(done.stdout).map(({ check, kind }) => [check, kind]),
    [['storage.owner', 'cured']],
  );
  for (const path of ['queue', 'snapshots', 'events/command/00000001.log'])
    assert.equal((await stat(join(data, path))).uid, 65_534, path);
});

test('a mailbox directory of a foreign owner is given to the service', { skip: !isRoot }, async () => {
  const directory = await place(TEXT.replace('./data }', './data, user: nobody }'));
  const data = join(directory, 'data');
  const maildir = join(data, 'mail');
  await mkdir(join(maildir, 'example.test'), { recursive: true });
  await chmod(directory, 0o755);
  for (const path of [data, join(data, 'run'), join(data, 'queue')]) await chown(path, 65_534, 65_534);
  for (const path of [maildir, join(maildir, 'example.test')]) await chown(path, 1234, 1234);
  const done = await ims(directory, 'repair', 'storage.mailboxes-writable', '--yes', '--json');
  const outcome = shown(done.stdout).find(({ check }) => check === 'storage.mailboxes-writable');
  if (outcome === undefined) return; // mailboxes are elsewhere
  assert.equal(outcome.kind, 'cured', done.stdout);
  assert.equal((await stat(join(maildir, 'example.test'))).uid, 65_534);
});

test('a spool that is gone is given up only by name, with consent', async () => {
  const directory = await place();
  await rm(join(directory, 'data'), { recursive: true });
  const sign = join(directory, 'ims.yaml.spool');
  await writeFile(sign, `# sign\nformat 1\ndata ${join(directory, 'data')}\nid 00\nmade 1795379673755\n`);
  const all = await ims(directory, 'repair', '--yes', '--json');
  assert.ok(
    shown(all.stdout).every(({ kind }) => kind === 'person'),
    all.stdout,
  );
  const event = await ims(directory, 'repair', '4753', '--yes');
  assert.match(event.stdout, /Mount the volume/);
  await assert.rejects(stat(join(directory, 'data')));
  const asked = await ims(directory, 'repair', 'storage.unmounted');
  assert.equal(asked.code, 1);
  assert.match(asked.stdout, /A NEW, EMPTY spool may begin/);
  await stat(sign);
  const done = await ims(directory, 'repair', 'storage.unmounted', '--yes');
  assert.equal(done.code, 0, done.stdout + done.stderr);
  await assert.rejects(stat(sign));
  assert.equal(await modeOf(join(directory, 'data')), '700');
});

test('a listener that stands twice stands once afterwards, and comments stay', async () => {
  const directory = await place(
    TEXT.replace('port: 0,', 'port: 25251,').replace(
      'domains:',
      '  again: { tls: starttls, profile: mx, address: 127.0.0.1, port: 25251 }\ndomains:',
    ),
  );
  const done = await ims(directory, 'repair', '3790', '--yes', '--json');
  assert.equal(shown(done.stdout)[0]?.kind, 'cured', done.stdout + done.stderr);
  const text = await readFile(join(directory, 'ims.yaml'), 'utf8');
  assert.match(text, /^# ours\nserver: .* # kept\n/);
  assert.doesNotMatch(text, /again/);
  assert.equal(await modeOf(join(directory, 'ims.yaml')), '600');
});

test('a file with carriage returns and a byte order mark is rewritten on request', async () => {
  const directory = await place(`\ufeff${TEXT.replaceAll('\n', '\r\n')}`);
  const done = await ims(directory, 'repair', 'configuration.line-ends', '--yes', '--json');
  assert.equal(done.code, 0, done.stdout + done.stderr);
  assert.equal(await readFile(join(directory, 'ims.yaml'), 'utf8'), TEXT);
  const again = await ims(directory, 'repair', 'configuration.line-ends', '--yes', '--json');
  assert.deepEqual(
    shown(again.stdout).map(({ kind }) => kind),
    ['nothing'],
  );
});

test('dead sockets go, one on which somebody listens stays', async (context: TestContext) => {
  const directory = await place();
  const live = join(directory, 'data/run/live');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(live, resolve));
  context.after(() => server.close());
  const dead = join(directory, 'data/run/dead');
  const script = `require('node:net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await new Promise((resolve) => spawn(process.execPath, ['-e', script], { stdio: 'ignore' }).once('close', resolve));
  await stat(dead);
  await ims(directory, 'repair', 'service.dead-sockets', '--yes');
  await assert.rejects(stat(dead));
  await stat(live);
});

test('settings are recorded, compared, put back, and moved to another place', async () => {
  const directory = await place();
  const exported = join(directory, 'export.json');
  assert.equal((await ims(directory, 'settings', 'record', '--why', 'first')).code, 0);
  assert.equal((await ims(directory, 'settings', 'record', '--to', exported)).code, 0);
  assert.equal(await modeOf(exported), '600');
  assert.equal((await ims(directory, 'settings', 'compare')).code, 0);
  await writeFile(join(directory, 'ims.yaml'), TEXT.replace('mail.example.test', 'other.example.test'));
  assert.equal((await ims(directory, 'settings', 'compare')).code, 1);
  const list = JSON.parse((await ims(directory, 'settings', 'list', '--json')).stdout) as { id: string; why: string }[];
  assert.deepEqual(
    list.map(({ why }) => why),
    ['first'],
  );
  const id = list[0]?.id ?? '';
  assert.equal((await ims(directory, 'settings', 'restore', id)).code, 1);
  const restored = await ims(directory, 'settings', 'restore', id, '--yes');
  assert.equal(restored.code, 0, restored.stderr);
  assert.equal(await readFile(join(directory, 'ims.yaml'), 'utf8'), TEXT);
  assert.deepEqual(await eventsOf(directory), [2973, 2973, 2974]);

  const elsewhere = await mkdtemp(join(tmpdir(), 'ims-repair-'));
  made.push(elsewhere);
  const moved = await ims(elsewhere, 'settings', 'restore', exported, '--yes');
  assert.equal(moved.code, 0, moved.stderr);
  assert.equal(await readFile(join(elsewhere, 'ims.yaml'), 'utf8'), TEXT);
});

test('a snapshot that was changed, or is of a newer format, is not put back (event 4972)', async () => {
  const directory = await place();
  await ims(directory, 'settings', 'record');
  const [id = ''] = await readdir(join(directory, 'data/snapshots'));
  const content = join(directory, 'data/snapshots', id, 'files/0');
  await writeFile(content, `${TEXT}# changed\n`);
  const changed = await ims(directory, 'settings', 'restore', id, '--yes');
  assert.equal(changed.code, 5);
  assert.match(changed.stderr, /was changed/);
  const manifest = join(directory, 'data/snapshots', id, 'manifest.json');
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"format": 1', '"format": 7'));
  const newer = await ims(directory, 'settings', 'restore', id, '--yes');
  assert.equal(newer.code, 5);
  assert.match(newer.stderr, /format 7, this version knows formats up to 1/);
  assert.ok((await eventsOf(directory)).includes(4972));
});

test('a record from elsewhere writes nothing but what its configuration names', async () => {
  const directory = await place();
  const exported = join(directory, 'export.json');
  await ims(directory, 'settings', 'record', '--to', exported);
  const record = JSON.parse(await readFile(exported, 'utf8')) as { files: Record<string, unknown>[] };
  const [first] = record.files;
  const stranger = join(directory, 'stranger');
  record.files.push({ ...first, path: stranger, use: 'certificate' });
  await writeFile(exported, JSON.stringify(record));
  const restored = await ims(directory, 'settings', 'restore', exported, '--yes');
  assert.equal(restored.code, 0, restored.stderr);
  await assert.rejects(stat(stranger));
});

test('what is beside the configuration goes where it goes, with its secrets', async () => {
  const tls = 'tls: { certificate: ./c.pem, key: ./k.pem }\n';
  const directory = await place(`${TEXT}${tls}`);
  await writeFile(join(directory, 'c.pem'), '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n');
  await writeFile(join(directory, 'k.pem'), '-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n', {
    mode: 0o600,
  });
  const exported = join(directory, 'export.json');
  assert.equal((await ims(directory, 'settings', 'record', '--with-secrets', '--to', exported)).code, 0);
  const elsewhere = await mkdtemp(join(tmpdir(), 'ims-repair-'));
  made.push(elsewhere);
  const moved = await ims(elsewhere, 'settings', 'restore', exported, '--yes');
  assert.equal(moved.code, 0, moved.stderr);
  assert.equal(await modeOf(join(elsewhere, 'k.pem')), '600');
  await stat(join(elsewhere, 'c.pem'));
});

test('a configuration that does not load is never put back', async () => {
  const directory = await place(TEXT.replace('profile: mx', 'profile: nonsense'));
  assert.equal((await ims(directory, 'settings', 'record')).code, 0);
  const [id = ''] = await readdir(join(directory, 'data/snapshots'));
  await writeFile(join(directory, 'ims.yaml'), TEXT);
  const refused = await ims(directory, 'settings', 'restore', id, '--yes');
  assert.equal(refused.code, 5);
  assert.equal(await readFile(join(directory, 'ims.yaml'), 'utf8'), TEXT);
});

test('what is asked for and not known is wrong use', async () => {
  const directory = await place();
  assert.equal((await ims(directory, 'repair', 'nonsense')).code, 2);
  assert.equal((await ims(directory, 'repair', '1999')).code, 2);
});
