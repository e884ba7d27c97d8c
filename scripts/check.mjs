// What a change must pass before it is committed: format and lint, types (the build before this), house and unit tests.
import { run } from './child.mjs';
import { lockFaults } from './check-lock.mjs';
import { readFileSync } from 'node:fs';

const stages = [
  ['format and lint', () => run('tools/node_modules/.bin/biome', ['check', '--error-on-warnings', '.'])],
  [
    'locks',
    async () => {
      const faults = ['package-lock.json', 'tools/package-lock.json'].flatMap((file) =>
        lockFaults(JSON.parse(readFileSync(file, 'utf8'))).map((fault) => `${file}: ${fault}`),
      );
      for (const fault of faults) console.error(fault);
      return faults.length === 0 ? 0 : 1;
    },
  ],
  ['house and unit tests', () => run(process.execPath, ['scripts/test.mjs', '--fast'])],
];

const failed = [];
for (const [name, stage] of stages) {
  const started = performance.now();
  const code = await stage();
  if (code !== 0) failed.push(name);
  console.log(
    `check: ${name} ${code === 0 ? 'fine' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
}
if (failed.length > 0) console.log(`check: failed: ${failed.join(', ')}`);
process.exit(failed.length === 0 ? 0 : 1);
