/** Loads modules one file after the other. `import` opens all files of a graph at once, more than a low limit of open files allows. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';

const SPECIFIERS = /\b(from |import\()'(\.{1,2}\/[^']+\.js)'/g;

/**
 * Loads everything that the module `entry` would load later, and what that would: then no file has to be opened for the program
 * while connections use up the rest. What only other roles need is left out by `except`.
 */
export function loadOneAtATime(entry: string, except: readonly string[]): void {
  const require = createRequire(entry);
  const seen = new Set(except.map((path) => resolve(dirname(entry), path)));
  const roots = new Set(walk(entry, seen));
  quietly(() => {
    for (const root of roots) {
      require(root);
      for (const path of walk(root, seen)) roots.add(path);
    }
  });
}

/** The modules that those of a graph would load later. */
function walk(root: string, seen: Set<string>): readonly string[] {
  const later: string[] = [];
  const graph = [root];
  for (const path of graph) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const [, kind, specifier = ''] of readFileSync(path, 'utf8').matchAll(SPECIFIERS)) {
      const next = resolve(dirname(path), specifier);
      if (seen.has(next)) continue;
      (kind === 'from ' ? graph : later).push(next);
    }
  }
  return later;
}

/** Node 20 calls `require` of a module an experiment each time; it is not news to whoever runs the service. */
function quietly(load: () => void): void {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] !== 'ExperimentalWarning') Reflect.apply(emitWarning, undefined, [warning, ...rest]);
  };
  try {
    load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
