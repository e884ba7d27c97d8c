/** Runs seeds by hand: node .../test/simulation/run.js FIRST [LAST] prints what each came to; with --journal all that was said. */
import { runSeed } from './scenario.ts';

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const first = Number(words[0] ?? 1);
const last = Number(words[1] ?? first);
for (let seed = first; seed <= last; seed += 1) {
  const started = process.cpuUsage();
  const { violations, journal, moments, simulatedMs, acknowledged, accepted, finals } = await runSeed(seed, {
    lyingSyncs: process.argv.includes('--lying-syncs'),
  });
  const { user, system } = process.cpuUsage(started);
  const facts = `${moments} moments, ${Math.round(simulatedMs / 60_000)} min, ${acknowledged} acknowledged, ${accepted} taken by hosts, ${finals} final outcomes, ${Math.round((user + system) / 1000)} ms of CPU`;
  process.stdout.write(`${seed}: ${violations.length === 0 ? 'holds' : 'VIOLATED'} (${facts})\n`);
  for (const violation of violations) process.stdout.write(`  ${violation}\n`);
  if (process.argv.includes('--journal')) process.stdout.write(`${journal.join('\n')}\n`);
}
