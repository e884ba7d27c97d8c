import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRow } from '../../src/events/row.ts';
import { expectNone } from './expect.ts';
import { read, trackedPaths, typescript, type Finding } from './source.ts';

const FOLDER = 'src/events/catalogue';
const DIGITS: Readonly<Record<string, readonly string[]>> = { information: ['1', '2'], warning: ['3'], error: ['4'] };

interface Listed {
  readonly path: string;
  readonly number: string;
  readonly row: EventRow;
}

function isSection(value: unknown): value is Record<string, EventRow> {
  return typeof value === 'object' && value !== null;
}

async function listed(): Promise<Listed[]> {
  const paths = trackedPaths.filter((path) => path.startsWith(`${FOLDER}/`) && !/\.test\.ts$|\/index\.ts$/.test(path));
  const sections = await Promise.all(
    paths.map(async (path) => {
      const module: unknown = await import(new URL(`../../${path.replace(/\.ts$/, '.js')}`, import.meta.url).href);
      return isSection(module)
        ? Object.values(module)
            .flatMap((value) => (isSection(value) ? Object.entries(value) : []))
            .map(([number, row]) => ({ path, number, row }))
        : [];
    }),
  );
  return sections.flat();
}

const fields = (text: string): string[] => [...text.matchAll(/\{([^}]*)\}/g)].map((match) => match[1] ?? '');

function faults(rows: readonly Listed[]): Finding[] {
  const numbers = new Map<string, string>();
  const names = new Map<string, string>();
  return rows.flatMap(({ path, number, row }) => {
    const what: string[] = [];
    const other = numbers.get(number) ?? names.get(row.name);
    if (other !== undefined) what.push(`${number} ${row.name} is declared in ${other} too`);
    numbers.set(number, path);
    names.set(row.name, path);
    if (!/^\d{4}$/.test(number) || !DIGITS[row.severity]?.includes(number.charAt(0)))
      what.push(`${number} is no number of severity ${row.severity}`);
    if (!/^[a-z]+(?:-[a-z]+)*\.[a-z0-9]+(?:-[a-z0-9]+)*$/.test(row.name))
      what.push(`${number}: "${row.name}" is not room.what-happened`);
    const declared = Object.keys(row.data);
    for (const field of fields(row.text))
      if (!declared.includes(field)) what.push(`${number}: {${field}} is not in its data`);
    for (const field of fields(row.title)) what.push(`${number}: the title has the field {${field}}`);
    if (row.severity === 'error' && row.advice === undefined) what.push(`${number}: an error without advice`);
    return what.map((sentence) => ({ path, line: 1, what: sentence }));
  });
}

function silent(rows: readonly Listed[]): Finding[] {
  const texts = typescript('src').filter(({ path }) => !path.startsWith(FOLDER) && !path.endsWith('.test.ts'));
  return rows
    .filter(({ row }) => !texts.some(({ text }) => text.includes(`'${row.name}'`)))
    .map(({ path, number, row }) => ({ path, line: 1, what: `${number} ${row.name} is emitted nowhere` }));
}

test('the rule finds wrong numbers, names and fields', () => {
  const row: EventRow = {
    name: 'queue.full',
    severity: 'error',
    category: 'queue',
    title: 'T',
    text: '{a} and {b}',
    data: { a: 'count' },
    advice: 'x',
  };
  const found = faults([
    { path: 'a', number: '4300', row },
    { path: 'b', number: '4300', row: { ...row, name: 'Queue' } },
    { path: 'c', number: '3300', row: { ...row, name: 'queue.other', text: '', advice: 'x' } },
  ]);
  assert.deepEqual(
    found.map(({ what }) => what),
    [
      '4300: {b} is not in its data',
      '4300 Queue is declared in a too',
      '4300: "Queue" is not room.what-happened',
      '4300: {b} is not in its data',
      '3300 is no number of severity error',
    ],
  );
});

test('events have unique numbers of their severity, names, and texts with declared fields', async () => {
  expectNone('catalogue', faults(await listed()));
});

test('every section of the catalogue is joined in its index', () => {
  const index = read(`${FOLDER}/index.ts`).text;
  const sections = trackedPaths.filter(
    (path) => path.startsWith(`${FOLDER}/`) && !/\.test\.ts$|\/index\.ts$/.test(path),
  );
  expectNone(
    'catalogue index',
    sections
      .filter((path) => !index.includes(path.slice(FOLDER.length + 1)))
      .map((path) => ({ path, line: 1, what: 'is not joined' })),
  );
});

test('every event is emitted somewhere', async () => {
  expectNone('silent events', silent(await listed()));
});
