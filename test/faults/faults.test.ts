import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { projectRoot } from '../support/root.ts';
import { delivered, healthyLines, type Judgement, judge, type KnownFault, ownLines, type Shortfall } from './judge.ts';
import { programs, runFault } from './laboratory.ts';

const folder = join(projectRoot, 'test/faults');
const readJson = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const { faults } = readJson('faults.json') as { readonly faults: readonly KnownFault[] };
/** What still falls short, by fault. It may only shrink: a line that is not true any more fails. */
const known = readJson('shortfalls.json') as Readonly<Record<string, { short: readonly Shortfall[]; why: string }>>;

/** IMS_FAULTS: ids or groups to run, separated by commas. IMS_FAULTS_OUT: a folder for what each run said. */
const only = process.env['IMS_FAULTS']?.split(',');
const out = process.env['IMS_FAULTS_OUT'];
/** A run mostly waits. */
const AT_ONCE = 2 * availableParallelism();

const chosen = faults.filter(({ id, group }) => only === undefined || only.includes(id) || only.includes(group));
const skip = process.getuid?.() !== 0 ? 'needs root' : needs(...programs);

async function run(id: string, repair: boolean): Promise<string> {
  const output = await runFault(id, repair);
  if (out !== undefined) {
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, `ims.${id}`), output);
  }
  return output;
}

let control: Promise<string> | undefined;
const healthyRun = (): Promise<string> => (control ??= run('healthy', false));
const judged: (readonly [id: string, Judgement])[] = [];

describe('faults of the host, the network and the configuration', { concurrency: AT_ONCE, skip }, () => {
  test('healthy: everything is delivered and nothing is said to be wrong', async () => {
    const output = await healthyRun();
    assert.ok(delivered(output, 'DELIVERED', ['in', 'out']), output);
    assert.match(output, /Nothing is wrong that can be seen/);
    const warnings = ownLines(output).filter((line) => /^[34]\d{3} /.test(line));
    assert.deepEqual(warnings, []);
  });

  for (const fault of chosen) {
    const { id, title, repair } = fault;
    test(`${id}: ${title}`, async () => {
      const healthy = healthyLines(await healthyRun());
      const output = await run(id, repair.automatic_is_safe);
      const judgement = judge(fault, output, healthy);
      judged.push([id, judgement]);
      assert.deepEqual(
        [...judgement.short].sort(),
        [...(known[id]?.short ?? [])].sort(),
        `${id} falls short of what shortfalls.json says, or is better\n${output.slice(-3000)}`,
      );
    });
  }

  after(() => {
    const real = judged.filter(([, { applies }]) => applies);
    const good = (what: Shortfall): number => real.filter(([, { short }]) => !short.includes(what)).length;
    const safe = real.filter(([id]) => faults.find((fault) => fault.id === id)?.repair.automatic_is_safe === true);
    const repaired = safe.filter(([, { short }]) => !short.includes('repaired')).length;
    const counts = [
      `cause named ${good('named')} of ${real.length}`,
      `behaved ${good('behaved')} of ${real.length}`,
      `repaired ${repaired} of ${safe.length}`,
      `not applicable ${judged.length - real.length}`,
    ];
    process.stdout.write(`faults: ${counts.join(', ')}\n`);
    if (out !== undefined) writeFileSync(join(out, 'score.json'), JSON.stringify(Object.fromEntries(judged), null, 1));
  });
});
