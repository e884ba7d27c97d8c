import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { eventReference, type ReferenceEntry } from '../../src/events/reference.ts';
import { projectRoot } from '../support/root.ts';
import { read, typescript } from './source.ts';

interface Generator {
  readonly eventsPage: (entries: readonly ReferenceEntry[]) => string;
  readonly wherePage: (files: ReadonlyArray<{ path: string; text: string }>, index: string) => string;
}

async function generator(): Promise<Generator> {
  const module: Generator = await import(pathToFileURL(join(projectRoot, 'scripts/pages.mjs')).href);
  return module;
}

const STALE = 'run node scripts/generate.mjs after a build and commit the pages';

test('the reference of events is what the catalogue says', async () => {
  assert.ok(
    read('docs/reference/events.md').text === (await generator()).eventsPage(eventReference()),
    `docs/reference/events.md: ${STALE}`,
  );
});

test('the page from standards to code is what the comments say', async () => {
  const page = (await generator()).wherePage(typescript('src'), read('docs/rfc/index.tsv').text);
  assert.ok(read('docs/rfc/where.md').text === page, `docs/rfc/where.md: ${STALE}`);
});
