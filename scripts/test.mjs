// Runs the tests of a build: scripts/test.mjs [--unit] [--no-skip] [--dist=FOLDER] [path ...]
//   path      a source or built test file, or a folder of them: src/flow/queue, test/scenarios/relay
//   --unit    only the tests beside the code
//   --fast    the tests beside the code and the house tests
//   --no-skip a skipped test is a failure (also with CI=true)
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, normalize } from 'node:path';
import { runTier } from './tier.mjs';

const words = process.argv.slice(2);
const options = new Set(words.filter((word) => word.startsWith('--')));
const dist = [...options].find((option) => option.startsWith('--dist='))?.slice('--dist='.length) ?? 'dist';
const wanted = words.filter((word) => !word.startsWith('--')).map(built);
const nothingSkipped = options.has('--no-skip') || process.env.CI === 'true';

/** The built form of a path as people type it. */
function built(path) {
  const plain = normalize(path).replace(/\/$/, '');
  const inDist = plain === dist || plain.startsWith(`${dist}/`) ? plain : join(dist, plain);
  const file = inDist.replace(/\.ts$/, '.js');
  if (existsSync(file) && statSync(file).isFile() && !file.endsWith('.test.js'))
    return file.replace(/\.js$/, '.test.js');
  return file;
}

const collect = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
        .sort()
    : [];

const isWanted = (file) => wanted.length === 0 || wanted.some((path) => file === path || file.startsWith(`${path}/`));

/** Folders of test/ with tests, the quick ones first. */
function otherTiers() {
  const folders = existsSync(join(dist, 'test')) ? readdirSync(join(dist, 'test'), { withFileTypes: true }) : [];
  const names = folders.filter((entry) => entry.isDirectory() && entry.name !== 'house').map((entry) => entry.name);
  const order = ['support', 'transcripts', 'vectors', 'contracts', 'simulation', 'scenarios', 'faults'];
  const rank = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

const tiers = [{ name: 'unit', oneProcess: true, files: collect(join(dist, 'src')) }];
if (!options.has('--unit')) tiers.push({ name: 'house', oneProcess: true, files: collect(join(dist, 'test/house')) });
if (!options.has('--unit') && !options.has('--fast')) {
  for (const name of otherTiers()) tiers.push({ name, oneProcess: false, files: collect(join(dist, 'test', name)) });
}

const phrase = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;
const total = { passed: 0, failed: 0, skipped: 0 };
let filesRun = 0;
for (const tier of tiers) {
  const files = tier.files.filter(isWanted);
  if (files.length === 0) continue;
  filesRun += files.length;
  const started = performance.now();
  const counts = await runTier({ ...tier, files, nothingSkipped });
  for (const key of Object.keys(total)) total[key] += counts[key];
  console.log(
    `${tier.name}: ${phrase(counts)} (${files.length} ${files.length === 1 ? 'file' : 'files'}, ${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
}
if (filesRun === 0) console.log(`No test file matches ${wanted.map((path) => basename(path)).join(', ') || dist}.`);
if (nothingSkipped && total.skipped > 0) console.log('A skipped test counts as a failure here.');
console.log(phrase(total));
process.exit(total.failed > 0 || filesRun === 0 || (nothingSkipped && total.skipped > 0) ? 1 : 0);
