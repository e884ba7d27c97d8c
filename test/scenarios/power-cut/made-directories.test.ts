import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { nodeDisk } from '../../../src/world/node/disk.ts';

test('a power cut could take a new data directory with everything in it, because the names of made directories were not synced', async () => {
  const base = await mkdtemp(join(tmpdir(), 'ims-made-'));
  const sync = mock.method(nodeDisk, 'syncDirectory');
  try {
    await nodeDisk.makeDirectory(join(base, 'data/queue/0/big'));
    const synced = sync.mock.calls.map((call) => call.arguments[0]);
    assert.deepEqual(
      synced.sort(),
      ['', 'data', 'data/queue', 'data/queue/0'].map((name) => join(base, name)),
    );
    await nodeDisk.makeDirectory(join(base, 'data/queue/0/big'));
    assert.equal(sync.mock.callCount(), 4, 'nothing was made');
  } finally {
    sync.mock.restore();
    await rm(base, { recursive: true, force: true });
  }
});
