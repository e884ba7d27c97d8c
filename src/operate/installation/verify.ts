/** Whether what is installed is what was built: files by the build's manifest, packages by the lock, Node by its version. */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { errnoOf } from '../../events/fault.ts';
import type { Disk } from '../../world/ports/disk.ts';

type ReadingDisk = Pick<Disk, 'readFile' | 'entry' | 'list'>;

/** The version of manifests that this version reads. */
export const manifestFormat = 1;
const MANIFEST = 'manifest.json';
/** Folders above the program in which the manifest and the root are looked for. */
const ABOVE_MAX = 6;
/** Files that are read at once. */
const AT_ONCE = 16;
const FOLDERS_MAX = 1000;

const manifest = z.object({
  format: z.literal(manifestFormat),
  version: z.string(),
  node: z.string(),
  built: z.record(z.string(), z.string()),
  others: z.record(z.string(), z.string()),
});
type Manifest = z.infer<typeof manifest>;
const lock = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), dev: z.boolean().optional(), optional: z.boolean().optional() }),
  ),
});
const installed = z.object({ version: z.string() });

/** One thing that is not as it was built. */
export interface InstallationDifference {
  readonly what: string;
  readonly expected: string;
  readonly seen: string;
}

/** What a verification found. */
export type Verification =
  | {
      readonly ok: true;
      readonly version: string;
      readonly root: string;
      readonly files: number;
      readonly packages: number;
      readonly differences: readonly InstallationDifference[];
    }
  | { readonly ok: false; readonly why: string };

async function above(disk: ReadingDisk, from: string, name: string): Promise<string | undefined> {
  let at = from;
  for (let i = 0; i < ABOVE_MAX; i += 1) {
    if ((await disk.entry(join(at, name)))?.kind === 'file') return at;
    at = dirname(at);
  }
  return undefined;
}

async function fileDifference(
  disk: ReadingDisk,
  path: string,
  sha256: string,
): Promise<InstallationDifference | undefined> {
  try {
    const found = createHash('sha256')
      .update(await disk.readFile(path))
      .digest('hex');
    if (found === sha256) return undefined;
    return { what: path, expected: `as built (${sha256.slice(0, 12)})`, seen: `changed (${found.slice(0, 12)})` };
  } catch (error) {
    const errno = errnoOf(error);
    return { what: path, expected: 'as built', seen: errno === 'ENOENT' ? 'is missing' : `cannot be read (${errno})` };
  }
}

async function someAtOnce<T, R>(list: readonly T[], work: (one: T) => Promise<R | undefined>): Promise<R[]> {
  const out: R[] = [];
  for (let i = 0; i < list.length; i += AT_ONCE)
    for (const one of await Promise.all(list.slice(i, i + AT_ONCE).map(work))) if (one !== undefined) out.push(one);
  return out;
}

/** Programs below the build that the build did not make: they may be of an earlier version. */
async function strangers(disk: ReadingDisk, dist: string, built: Manifest['built']): Promise<InstallationDifference[]> {
  const out: InstallationDifference[] = [];
  const waiting = ['src'];
  for (let seen = 0; waiting.length > 0 && seen < FOLDERS_MAX; seen += 1) {
    const folder = waiting.pop() ?? '';
    for (const name of await disk.list(join(dist, folder)).catch(() => [])) {
      const path = `${folder}/${name}`;
      if (!name.includes('.')) waiting.push(path);
      else if (/\.js$/.test(name) && !name.endsWith('.test.js') && !Object.hasOwn(built, path))
        out.push({ what: join(dist, path), expected: 'not there', seen: 'a program that the build did not make' });
    }
  }
  return out;
}

async function packageDifference(
  disk: ReadingDisk,
  root: string,
  path: string,
  wanted: { readonly version?: string | undefined; readonly optional?: boolean | undefined },
): Promise<InstallationDifference | undefined> {
  if (wanted.version === undefined) return undefined;
  const file = join(root, path, 'package.json');
  try {
    const { version } = installed.parse(JSON.parse((await disk.readFile(file)).toString('utf8')));
    return version === wanted.version ? undefined : { what: join(root, path), expected: wanted.version, seen: version };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && wanted.optional === true) return undefined;
    const seen = errnoOf(error) === 'ENOENT' ? 'is not installed' : 'cannot be read';
    return { what: join(root, path), expected: wanted.version, seen };
  }
}

/** Whether a version is the one of a range '>=a.b.c', or a later one. */
export function isVersionAtLeast(version: string, range: string): boolean {
  const numbers = (text: string): readonly number[] =>
    (/\d+(?:\.\d+){0,2}/.exec(text)?.[0] ?? '0').split('.').map(Number);
  const [have, need] = [numbers(version), numbers(range)];
  for (let i = 0; i < 3; i += 1) {
    const difference = (have[i] ?? 0) - (need[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Compares everything; rejects never for a file that is not as it should be. */
export async function verifyInstallation(
  disk: ReadingDisk,
  programDirectory: string,
  nodeVersion: string,
): Promise<Verification> {
  const dist = await above(disk, programDirectory, MANIFEST);
  if (dist === undefined)
    return { ok: false, why: `no ${MANIFEST} of a build is above ${programDirectory}; npm run build makes it` };
  const root = await above(disk, dist, 'package-lock.json');
  if (root === undefined) return { ok: false, why: `no package-lock.json is above ${dist}` };
  const text: unknown = JSON.parse((await disk.readFile(join(dist, MANIFEST))).toString('utf8'));
  const read = manifest.safeParse(text);
  if (!read.success) {
    const found = z.object({ format: z.number() }).safeParse(text);
    const why = found.success
      ? `it has format ${found.data.format}, this version knows format ${manifestFormat}`
      : 'it is damaged';
    return { ok: false, why: `${join(dist, MANIFEST)} cannot be used: ${why}` };
  }
  const { built, others, version, node } = read.data;
  const files = [
    ...Object.entries(built).map(([path, sha256]) => [join(dist, path), sha256] as const),
    ...Object.entries(others).map(([path, sha256]) => [join(root, path), sha256] as const),
  ];
  const { packages } = lock.parse(JSON.parse((await disk.readFile(join(root, 'package-lock.json'))).toString('utf8')));
  const used = Object.entries(packages).filter(([path, { dev }]) => path.startsWith('node_modules/') && dev !== true);
  const differences = [
    ...(isVersionAtLeast(nodeVersion, node) ? [] : [{ what: 'Node', expected: node, seen: nodeVersion }]),
    ...(await someAtOnce(files, ([path, sha256]) => fileDifference(disk, path, sha256))),
    ...(await strangers(disk, dist, built)),
    ...(await someAtOnce(used, ([path, wanted]) => packageDifference(disk, root, path, wanted))),
  ];
  return { ok: true, version, root, files: files.length, packages: used.length, differences };
}
