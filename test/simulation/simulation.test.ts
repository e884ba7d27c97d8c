import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proveSeed } from './many-seeds.ts';
import { runSeed } from './scenario.ts';
import { committedSeeds } from './seeds.ts';

for (const { seed, story } of committedSeeds) test(`seed ${seed}: ${story}`, () => proveSeed(seed));

test('the same seed gives the same journal, octet for octet', async () => {
  for (const seed of [3, 23]) {
    const [one, other] = [await runSeed(seed), await runSeed(seed)];
    assert.ok(one.journal.length > 50 && one.acknowledged > 0 && one.finals > 0);
    assert.equal(other.journal.join('\n'), one.journal.join('\n'));
    assert.equal(other.moments, one.moments);
  }
});

test('the simulation is not blind: where syncs lie, acknowledged mail is found to be lost', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const { violations } = await runSeed(seed, { lyingSyncs: true });
    if (violations.some((one) => one.includes('lost'))) return;
  }
  assert.fail('no power failure of ten seeds lost anything');
});
