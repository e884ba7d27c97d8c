import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from './scenario.ts';

/** How many seeds are run: a thousand where everything is proved, a few elsewhere; IMS_SEEDS says otherwise. */
const SEEDS = Number(process.env['IMS_SEEDS'] ?? (process.env['CI'] === 'true' ? 1000 : 20));
const TAIL_LINES = 60;

/** Declares the test of every `step`-th seed from `first` on, so that files share the work. */
export function testSeeds(first: number, step: number): void {
  test(`what must hold of mail holds on seeds ${first}, ${first + step} ... up to ${SEEDS}`, async () => {
    for (let seed = first; seed <= SEEDS; seed += step) await proveSeed(seed);
  });
}

/** Runs one seed; a violation is told with the end of its journal. */
export async function proveSeed(seed: number): Promise<void> {
  const { violations, journal } = await runSeed(seed);
  if (violations.length === 0) return;
  const again = `node --enable-source-maps dist/test/simulation/run.js ${seed} --journal`;
  assert.fail([`seed ${seed} (again: ${again})`, ...violations, '...', ...journal.slice(-TAIL_LINES)].join('\n'));
}
