// Writes what a build consists of: the hash of every file that runs or is read, so that `ims verify` can say what differs.
// usage: node scripts/manifest.mjs [--dist=FOLDER]
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FORMAT = 1;

function filesBelow(folder, isWanted) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isWanted(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

const hashes = (paths, base) =>
  Object.fromEntries(
    paths.map((path) => [path.slice(base.length), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );

/** Built files by their path below `dist`, the others by their path below the root. */
export function writeManifest(dist = 'dist') {
  const { version, engines } = JSON.parse(readFileSync('package.json', 'utf8'));
  const isProgram = (name) => name.endsWith('.js') && !name.endsWith('.test.js');
  const manifest = {
    format: FORMAT,
    version,
    node: engines.node,
    built: hashes(filesBelow(join(dist, 'src'), isProgram), `${dist}/`),
    others: hashes(
      [
        ...filesBelow('bin', () => true),
        ...filesBelow('kb', (name) => name.endsWith('.md')),
        'package.json',
        'package-lock.json',
      ],
      '',
    ),
  };
  const path = join(dist, 'manifest.json');
  writeFileSync(`${path}.new`, `${JSON.stringify(manifest, undefined, 1)}\n`);
  renameSync(`${path}.new`, path);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeManifest(process.argv.find((word) => word.startsWith('--dist='))?.slice('--dist='.length));
