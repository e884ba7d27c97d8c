import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { eventReference, type ReferenceEntry } from '../../src/events/reference.ts';
import { type Metric, metrics } from '../../src/operate/metrics/table.ts';
import { projectRoot } from '../support/root.ts';
import { read, typescript } from './source.ts';

interface Generator {
  readonly eventsPage: (entries: readonly ReferenceEntry[]) => string;
  readonly metricsPage: (rows: readonly Metric[]) => string;
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

test('the reference of metrics is what their table says', async () => {
  assert.ok(
    read('docs/reference/metrics.md').text === (await generator()).metricsPage(metrics),
    `docs/reference/metrics.md: ${STALE}`,
  );
});

test('Q182502: no metric is renamed, dropped or given other labels: others draw and alert on them', () => {
  const promised = read('test/house/metric-names.txt').text.trimEnd().split('\n');
  const declared = metrics.map(({ name, type, labels }) => [name, type, ...labels].join(' '));
  assert.deepEqual(
    promised.filter((one) => !declared.includes(one)),
    [],
    'promised, and no longer there',
  );
  assert.deepEqual(
    declared.filter((one) => !promised.includes(one)),
    [],
    'new: add them to test/house/metric-names.txt, where they stay for good',
  );
});

test('the page from standards to code is what the comments say', async () => {
  const page = (await generator()).wherePage(typescript('src'), read('docs/rfc/index.tsv').text);
  assert.ok(read('docs/rfc/where.md').text === page, `docs/rfc/where.md: ${STALE}`);
});
