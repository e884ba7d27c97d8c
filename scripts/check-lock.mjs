// Looks at lock files before they are committed: complete for every platform, and bound to no registry.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Where npm would find `name` when a package at `from` asks for it. */
function isLocked(packages, from, name) {
  for (let folder = from; ; ) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
    const up = folder.lastIndexOf('/node_modules/');
    folder = up < 0 ? '' : folder.slice(0, up);
  }
}

/** Every fault of a lock file, as sentences; none when it may be committed. */
export function lockFaults(lock) {
  const faults = [];
  const packages = lock.packages ?? {};
  if (lock.lockfileVersion !== 3) faults.push(`lockfileVersion is ${lock.lockfileVersion}, not 3`);
  for (const [path, entry] of Object.entries(packages)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      if (!isLocked(packages, path, name))
        faults.push(`${path || 'the project'}: optional ${name} has no entry, so other platforms would lack it`);
    }
    if (path === '') continue;
    if (entry.version === undefined) faults.push(`${path}: no version`);
    if (entry.integrity === undefined) faults.push(`${path}: no integrity`);
    if (entry.resolved !== undefined) faults.push(`${path}: names where it was downloaded from (${entry.resolved})`);
  }
  return faults;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const files = process.argv.length > 2 ? process.argv.slice(2) : ['package-lock.json', 'tools/package-lock.json'];
  let count = 0;
  for (const file of files) {
    for (const fault of lockFaults(JSON.parse(readFileSync(file, 'utf8')))) {
      count += 1;
      console.error(`${file}: ${fault}`);
    }
  }
  process.exit(count === 0 ? 0 : 1);
}
