import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../support/root.ts';
import { split } from './split.ts';

/** One file of the project as the house rules read it. */
export interface SourceFile {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the insides of strings blanked; every character keeps its place. */
  readonly code: string;
  /** The text with everything but comments blanked. */
  readonly comments: string;
}

/** Something that a rule does not allow. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly what: string;
}

/** A file of the tree, or the small bad example of a rule's own test. */
export function source(path: string, text: string): SourceFile {
  return { path, text, ...(/\.(?:ts|mjs)$/.test(path) ? split(text) : { code: text, comments: '' }) };
}

const SKIPPED = new Set(['node_modules', 'dist', 'data', '.build', '.git']);

function walk(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : walk(path);
    return entry.isFile() ? [path] : [];
  });
}

/** Every path of the project that is, or would be, in the repository. */
export const trackedPaths: readonly string[] = (() => {
  try {
    const out = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: projectRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
    });
    return [...new Set(out.split('\0').filter((path) => path !== '' && existsSync(join(projectRoot, path))))];
  } catch {
    // A copy without git, such as an unpacked archive: the folders are read instead.
    return walk('');
  }
})();

const cache = new Map<string, SourceFile>();

/** A file of the project by its path. */
export function read(path: string): SourceFile {
  let file = cache.get(path);
  if (file === undefined) {
    file = source(path, readFileSync(join(projectRoot, path), 'utf8'));
    cache.set(path, file);
  }
  return file;
}

/** All TypeScript files below the given folders. */
export function typescript(...folders: readonly string[]): SourceFile[] {
  return trackedPaths
    .filter((path) => path.endsWith('.ts') && folders.some((folder) => path.startsWith(`${folder}/`)))
    .sort()
    .map(read);
}

/** The line number of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line += 1;
  return line;
}

/** Everything that a pattern (with the g flag) finds in the code, the comments or the text of files. */
export function search(
  files: readonly SourceFile[],
  where: 'code' | 'comments' | 'text',
  pattern: RegExp,
  what: (match: RegExpMatchArray) => string | undefined,
): Finding[] {
  return files.flatMap((file) =>
    [...file[where].matchAll(pattern)].flatMap((match) => {
      const sentence = what(match);
      return sentence === undefined ? [] : [{ path: file.path, line: lineAt(file.text, match.index), what: sentence }];
    }),
  );
}

/** Is it a test, which may do what the code beside it may not? */
export const isTest = (path: string): boolean => path.endsWith('.test.ts') || path.startsWith('test/');
