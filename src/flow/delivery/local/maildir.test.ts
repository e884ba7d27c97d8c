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
