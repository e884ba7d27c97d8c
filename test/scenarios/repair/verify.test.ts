/** What `ims verify` says of an installation that was changed. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { verifyInstallation } from '../../../src/operate/installation/verify.ts';
import { nodeDisk } from '../../../src/world/node/disk.ts';
import { projectRoot } from '../../support/root.ts';

const NODE = '20.19.0';

async function installation(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'ims-verify-'));
  const files: Readonly<Record<string, string>> = {
    'package.json': JSON.stringify({ version: '1.2.3', engines: { node: '>=20.19.0' } }),
    'package-lock.json': JSON.stringify({
      packages: {
        '': { version: '1.2.3' },
        'node_modules/used': { version: '2.0.0' },
        'node_modules/other-system': { version: '1.0.0', optional: true },
        'node_modules/for-tests': { version: '1.0.0', dev: true },
      },
    }),
    'node_modules/used/package.json': JSON.stringify({ version: '2.0.0' }),
    'bin/ims': '#!/bin/sh\n',
    'kb/4007.md': '# 4007\n',
    'dist/src/service/main.js': 'main\n',
    'dist/src/base/ip.js': 'ip\n',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await promisify(execFile)(process.execPath, [join(projectRoot, 'scripts/manifest.mjs')], { cwd: root });
  return root;
}

async function differences(root: string, node = NODE): Promise<readonly string[]> {
  const found = await verifyInstallation(nodeDisk, join(root, 'dist/src/service'), node);
  assert.ok(found.ok, 'why' in found ? found.why : '');
  return found.differences.map(({ what, seen }) => `${what.replace(`${root}/`, '')}: ${seen.replace(/ \(.*/, '')}`);
}

test('an installation is as it was built, until something is not', async () => {
  const root = await installation();
  try {
    assert.deepEqual(await differences(root), []);
    await writeFile(join(root, 'dist/src/base/ip.js'), 'ip, patched\n');
    await rm(join(root, 'kb/4007.md'));
    await writeFile(join(root, 'dist/src/base/old.js'), 'left over\n');
    await writeFile(join(root, 'node_modules/used/package.json'), JSON.stringify({ version: '1.9.0' }));
    assert.deepEqual(await differences(root, '18.0.0'), [
      'Node: 18.0.0',
      'dist/src/base/ip.js: changed',
      'kb/4007.md: is missing',
      'dist/src/base/old.js: a program that the build did not make',
      'node_modules/used: 1.9.0',
    ]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('without a manifest, or with one of another format, nothing is called whole', async () => {
  const root = await installation();
  try {
    await writeFile(join(root, 'dist/manifest.json'), JSON.stringify({ format: 9 }));
    const newer = await verifyInstallation(nodeDisk, join(root, 'dist/src/service'), NODE);
    assert.ok(!newer.ok && newer.why.includes('it has format 9, this version knows format 1'));
    await rm(join(root, 'dist/manifest.json'));
    assert.equal((await verifyInstallation(nodeDisk, join(root, 'dist/src/service'), NODE)).ok, false);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
