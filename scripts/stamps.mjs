// Stamps say that an installation or a build fits what it was made from.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the installed packages were chosen by. Scripts and texts of package.json do not count. */
export function installStamp(folder) {
  const { dependencies, devDependencies, overrides } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .update(JSON.stringify([dependencies, devDependencies, overrides]))
    .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
    .digest('hex');
}

function addFolder(hash, folder) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) addFolder(hash, path);
    else if (entry.name.endsWith('.ts')) addFile(hash, path);
  }
}

function addFile(hash, path) {
  try {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  } catch {
    hash.update(`${path}\0absent\n`);
  }
}

/** What a build was made from: size and time of each source, not its content, so that a second start pays milliseconds. */
export function buildStamp() {
  const hash = createHash('sha256');
  for (const folder of ['src', 'test', 'bench']) addFolder(hash, folder);
  for (const file of ['tsconfig.json', 'package-lock.json']) addFile(hash, file);
  return hash.digest('hex');
}

export function stampIs(path, stamp) {
  try {
    return readFileSync(path, 'utf8') === stamp;
  } catch {
    return false;
  }
}

/** Written under another name and moved, so that a stamp is whole or absent. */
export function writeStamp(path, stamp) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, stamp);
  renameSync(`${path}.new`, path);
}
