import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../support/root.ts';
import { expectNone, sentences } from './expect.ts';
import { read, search, source, trackedPaths, type Finding, type SourceFile } from './source.ts';

/** Written in two halves, so that this file does not find itself. */
const MACHINE = new RegExp(
  ['(?<![\\w.])/wo' + 'rk/', '(?<![\\w.])/fa' + 'rm/', 'regis' + 'try\\.npmjs', 'deb\\.deb' + 'ian\\.org'].join('|'),
  'g',
);
const TEXT =
  /(?:\.(?:ts|mjs|js|json|md|txt|tsv|yaml|yml|sh|service|socket|toml|smtp)|(?:^|\/)(?:run|ims|\.npmrc|\.gitignore))$/;

const machinePaths = (files: readonly SourceFile[]): Finding[] =>
  search(files, 'text', MACHINE, (match) => `names ${match[0]}, which exists on one machine only`);

type LockFaults = (lock: unknown) => string[];

async function lockFaults(): Promise<LockFaults> {
  const module: { lockFaults: LockFaults } = await import(
    pathToFileURL(join(projectRoot, 'scripts/check-lock.mjs')).href
  );
  return module.lockFaults;
}

test('the rule finds paths of one machine', () => {
  assert.deepEqual(sentences(machinePaths([source('a.md', 'see /wo' + 'rk/x, not a/wo' + 'rk/ or src/wo' + 'rker')])), [
    '1: names /wo' + 'rk/, which exists on one machine only',
  ]);
});

test('no file names a path or a host of the machine that it was written on', () => {
  expectNone(
    'machine paths',
    machinePaths(trackedPaths.filter((path) => TEXT.test(path) && !path.startsWith('test/vectors/')).map(read)),
  );
});

test('the lock check finds missing platforms, missing sums and registries', async () => {
  const faults = (await lockFaults())({
    lockfileVersion: 3,
    packages: {
      '': { dependencies: { a: '1.0.0' } },
      'node_modules/a': {
        version: '1.0.0',
        resolved: 'https://example.test/a.tgz',
        optionalDependencies: { 'a-linux': '1.0.0' },
      },
    },
  });
  assert.deepEqual(faults, [
    'node_modules/a: optional a-linux has no entry, so other platforms would lack it',
    'node_modules/a: no integrity',
    'node_modules/a: names where it was downloaded from (https://example.test/a.tgz)',
  ]);
});

test('the lock files are complete and bound to no registry', async () => {
  const check = await lockFaults();
  const locks = trackedPaths.filter((path) => path.endsWith('package-lock.json'));
  assert.ok(locks.length >= 2);
  expectNone(
    'locks',
    locks.flatMap((path) => check(JSON.parse(read(path).text)).map((what) => ({ path, line: 1, what }))),
  );
});

test('everything agrees on the oldest Node', () => {
  const needed = /"node": ">=(\d+)\.(\d+)\.0"/.exec(read('package.json').text);
  const [, major = '', minor = ''] = needed ?? [];
  assert.match(read('scripts/task.mjs').text, new RegExp(`NEEDED = \\[${major}, ${minor}\\]`));
  assert.match(read('bin/ims').text, new RegExp(`needed_major=${major} needed_minor=${minor}`));
  assert.match(read('README.md').text, new RegExp(`Node ${major}\\.${minor}`));
  assert.match(read('package.json').text, new RegExp(`"@types/node": "\\^?${major}\\.`));
});

test('packages are exact versions', () => {
  const manifest: { dependencies: Record<string, string>; devDependencies: Record<string, string> } = JSON.parse(
    read('package.json').text,
  );
  const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
    ([name, version]) => !/^\d+\.\d+\.\d+$/.test(version) && name !== '@types/node',
  );
  assert.deepEqual(loose, []);
});
