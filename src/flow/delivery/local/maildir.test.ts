import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryContent } from '../../../../test/support/claims.ts';
import { SimDisk } from '../../../world/sim/disk.ts';
import { SeededRandom } from '../../../world/sim/random.ts';
import { DirectorySyncs } from './files.ts';
import { deliverToDirectory, deliverToMaildir } from './maildir.ts';

const ways = [
  { deliver: deliverToMaildir, kind: 'Maildir', final: '/mail/new/1.ims' },
  { deliver: deliverToDirectory, kind: 'directory', final: '/mail/1.ims.eml' },
] as const;

for (const { deliver, kind, final } of ways) {
  test(`a message found in a ${kind} after a sync that failed is made stable before it counts as delivered`, async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const disk = new SimDisk({ random: new SeededRandom(seed) });
      const one = { path: '/mail', name: '1.ims', prefix: Buffer.from('a'), content: memoryContent('b') };
      const syncs = new DirectorySyncs(disk);
      let broken = true;
      const breaking = new DirectorySyncs({
        syncDirectory: async () => {
          if (broken) throw Object.assign(new Error('EIO'), { code: 'EIO' });
        },
      });
      await assert.rejects(deliver(disk, breaking, { ...one, maybeThere: false }));
      broken = false;
      assert.equal(await deliver(disk, syncs, { ...one, maybeThere: true }), 'there-already');
      assert.notEqual(await disk.crash().entry(final), undefined, `seed ${seed}`);
    }
  });
}

test('the first deliveries into a Maildir that nobody has made yet, all at once: none is in the way of another, and each is stable', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const disk = new SimDisk({ random: new SeededRandom(seed) });
    // Directories take long to make: deliveries come in between.
    const make = disk.makeDirectory.bind(disk);
    disk.makeDirectory = async (path: string) => {
      await make(path);
      for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
    };
    // Two workers: what one shares of its syncs the other does not know.
    const workers = [new DirectorySyncs(disk), new DirectorySyncs(disk)];
    const names = Array.from({ length: 12 }, (_, i) => `${i}.ims`);
    const deliveries = names.map(async (name, i) => {
      for (let turns = 0; turns < i; turns += 1) await new Promise(setImmediate);
      const one = {
        path: '/mail/example.test/alice',
        name,
        prefix: Buffer.from('a'),
        content: memoryContent('b'),
        maybeThere: false,
      };
      return deliverToMaildir(disk, workers[i % 2] ?? new DirectorySyncs(disk), one);
    });
    assert.deepEqual(new Set(await Promise.all(deliveries)), new Set(['delivered']));
    const after = disk.crash();
    for (const name of names)
      assert.notEqual(await after.entry(`/mail/example.test/alice/new/${name}`), undefined, `seed ${seed}`);
  }
});
