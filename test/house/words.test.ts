import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectNone, sentences } from './expect.ts';
import { allowedNames, bannedWords, outsideAllowed, outsideCalls } from './rules.ts';
import { isTest, search, source, typescript, type Finding, type SourceFile } from './source.ts';

/** Identifiers that we chose: not members of other people's objects (`z.email()`). */
const IDENTIFIER = /(?<![.\w$#]|\?\.)#?[A-Za-z_$][\w$]*/g;
const PARTS = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g;

function banned(name: string): string | undefined {
  if (allowedNames.has(name)) return undefined;
  for (const part of name.match(PARTS) ?? []) {
    const why = bannedWords.get(part.toLowerCase());
    if (why !== undefined) return `"${name}": ${part.toLowerCase()} ${why}`;
  }
  return undefined;
}

function names(files: readonly SourceFile[]): Finding[] {
  const inCode = search(files, 'code', IDENTIFIER, (match) => banned(match[0]));
  const inPaths = files.flatMap(({ path }) => {
    const parts = path.split('/').map((part) => part.replace(/\..*$/, ''));
    const what =
      parts.map(banned).find((sentence) => sentence !== undefined) ??
      (parts.at(-1) === 'data' ? '"data" says nothing' : undefined);
    const kebab = parts.every((part) => /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part))
      ? undefined
      : 'a path is written in kebab-case';
    return [what, kebab].flatMap((sentence) => (sentence === undefined ? [] : [{ path, line: 1, what: sentence }]));
  });
  return [...inCode, ...inPaths];
}

/** A test may let a turn of the loop pass: nothing is measured by it. */
const TURN = 'clock.soon()';

function calls(files: readonly SourceFile[]): Finding[] {
  const bound = files.filter(({ path }) => !outsideAllowed.some((folder) => path.startsWith(folder)));
  return outsideCalls.flatMap(([pattern, instead]) =>
    search(
      instead === TURN ? bound.filter(({ path }) => !isTest(path)) : bound,
      'code',
      pattern,
      (match) => `${match[0]} reaches outside: take ${instead} from the world`,
    ),
  );
}

test('the rule finds names that say nothing', () => {
  const file = source(
    'src/flow/fooUtil/data.ts',
    "const mailHandler = z.email(); // a handler\nconst jobs = 'payload', commonName = emailJob;",
  );
  assert.deepEqual(sentences(names([file])), [
    '1: "mailHandler": handler says nothing about what it does',
    '2: "emailJob": email say message, mail data or mailbox',
    '1: "fooUtil": util says nothing about what it does',
    '1: a path is written in kebab-case',
  ]);
});

test('the rule finds calls that reach outside', () => {
  const text =
    'const a = Date.now(), b = new Date(), c = new Date(5);\nclock.setTimeout(1); setTimeout(f); this.process.on(1); process.exit(1);';
  assert.deepEqual(sentences(calls([source('src/flow/queue/a.ts', text), source('src/world/node/a.ts', text)])), [
    '1: Date.now reaches outside: take clock.wall() from the world',
    '1: new Date() reaches outside: take clock.wall() from the world',
    '2: setTimeout reaches outside: take clock.after() from the world',
    '2: process.exit reaches outside: take a port or a setting from the world',
  ]);
});

test('names are words of the trade', () => {
  expectNone(
    'names',
    names(typescript('src', 'test', 'bench').filter(({ path }) => path !== 'test/house/words.test.ts')),
  );
});

test('only world/node and service reach outside', () => {
  expectNone('outside calls', calls(typescript('src')));
});
