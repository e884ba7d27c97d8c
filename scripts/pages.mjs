// Pages that are written from the code. Pure, so that a house test can tell whether the committed ones are fresh.

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const HEAD = (from) => `<!-- Written by scripts/generate.mjs from ${from}. -->\n`;

/** The reference of events, one row per number; `entries` is what eventReference() of src/events/reference.ts returns. */
export function eventsPage(entries) {
  const lines = entries.map((entry) => {
    const standards = entry.rfc.map((reference) => `RFC ${reference}`).join(', ');
    const advice = entry.advice === '' ? '' : ` **Do:** ${entry.advice}`;
    const level = entry.level === 1 ? '' : ` (level ${entry.level})`;
    const fields = entry.fields.map(({ name, kind }) => `\`${name}\` ${kind}`).join(', ');
    return `| ${entry.number} | ${entry.severity}${level} | \`${entry.name}\` | ${cell(`${entry.title}.${advice}`)} | \`${cell(entry.text)}\` | ${fields} | ${standards} |`;
  });
  return `${HEAD('src/events/catalogue')}
# Events

The first digit says how bad it is: 1 life cycle, 2 information, 3 warning, 4 error. A number is never reused.
Levels 3 and 5 are written only when the logging level of their category is raised.

| number | severity | name | what happened | text | fields | standards |
|---|---|---|---|---|---|---|
${lines.join('\n')}
`;
}

/** The reference of metrics, one row each; `metrics` is the table of src/operate/metrics/table.ts. */
export function metricsPage(metrics) {
  const rows = metrics.map(
    ({ name, type, unit, labels, help }) =>
      `| \`${name}\` | ${type} | ${unit} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${cell(help)} |`,
  );
  return `${HEAD('src/operate/metrics/table.ts')}
# Metrics

What \`ims metrics\` prints, and what \`GET /metrics\` of the health endpoint (\`server.health\`) answers: in the text form of Prometheus, or in that of
OpenMetrics where the question asks for it. Names, types and labels are a promise: none is renamed, dropped or given another meaning. What workers had
counted that were started again stays in the sums; all counters begin anew with the service. No label has a client, or an address or a domain of others.

| name | type | unit | labels | what |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** Standard and section of every reference in comments, with the files where they stand. Line numbers would age too fast. */
export function wherePage(files, index) {
  const rows = index
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((row) => row.split('\t'));
  const found = new Map();
  for (const { path, text } of files) {
    if (path.endsWith('.test.ts')) continue;
    for (const [, number, first] of text.matchAll(/\bRFC (\d+)(?: §([A-Z0-9][\w.]*\w|\d))?/g)) {
      const sections = found.get(number) ?? new Map();
      const section = first ?? '';
      sections.set(section, (sections.get(section) ?? new Set()).add(path));
      found.set(number, sections);
    }
  }
  const bySection = ([a], [b]) => a.localeCompare(b, 'en', { numeric: true });
  const parts = rows
    .filter(([number]) => found.has(number))
    .map(([number, title, status, missing]) => {
      const lines = [...found.get(number)].sort(bySection).map(([section, paths]) => {
        const links = [...paths].sort().map((path) => `[${path.replace(/^src\//, '')}](../../${path})`);
        return `- ${section === '' ? 'as a whole' : `§${section}`}: ${links.join(', ')}`;
      });
      const lacks = missing ? `Missing: ${missing}.\n\n` : '';
      return `## RFC ${number}: ${title} (${status})\n\n${lacks}${lines.join('\n')}`;
    });
  return `${HEAD('the comments of src')}
# Where a standard is in the code

What is supported of each standard is in [index.tsv](index.tsv).

${parts.join('\n\n')}
`;
}
