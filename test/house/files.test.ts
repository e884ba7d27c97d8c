import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { expectNone, sentences } from './expect.ts';
import { importsOf } from './imports.ts';
import { entries, linesMax } from './rules.ts';
import { isTest, lineAt, source, typescript, type Finding, type SourceFile } from './source.ts';

function sizes(files: readonly SourceFile[]): Finding[] {
  return files.flatMap(({ path, text }) => {
    const lines = lineAt(text, text.length) - (text.endsWith('\n') ? 1 : 0);
    return lines > linesMax ? [{ path, line: lines, what: `has ${lines} lines, more than ${linesMax}` }] : [];
  });
}

const EXPORTED =
  /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|class|const|let|interface|type) ([\w$]+)/gm;
const OVERLOAD = /^export (?:async )?function ([\w$]+)[^\n{]*;$/m;

/** A type that only names what the documented value beside it makes. */
const DERIVED = /^export type [\w$]+ = (?:z\.(?:infer|output)<|keyof |typeof |\(?typeof |Readonly<z\.infer<)/;

/** One docstring speaks for the lines of a group of constants. */
const isGrouped = (line: string, lineBefore: string): boolean =>
  /^export const .*;$/.test(line) && /^export const .*;(?: \/\/.*)?$/.test(lineBefore);

function undocumented(file: SourceFile): Array<Finding & { readonly name: string }> {
  const seen = new Set<string>();
  return [...file.code.matchAll(EXPORTED)].flatMap((match) => {
    const name = match[1] ?? '';
    const before = file.text.slice(0, match.index).trimEnd();
    const line = /^.*/.exec(file.text.slice(match.index))?.[0] ?? '';
    const documented = before.endsWith('*/') && file.comments.charAt(before.length - 1) === '/';
    const again = seen.has(name) && OVERLOAD.test(file.text);
    seen.add(name);
    if (documented || again || DERIVED.test(line) || isGrouped(line, /.*$/.exec(before)?.[0] ?? '')) return [];
    return [{ path: file.path, line: lineAt(file.text, match.index), what: `${name} has no docstring`, name }];
  });
}

/** A docstring at the head of a file that belongs to no export. */
const MANUAL = /^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*(?!export |\s)/;

/** The manual at the head of a file speaks for its main export. */
function docstrings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => {
    const found = undocumented(file);
    const main = MANUAL.test(file.text) ? found.find(({ name }) => !/(?:Options|Settings)$/.test(name)) : undefined;
    return found.filter((finding) => finding !== main);
  });
}

/** Files that only their own test knows. A file named in a string (`new URL('./worker.js', ...)`) counts as started. */
function dead(files: readonly SourceFile[], all: readonly SourceFile[]): Finding[] {
  const used = new Set(entries.map(({ path }) => path));
  for (const file of all) {
    const own = file.path.replace(/\.test\.ts$/, '.ts');
    for (const one of importsOf(file)) if (one.relative && one.target !== own) used.add(one.target);
    for (const match of file.text.matchAll(/['"`](\.{1,2}\/[\w./-]+)\.js['"`]/g))
      used.add(`${posix.join(posix.dirname(file.path), match[1] ?? '')}.ts`);
  }
  return files
    .filter(({ path }) => !isTest(path) && !used.has(path))
    .map(({ path }) => ({ path, line: 1, what: 'is imported by nothing but its own test, and is no entry' }));
}

function untested(files: readonly SourceFile[]): Finding[] {
  return files.flatMap(({ path, code }) =>
    [...code.matchAll(/\b(?:test|it|describe)\.only\b/g)].map((match) => ({
      path,
      line: lineAt(code, match.index),
      what: 'runs only some tests',
    })),
  );
}

test('the rules find long files, exports without docstring and dead files', () => {
  const long = source('src/a.ts', 'x\n'.repeat(linesMax + 1));
  assert.deepEqual(sentences(sizes([long, source('src/b.ts', 'x\n'.repeat(linesMax))])), [
    '401: has 401 lines, more than 400',
  ]);
  const bare = source(
    'src/c.ts',
    '/** Said. */\nexport const a = 1;\nexport type B = 1;\n// Not one.\nexport async function c() {}\n',
  );
  const manual = source('src/h.ts', '/** What it is. */\nimport x;\nexport interface AOptions {}\nexport class A {}');
  assert.deepEqual(sentences(docstrings([manual])), ['3: AOptions has no docstring']);
  assert.deepEqual(sentences(docstrings([bare])), ['3: B has no docstring', '5: c has no docstring']);
  const files = [
    source('src/d.ts', ''),
    source('src/d.test.ts', "import './d.ts';"),
    source('src/e.ts', "import './f.ts'; new URL('./g.js', x);"),
    source('src/f.ts', "import './e.ts';"),
    source('src/g.ts', ''),
  ];
  assert.deepEqual(
    dead(files, files).map(({ path }) => path),
    ['src/d.ts'],
  );
});

test('no file is too long', () => {
  expectNone('sizes', sizes(typescript('src', 'test', 'bench')));
});

test('every exported name has a docstring', () => {
  expectNone(
    'docstrings',
    docstrings(typescript('src', 'test/support').filter(({ path }) => !path.endsWith('.test.ts'))),
  );
});

test('no source file is dead', () => {
  expectNone('dead files', dead(typescript('src'), typescript('src', 'test', 'bench')));
});

test('no test is run alone', () => {
  expectNone('only', untested(typescript('src', 'test')));
});
