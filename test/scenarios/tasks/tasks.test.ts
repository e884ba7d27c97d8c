import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { projectRoot } from '../../support/root.ts';

/** A project of two files with our scripts, and our packages behind links: nothing is installed. */
const folder = mkdtempSync(join(tmpdir(), 'ims-tasks-'));
after(() => rmSync(folder, { recursive: true, force: true }));
for (const path of ['scripts', 'package.json', 'package-lock.json', 'tsconfig.json']) {
  cpSync(join(projectRoot, path), join(folder, path), { recursive: true });
}
mkdirSync(join(folder, 'node_modules'));
for (const name of readdirSync(join(projectRoot, 'node_modules'))) {
  if (!name.startsWith('.')) symlinkSync(join(projectRoot, 'node_modules', name), join(folder, 'node_modules', name));
}
execFileSync(process.execPath, [
  '--input-type=module',
  '-e',
  `import { installStamp, writeStamp } from '${join(folder, 'scripts/stamps.mjs')}'; process.chdir('${folder}'); writeStamp('node_modules/.stamp', installStamp('.'));`,
]);

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const SERVICE = `
process.on('SIGTERM', () => process.exit(5));
console.log('started', ...process.argv.slice(2));
if (process.argv[2] === 'demo') setInterval(() => {}, 1000);
`;
write('src/service/main.ts', SERVICE);
write('bin/ims', '#!/bin/sh\n');
write('kb/1.md', '# One\n');
write(
  'src/base/a.test.ts',
  "import { test } from 'node:test';\ntest('one', () => {});\ntest('two', { skip: 'no reason' }, () => {});\n",
);

/** Without what the test runner around us tells its children. */
const env: NodeJS.ProcessEnv = { ...process.env, CI: '' };
delete env['NODE_TEST_CONTEXT'];
delete env['IMS_TESTS_NOTHING_SKIPPED'];

function task(...args: readonly string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'scripts/task.mjs'), ...args], {
    encoding: 'utf8',
    env,
  });
  return { code: status, out: stdout, err: stderr };
}

const begin = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [join(folder, 'scripts/task.mjs'), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
const exitOf = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.on('exit', resolve));

test('the first task builds, the second does not', () => {
  const first = task('ims', 'status', '--json');
  assert.deepEqual([first.code, first.out], [0, 'started status --json\n']);
  assert.match(first.err, /Building/);
  const second = task('ims', 'x');
  assert.deepEqual([second.code, second.out, second.err], [0, 'started x\n', '']);
});

test('start without a command is the demonstration, and a signal reaches the service', async () => {
  const child = begin('start');
  const ended = exitOf(child);
  const line = await new Promise<string>((resolve) =>
    child.stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString())),
  );
  assert.equal(line, 'started demo\n');
  child.kill('SIGTERM');
  assert.equal(await ended, 5);
  assert.equal(task('start', 'run', '--config', 'x').out, 'started run --config x\n');
});

test('a lock whose owner is dead is taken over, and a living owner is waited for', async () => {
  write('src/base/b.ts', '/** B. */\nexport const b = 1;\n');
  write('.build/lock/owner', '4194303-1');
  assert.equal(task('build').code, 0);
  assert.deepEqual(readdirSync(join(folder, '.build')), []);
  write('src/base/b.ts', '/** B. */\nexport const b = 22;\n');
  const children = [begin('build'), begin('build'), begin('build')];
  let said = '';
  for (const child of children) child.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()));
  assert.deepEqual(await Promise.all(children.map(exitOf)), [0, 0, 0]);
  assert.equal(said.match(/Building/g)?.length, 1);
});

test('output of a removed source is removed, and a build that fails is tried again', () => {
  rmSync(join(folder, 'src/base/b.ts'));
  assert.equal(task('build').code, 0);
  assert.equal(existsSync(join(folder, 'dist/src/base/b.js')), false);
  write('src/base/b.ts', 'const b: string = 1;\n');
  assert.notEqual(task('build').code, 0);
  assert.match(task('build').err, /The build failed/);
  rmSync(join(folder, 'src/base/b.ts'));
});

test('tests end with their sum on a line of its own, and a failure with exit code 1', () => {
  const fine = task('test');
  assert.equal(fine.code, 0);
  assert.equal(fine.out.trimEnd().split('\n').at(-1), '1 passed, 0 failed, 1 skipped');
  assert.equal(task('test', '--no-skip').code, 1);
  write(
    'test/scenarios/x/c.test.ts',
    "import { test } from 'node:test';\ntest('bad', () => { throw new Error('seen'); });\n",
  );
  write('src/base/d.test.ts', 'process.exit(0);\nexport {};\n');
  const bad = task('test');
  assert.equal(bad.code, 1);
  assert.match(bad.out, /FAILED: bad \(test\/scenarios\/x\/c\.test\.ts:2\)\n {4}Error: seen/);
  assert.match(bad.out, /the test process ended without a result \(exit code 0\)/);
  assert.equal(bad.out.trimEnd().split('\n').at(-1), '0 passed, 2 failed, 0 skipped');
  assert.match(task('test', 'src/base/a.test.ts').out, /^1 passed, 0 failed, 1 skipped$/m);
});

test('a Node that is too old is refused with one line', () => {
  const script = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } }); await import('${join(folder, 'scripts/task.mjs')}');`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env,
  });
  assert.equal(status, 126);
  assert.match(stderr, /^This service needs Node 20\.19 or newer; .*\n$/);
});

test('a second task costs little before its program starts', () => {
  rmSync(join(folder, 'src/base/d.test.ts'));
  rmSync(join(folder, 'test'), { recursive: true });
  utimesSync(join(folder, 'src/base/a.test.ts'), 1, 1);
  assert.equal(task('build').code, 0);
  const bare = Math.min(...[1, 2, 3].map(() => timed(() => spawnSync(process.execPath, ['-e', '0']))));
  const whole = Math.min(...[1, 2, 3].map(() => timed(() => task('build'))));
  assert.ok(whole - bare < 150, `${whole - bare} ms`);
});

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}
