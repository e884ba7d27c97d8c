import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimDisk } from '../../world/sim/disk.ts';
import { formatParts, type Migration, migrations, printRegister, readFormats, registerPath } from './formats.ts';
import { type FormatsWorld, openFormats } from './migrate.ts';

const DATA = '/srv/ims';

interface Stage {
  readonly disk: SimDisk;
  readonly told: string[];
  readonly snapshots: string[];
  open(more?: Partial<FormatsWorld>): ReturnType<typeof openFormats>;
}

async function stage(files: Readonly<Record<string, string>>): Promise<Stage> {
  const disk = new SimDisk({ random: { fraction: () => 0.5 } });
  await disk.makeDirectory(DATA);
  for (const [path, text] of Object.entries(files)) {
    await disk.makeDirectory(`${DATA}/${path}`.replace(/\/[^/]*$/, ''));
    await disk.replaceFile(`${DATA}/${path}`, text);
  }
  const told: string[] = [];
  const snapshots: string[] = [];
  return {
    disk,
    told,
    snapshots,
    open: (more = {}) =>
      openFormats({
        disk,
        data: DATA,
        version: '0.1.0',
        migrated: ({ part, from, to }) => told.push(`${part} ${from} ${to}`),
        snapshot: async (paths, why) => {
          snapshots.push(`${why}: ${paths.join(', ')}`);
          return '';
        },
        ...more,
      }),
  };
}

const known = Object.fromEntries(formatParts.map(({ name, known: format }) => [name, format]));

test('a new data directory gets a register and no migration', async () => {
  const { disk, told, open } = await stage({ spool: 'format 1\n', 'events/supervisor/1.log': '' });
  assert.deepEqual(await open(), { kind: 'known' });
  assert.deepEqual(told, []);
  const found = await readFormats(disk, DATA);
  assert.ok(found.kind === 'register');
  assert.deepEqual(found.register.parts, known);
});

test('every part has a step from every earlier format, and none twice', () => {
  for (const { name, known: to } of formatParts)
    for (let from = 0; from < to; from += 1)
      assert.equal(migrations.filter((one) => one.part === name && one.from === from).length, 1, `${name} ${from}`);
});

test('a directory from before there were registers is migrated, once (event 2975)', async () => {
  const { told, open } = await stage({ 'queue/0/boot': 'format 1\nshard 0\nnext 2\n', 'events/supervisor/1.log': '' });
  assert.deepEqual(await open(), { kind: 'known' });
  assert.deepEqual(told, ['queue 0 1', 'events 0 1']);
  assert.deepEqual(await open(), { kind: 'known' });
  assert.equal(told.length, 2);
});

test('a newer format is named with both versions, and nothing is touched', async () => {
  const text = printRegister({ ...known, events: 9 }, '3.0.0');
  const { disk, open } = await stage({ 'formats.json': text });
  const path = registerPath(DATA);
  assert.deepEqual(await open(), { kind: 'newer', part: 'events', path, found: 9, known: 1, writtenBy: '3.0.0' });
  assert.equal((await disk.readFile(path)).toString('utf8'), text);
});

test('of every kind of file a newer format is named with both versions, and nothing is touched', async () => {
  for (const { name, known: own } of formatParts) {
    const text = printRegister({ ...known, [name]: own + 8 }, '3.0.0');
    const { disk, told, open } = await stage({ 'formats.json': text });
    const path = registerPath(DATA);
    assert.deepEqual(await open(), { kind: 'newer', part: name, path, found: own + 8, known: own, writtenBy: '3.0.0' });
    assert.equal((await disk.readFile(path)).toString('utf8'), text);
    assert.deepEqual(told, []);
  }
});

test('a part that is younger than the register begins with its first format', async () => {
  const { conditions: _, transfer: __, ...older } = known;
  const { disk, told, open } = await stage({
    'formats.json': printRegister(older, '0.1.0'),
    'conditions.json': '{"format":1,"conditions":[]}',
  });
  assert.deepEqual(await open(), { kind: 'known' });
  assert.deepEqual(told, []);
  const found = await readFormats(disk, DATA);
  assert.ok(found.kind === 'register');
  assert.deepEqual(found.register.parts, known);
});

test('a newer register is named, too, whatever is in it', async () => {
  const { open } = await stage({ 'formats.json': JSON.stringify({ format: 2, writtenBy: '4.0.0', shape: 'other' }) });
  const opened = await open();
  assert.ok(opened.kind === 'newer' && opened.part === 'formats' && opened.writtenBy === '4.0.0');
});

test('a part of a newer version that this one does not have is left alone', async () => {
  const { disk, open } = await stage({ 'formats.json': printRegister({ ...known, reports: 3 }, '3.0.0') });
  assert.deepEqual(await open(), { kind: 'known' });
  const found = await readFormats(disk, DATA);
  assert.ok(found.kind === 'register' && found.register.parts['reports'] === 3);
});

test('a damaged register is said, not guessed at', async () => {
  const { open } = await stage({ 'formats.json': '{"format": 1' });
  assert.equal((await open()).kind, 'unreadable');
});

test('a migration that touches files has a snapshot first, and goes on after an interruption', async () => {
  const { disk, told, snapshots, open } = await stage({
    note: 'a',
    'formats.json': printRegister({ note: 1 }, '0.1.0'),
  });
  const append = (letter: string, from: number): Migration => ({
    part: 'note',
    from,
    touches: async () => [`${DATA}/note`],
    run: async (where, data) => {
      const old = (await where.readFile(`${data}/note`)).toString('utf8');
      if (letter === 'c' && told.length === 1) {
        told.push('cut');
        throw Object.assign(new Error('EIO'), { code: 'EIO' });
      }
      await where.replaceFile(`${data}/note`, `${old}${letter}`);
    },
  });
  const more = { parts: [{ name: 'note', place: 'note', known: 3 }], migrations: [append('b', 1), append('c', 2)] };
  await assert.rejects(open(more), /EIO/);
  assert.equal((await disk.readFile(`${DATA}/note`)).toString('utf8'), 'ab');
  assert.deepEqual(await open(more), { kind: 'known' });
  assert.equal((await disk.readFile(`${DATA}/note`)).toString('utf8'), 'abc');
  assert.deepEqual(told, ['note 1 2', 'cut', 'note 2 3']);
  assert.equal(snapshots.length, 3);
  assert.match(snapshots[0] ?? '', /^before note went from format 1 to 2: \/srv\/ims\/note$/);
});
