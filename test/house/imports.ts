import { posix } from 'node:path';
import { lineAt, type SourceFile } from './source.ts';

/** One import or re-export of a file. */
export interface Import {
  readonly from: string;
  readonly line: number;
  /** A path of the project for a relative import, else the name of a package or `node:` module. */
  readonly target: string;
  readonly relative: boolean;
  readonly typeOnly: boolean;
  /** The names in braces, as they are called where they come from. */
  readonly names: readonly string[];
}

const STATIC = /^[ \t]*(?:import|export)\b([^;'"]*?)(?:\bfrom\s*)?(['"])/gm;
const DYNAMIC = /\bimport\(\s*(['"])/g;

/** What stands between the quotes that open at an offset. */
function quoted(text: string, quote: number): string {
  return text.slice(quote + 1, text.indexOf(text.charAt(quote), quote + 1));
}

/** The imports of a file, static and dynamic. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  const add = (quote: number, clause: string): void => {
    const specifier = quoted(file.text, quote);
    const relative = specifier.startsWith('.');
    found.push({
      from: file.path,
      line: lineAt(file.text, quote),
      target: relative ? posix.join(posix.dirname(file.path), specifier) : specifier,
      relative,
      names: [...(/\{([^}]*)\}/.exec(clause)?.[1] ?? '').matchAll(/(?:^|,)\s*(?:type\s+)?([\w$]+)/g)].map(
        (match) => match[1] ?? '',
      ),
      typeOnly: /^\s+type\b(?!\s*,)/.test(clause) || /^\s*\{(?:\s*type\s[^,}]*,?)+\s*\}/.test(clause),
    });
  };
  for (const match of file.code.matchAll(STATIC)) {
    const clause = match[1] ?? '';
    const isImport = match[0].trimStart().startsWith('import');
    const hasFrom = /\bfrom\s*['"]$/.test(match[0]);
    if (hasFrom || (isImport && clause.trim() === '')) add(match.index + match[0].length - 1, clause);
  }
  for (const match of file.code.matchAll(DYNAMIC)) add(match.index + match[0].length - 1, '');
  return found;
}
