/** An installation of which a file or a package is missing says so, and what to do, instead of where Node noticed it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../../../src', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ims-not-whole-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('an installation without its packages is named as that, with what to do', { timeout: 60_000 }, () => {
  cpSync(SOURCE, join(folder, 'dist/src'), { recursive: true, filter: (path) => !/\.(?:map|test\.js)$/.test(path) });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const main = join(folder, 'dist/src/service/main.js');
  for (const words of [['run', '--config', 'ims.yaml'], ['status']]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8', cwd: folder });
    assert.equal(status, 126, stdout + stderr);
    assert.match(stderr, /event 4020: nothing can run: the installation is not whole: Cannot find package '/);
    assert.match(stderr, /next: install it again, the packages with npm ci --omit=dev in .*ims-not-whole/);
    assert.doesNotMatch(stderr, /^ {4}at /m);
  }
});
