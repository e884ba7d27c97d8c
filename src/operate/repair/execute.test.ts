import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { simChanges } from '../../../test/support/sim-changes.ts';
import type { Journal } from '../../events/journal.ts';
import { rowOf } from '../../events/render.ts';
import type { Timer } from '../../world/ports/clock.ts';
import type { ProgramOptions } from '../../world/ports/process.ts';
import { SimDisk } from '../../world/sim/disk.ts';
import { healthy, unhealthy, type Verdict } from '../doctor/verdict.ts';
import { executeRepair, type RepairEnd } from './execute.ts';
import { loopbackUp } from './host-command.ts';
import { dropOldSnapshots, listSnapshots } from './snapshot/store.ts';
import { lookAt, writeSnapshot } from './snapshot/take.ts';
import type { Step } from './step.ts';

const FILE = '/etc/ims/ims.yaml';
const DIRECTORY = '/srv/ims';
const sick = (cause = 'it is sick'): Verdict => unhealthy(cause, { cure: '' }, []);

/** The wait between two looks is over at once. */
function soon(_ms: number, fn: () => void): Timer {
  fn();
  return { cancel: () => undefined };
}

interface Stage {
  readonly end: RepairEnd;
  readonly numbers: readonly number[];
  readonly text: string;
  readonly mode: number | undefined;
  readonly ran: readonly string[];
  readonly asked: readonly string[];
  readonly disk: SimDisk;
}

async function run(
  steps: readonly Step[],
  verdict: Verdict,
  more: { readonly refused?: readonly string[]; readonly failing?: string } = {},
): Promise<Stage> {
  const disk = new SimDisk({ random: { fraction: () => 0.5 } });
  await disk.makeDirectory('/etc/ims');
  await disk.makeDirectory(DIRECTORY);
  await disk.replaceFile(FILE, 'server: { name: old } # mine\n');
  const changes = simChanges(disk, new Set(more.refused));
  changes.state.set(FILE, { uid: 7, gid: 7, mode: 0o600 });
  const numbers: number[] = [];
  const ran: string[] = [];
  const asked: string[] = [];
  const clock = new ManualClock();
  const journal: Journal = { emit: (name) => void numbers.push(rowOf(name).number) };
  const end = await executeRepair({
    repair: 'test.mend',
    check: 'test.check',
    steps,
    journal,
    snapshots: `${DIRECTORY}/snapshots`,
    facts: { versions: {}, host: {}, listeners: [] },
    cause: 'it is sick',
    look: async () => verdict,
    world: {
      disk,
      changes,
      clock: { wall: () => clock.wall(), after: soon },
      programs: {
        run: async ({ command, arguments: words }: ProgramOptions) => {
          ran.push([command, ...words].join(' '));
          const code = more.failing !== undefined && words.includes(more.failing) ? 2 : 0;
          return { code, signal: undefined, timedOut: false, output: 'RTNETLINK answers: no' };
        },
      },
      ask: async (action) => void asked.push(action),
      startService: async () => undefined,
    },
  });
  const entry = await changes.entry(FILE);
  const text = (await disk.readFile(FILE)).toString('utf8');
  return { end, numbers, text, mode: entry.ok ? entry.value.mode : undefined, ran, asked, disk };
}

const edit: Step = { do: 'edit-configuration', path: FILE, changes: [{ key: ['server', 'name'], value: 'new' }] };
const open: Step = { do: 'set-mode', path: FILE, from: 0o600, mode: 0o640 };

test('what helps stays, with owner and mode as they were (events 2970 to 2972)', async () => {
  const { end, numbers, text, mode, asked } = await run([edit, { do: 'ask-service', action: 'reload' }], healthy());
  assert.equal(end.kind, 'cured');
  assert.deepEqual(numbers, [2970, 2971, 2971, 2972]);
  assert.equal(text, 'server: { name: new } # mine\n');
  assert.equal(mode, 0o600);
  assert.deepEqual(asked, ['reload']);
});

test('what does not help is undone: contents, modes and commands (event 3970)', async () => {
  const steps: readonly Step[] = [
    edit,
    open,
    { do: 'run', command: loopbackUp },
    { do: 'ask-service', action: 'reload' },
  ];
  const { end, numbers, text, mode, ran, asked } = await run(steps, sick());
  assert.equal(end.kind, 'undone');
  assert.equal(numbers.at(-1), 3970);
  assert.equal(text, 'server: { name: old } # mine\n');
  assert.equal(mode, 0o600);
  assert.deepEqual(ran, ['/usr/sbin/ip link set lo up', '/usr/sbin/ip link set lo down']);
  assert.deepEqual(asked, ['reload', 'reload']);
});

test('what could not be seen afterwards is undone, too', async () => {
  const { end } = await run([edit], { kind: 'unknown', because: 'nobody answers', evidence: [] });
  assert.equal(end.kind, 'undone');
});

test('where another cause comes to light what was done stays', async () => {
  const { end, text } = await run([edit], sick('it is sick of something else'));
  assert.deepEqual([end.kind, text], ['further', 'server: { name: new } # mine\n']);
});

test('a step that fails undoes those before it (event 4970)', async () => {
  const { end, numbers, text } = await run([edit, { do: 'run', command: loopbackUp }], healthy(), { failing: 'up' });
  assert.ok(end.kind === 'failed' && end.why === 'RTNETLINK answers: no');
  assert.deepEqual(numbers, [2970, 2971, 4970]);
  assert.equal(text, 'server: { name: old } # mine\n');
});

test('where undoing fails the snapshot is named, and the rest is put back (event 4971)', async () => {
  const other: Step = { do: 'write-file', path: '/etc/ims/other', content: 'x', mode: 0o644 };
  const steps: readonly Step[] = [edit, other, { do: 'run', command: loopbackUp }];
  const { end, numbers, text, disk } = await run(steps, sick(), { failing: 'down' });
  assert.ok(end.kind === 'not-undone' && end.what === 'run: ip link set lo up');
  assert.deepEqual(numbers.slice(-2), [3970, 4971]);
  assert.equal(await disk.entry('/etc/ims/other'), undefined);
  assert.equal(text, 'server: { name: old } # mine\n');
  assert.ok((await disk.entry(end.snapshot)) !== undefined);
});

test('a step that is not permitted says so', async () => {
  const { end, text } = await run([edit, open], healthy(), { refused: [FILE] });
  assert.ok(end.kind === 'failed' && end.why.includes('(EPERM)'), end.kind);
  assert.equal(text, 'server: { name: old } # mine\n');
});

test('nothing is changed that cannot be recorded (event 4970)', async () => {
  const missing: Step = { do: 'write-file', path: '/etc/ims', content: '' };
  const { end, numbers } = await run([missing], healthy());
  assert.equal(end.kind, 'failed');
  assert.equal(numbers.at(-1), 4970);
});

test('of the snapshots of repairs only the newest are kept', async () => {
  const { disk, end } = await run([edit], healthy());
  assert.ok(end.kind === 'cured');
  const changes = simChanges(disk);
  const directory = `${DIRECTORY}/snapshots`;
  const world = { disk, changes, clock: new ManualClock(1_800_000_000_000) };
  const facts = { why: '', versions: {}, host: {}, listeners: [] };
  await writeSnapshot(world, directory, await lookAt(world, [], { ...facts, by: 'record' }));
  await writeSnapshot(world, directory, await lookAt(world, [], { ...facts, by: 'repair' }));
  await dropOldSnapshots(world, directory, 1);
  assert.deepEqual(
    (await listSnapshots(disk, directory)).filter(({ fault }) => fault === undefined).map(({ by }) => by),
    ['repair', 'record'],
  );
});
