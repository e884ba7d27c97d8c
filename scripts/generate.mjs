// Writes the pages that come from the code: run it after a build, then commit them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventsPage, metricsPage, wherePage } from './pages.mjs';

const dist = process.argv.find((word) => word.startsWith('--dist='))?.slice('--dist='.length) ?? 'dist';
const { eventReference } = await import(pathToFileURL(resolve(dist, 'src/events/reference.js')).href);
const { metrics } = await import(pathToFileURL(resolve(dist, 'src/operate/metrics/table.js')).href);

const sources = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .sort();
const files = sources.map((path) => ({ path, text: readFileSync(path, 'utf8') }));

writeFileSync('docs/reference/events.md', eventsPage(eventReference()));
writeFileSync('docs/reference/metrics.md', metricsPage(metrics));
writeFileSync('docs/rfc/where.md', wherePage(files, readFileSync('docs/rfc/index.tsv', 'utf8')));
