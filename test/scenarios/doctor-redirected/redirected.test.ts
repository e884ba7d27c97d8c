import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../../support/needs.ts';
import type { SceneFound } from './scene.ts';

const SCENE = fileURLToPath(new URL('scene.js', import.meta.url));
const INSIDE = ['--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'];

function whyNot(): false | string {
  const missing = needs('ip', 'nft', 'unshare');
  if (missing !== false) return missing;
  if (process.getuid?.() !== 0) return 'needs root, to make a network namespace';
  return spawnSync('unshare', [...INSIDE, 'true']).status === 0 ? false : 'network namespaces cannot be made here';
}

const skip = whyNot();

test('a port whose connections go elsewhere is told: to another listener, to a server that greets as we do, to nobody', {
  skip,
}, () => {
  const words = [...INSIDE, process.execPath, '--enable-source-maps', SCENE];
  const { stdout, stderr, status } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 120_000 });
  assert.equal(status, 0, stderr);
  const { nowhere, submission, foreign, dropped } = JSON.parse(stdout) as SceneFound;
  assert.equal(nowhere?.kind, 'healthy', stdout);
  assert.ok(
    submission?.kind === 'unhealthy' && /listener mx come to listener submission/.test(submission.cause),
    stdout,
  );
  assert.ok(foreign?.kind === 'unhealthy' && /not our banner: another server answers/.test(foreign.cause), stdout);
  assert.ok(dropped?.kind === 'unhealthy' && /no connection/.test(dropped.cause), stdout);
});
