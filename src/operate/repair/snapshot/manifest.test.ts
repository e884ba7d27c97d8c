import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifest, snapshotFormat, type SnapshotManifest } from './manifest.ts';

const manifest: SnapshotManifest = {
  format: snapshotFormat,
  id: '20261122T170905Z-record',
  takenAtMs: 1,
  by: 'record',
  why: '',
  versions: { ims: '0.1.0' },
  host: {},
  listeners: [],
  files: [{ path: '/etc/ims/ims.yaml', kind: 'absent', use: 'configuration' }],
};

test('a manifest is read as it was written', () => {
  const read = parseManifest(JSON.stringify(manifest));
  assert.deepEqual(read, { ok: true, manifest });
});

test('a newer format is named with both versions, whatever else has changed in it', () => {
  const read = parseManifest(JSON.stringify({ format: snapshotFormat + 1, everything: 'else' }));
  assert.ok(!read.ok);
  assert.deepEqual(read.newer, { found: snapshotFormat + 1, known: snapshotFormat });
});

test('what is damaged is named, not guessed at', () => {
  assert.equal(parseManifest('{').ok, false);
  assert.equal(parseManifest('null').ok, false);
  const read = parseManifest(JSON.stringify({ ...manifest, id: '../../etc' }));
  assert.ok(!read.ok && read.why.includes('id'));
});
