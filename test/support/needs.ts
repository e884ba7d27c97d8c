import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { projectRoot } from './root.ts';

/** Where Debian keeps programs that are not on everybody's PATH. */
const MORE_FOLDERS = ['/usr/sbin', '/sbin', '/usr/lib/postfix/sbin', '/usr/lib/dovecot', '/usr/libexec/dovecot'];

/** A library has no program: the folder of its documents, named after the package, says that it is there. */
const DOCUMENTS = '/usr/share/doc';

/** The package of each program, as scripts/debian-packages.txt lists them. */
function packages(): Map<string, string> {
  const list = readFileSync(join(projectRoot, 'scripts/debian-packages.txt'), 'utf8');
  const result = new Map<string, string>();
  for (const line of list.split('\n')) {
    const [name = '', ...programs] = line.trim().split(/\s+/);
    if (name === '' || name.startsWith('#')) continue;
    for (const program of programs) result.set(program, name);
  }
  return result;
}

/** The full path of a program that a test runs, or undefined where it is not installed. */
export function programPath(program: string): string | undefined {
  const folders = /^(?:lib|python3-)/.test(program)
    ? [DOCUMENTS]
    : [...(process.env['PATH'] ?? '').split(delimiter), ...MORE_FOLDERS];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/**
 * What to pass as a test's `skip`: false when all programs are installed, else a sentence that names the packages to
 * install. Where nothing may be skipped (IMS_TESTS_NOTHING_SKIPPED=1) a missing program throws instead.
 */
export function needs(...programs: readonly string[]): false | string {
  const known = packages();
  const unlisted = programs.filter((program) => !known.has(program));
  if (unlisted.length > 0) throw new Error(`scripts/debian-packages.txt does not list ${unlisted.join(', ')}`);
  const missing = programs.filter((program) => programPath(program) === undefined);
  if (missing.length === 0) return false;
  const names = [...new Set(missing.map((program) => known.get(program)))].join(' ');
  const sentence = `needs ${missing.join(', ')}: apt-get install --no-install-recommends ${names}`;
  if (process.env['IMS_TESTS_NOTHING_SKIPPED'] === '1') throw new Error(sentence);
  return sentence;
}
