import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simChanges } from '../../../test/support/sim-changes.ts';
import { SimDisk } from '../../world/sim/disk.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { printSpoolMarker } from '../config/spool-marker.ts';
import { type DataMove, moveData, type MoveWorld, planMove } from './move-data.ts';

const move: DataMove = { configuration: '/etc/ims/ims.yaml', from: '/old/ims', to: '/new/ims', stamp: 'then' };
const TEXT = `# ours\nserver: { name: a.test, data: ${move.from} } # stays\n`;
const marker = (data: string): string => printSpoolMarker({ data, id: 'x', madeAtMs: 1 });
const files: Readonly<Record<string, string>> = {
  'queue/0/1.log': 'octets of the log',
  'queue/0/1.hint': 'of the index',
  'run/control': '',
  'mail/example.test/alice/new/1': 'mail',
  spool: marker(move.from),
};

async function stage(change: (disk: Disk) => Partial<Disk> = () => ({}), refused: ReadonlySet<string> = new Set()) {
  const sim = new SimDisk({ random: { fraction: () => 0.5 } });
  for (const [path, text] of Object.entries(files)) {
    const whole = `${move.from}/${path}`;
    await sim.makeDirectory(whole.slice(0, whole.lastIndexOf('/')));
    await sim.replaceFile(whole, text);
  }
  await sim.makeDirectory('/etc/ims');
  await sim.makeDirectory('/new');
  await sim.replaceFile(move.configuration, TEXT);
  await sim.replaceFile(`${move.configuration}.spool`, marker(move.from));
  // The simulated disk renames files only.
  const rename = async (from: string, to: string): Promise<void> => {
    if ((await sim.entry(from))?.kind !== 'directory') return sim.rename(from, to);
    for (const path of Object.keys(files)) {
      if ((await sim.entry(`${from}/${path}`)) === undefined) continue;
      await sim.makeDirectory(`${to}/${path}`.replace(/\/[^/]*$/, ''));
      await sim.rename(`${from}/${path}`, `${to}/${path}`);
    }
  };
  const disk = new Proxy(sim as Disk, {
    get(target, key) {
      const own = ({ rename, ...change(sim) } as Record<PropertyKey, unknown>)[key] ?? Reflect.get(target, key);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
  const world: MoveWorld = { disk, changes: simChanges(sim, refused) };
  const run = async () => {
    const plan = await planMove(world, move);
    assert.ok(plan.ok, plan.ok ? '' : plan.why);
    return moveData(world, move, plan, () => undefined);
  };
  const read = async (path: string): Promise<string> => (await sim.readFile(path)).toString('utf8');
  const asBefore = async (): Promise<void> => {
    assert.equal(await read(move.configuration), TEXT);
    assert.equal(await read(`${move.configuration}.spool`), marker(move.from));
    for (const [path, text] of Object.entries(files)) assert.equal(await read(`${move.from}/${path}`), text);
    for (const path of Object.keys(files)) assert.equal(await sim.entry(`${move.to}/${path}`), undefined, path);
  };
  return { sim, run, read, asBefore };
}

test('Q244048: the data directory is copied without locks and hints, then named by settings and sign, then the old one renamed', async () => {
  const { sim, run, read } = await stage();
  const end = await run();
  assert.ok(end.kind === 'moved', 'why' in end ? end.why : '');
  assert.equal(end.old, '/old/ims.moved-then');
  assert.equal(await read(`${move.to}/queue/0/1.log`), files['queue/0/1.log']);
  assert.equal(await sim.entry(`${move.to}/queue/0/1.hint`), undefined);
  assert.equal(await sim.entry(`${move.to}/run`), undefined);
  assert.equal(await read(`${move.to}/spool`), marker(move.to));
  assert.equal(await read(`${move.configuration}.spool`), marker(move.to));
  assert.equal(await read(move.configuration), TEXT.replace(move.from, move.to));
  assert.equal(await sim.entry(`${move.from}/spool`), undefined);
});

test('Q244048: a move that has been done can be undone', async () => {
  const { run, read, asBefore } = await stage();
  const end = await run();
  assert.ok(end.kind === 'moved', 'why' in end ? end.why : '');
  assert.equal(await end.undo(), undefined);
  await asBefore();
  assert.equal(await read(`${move.to}.failed-then/queue/0/1.log`), files['queue/0/1.log']);
});

const fault = (code: string): Error => Object.assign(new Error(code), { code });

test('Q244048: whatever fails, everything is as it was', async () => {
  const cases: readonly Parameters<typeof stage>[] = [
    // The new disk is full in the middle.
    [
      (sim) => ({
        open: async (path: string, how: 'create' | 'write' | 'read', mode?: number) => {
          if (how === 'create' && path.endsWith('alice/new/1')) throw fault('ENOSPC');
          return sim.open(path, how, mode);
        },
      }),
    ],
    // The old directory cannot be renamed.
    [
      (sim) => ({
        rename: async (from: string, to: string) => {
          if (from === move.from) throw fault('EBUSY');
          return sim.rename(from, to);
        },
      }),
    ],
    // Somebody else's file at the new place may not be changed.
    [() => ({}), new Set([`${move.to}/queue/0`])],
  ];
  for (const one of cases) {
    const { run, asBefore } = await stage(...one);
    const end = await run();
    assert.ok(end.kind === 'undone');
    assert.equal(end.left, undefined);
    await asBefore();
  }
});

test('what cannot be put back is said, and what can is put back', async () => {
  let renames = 0;
  const { run, read } = await stage((sim) => ({
    rename: async (from: string) => {
      throw fault(from === move.from ? 'EBUSY' : 'EPERM');
    },
    replaceFile: async (path: string, content: Buffer | string, mode?: number) => {
      renames += path === move.configuration ? 1 : 0;
      if (renames === 2) throw fault('ENOSPC');
      return sim.replaceFile(path, content, mode);
    },
  }));
  const end = await run();
  assert.ok(end.kind === 'undone');
  assert.match(end.why, /EBUSY/);
  assert.equal(end.left, 'ENOSPC');
  assert.equal(await read(`${move.configuration}.spool`), marker(move.from));
});

test('a copy that cannot be taken away again is said', async () => {
  const { run, read } = await stage((sim) => ({
    rename: async () => {
      throw fault('EBUSY');
    },
    unlink: async (path: string) => {
      if (path === `${move.to}/queue/0/1.log`) throw fault('EIO');
      return sim.unlink(path);
    },
  }));
  const end = await run();
  assert.ok(end.kind === 'undone');
  assert.match(end.left ?? '', /EIO/);
  assert.equal(await read(move.configuration), TEXT);
});

test('what does not read back as it was written is no copy', async () => {
  const { run, asBefore } = await stage((sim) => ({
    open: async (path: string, how: 'create' | 'write' | 'read', mode?: number) => {
      const file = await sim.open(path, how, mode);
      if (how === 'read' && path === `${move.to}/queue/0/1.log`)
        file.read = async (into, offset, _length, position) => (position > 0 ? 0 : into.write('other', offset));
      return file;
    },
  }));
  const end = await run();
  assert.ok(end.kind === 'undone' && /does not read back/.test(end.why));
  await asBefore();
});

test('other settings that name the old place are said first', async () => {
  const { sim } = await stage();
  await sim.replaceFile(move.configuration, `${TEXT}tls: { key: ${move.from}/tls/key.pem }\n`);
  const plan = await planMove({ disk: sim, changes: simChanges(sim) }, move);
  assert.ok(!plan.ok && /line 3 of/.test(plan.why));
});
