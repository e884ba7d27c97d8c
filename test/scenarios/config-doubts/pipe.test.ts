/** A pipe where a file belongs is named: reading it would wait for ever. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testConfiguration } from '../../support/configurations.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'ims-pipe-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const ims = (...words: string[]): { status: number | null; stdout: string } =>
  spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8', timeout: 20_000 });

test('a pipe in the place of the configuration, or of a file that it names, is refused in words', {
  timeout: 60_000,
}, () => {
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const whole = ims('run', '--config', pipe);
  assert.equal(whole.status, 78);
  assert.match(whole.stdout, /pipe: error: is a pipe, not a file/);
  const file = join(directory, 'ims.yaml');
  const more = `routing:
  smartHosts:
    out: { hosts: [{ host: smtp.example.net }], tls: verified, login: { user: me, passwordFile: ${pipe} } }
`;
  writeFileSync(file, testConfiguration({ directory, ports: { mx: 2525 }, workers: 1, more }), { mode: 0o600 });
  assert.match(ims('config', 'check', file).stdout, /login\.passwordFile: is a pipe, not a file/);
});
