// Pages that are written from the code. Pure, so that a house test can tell whether the committed ones are fresh.

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const HEAD = (from) => `<!-- Written by scripts/generate.mjs from ${from}. -->\n`;

/** The reference of events: one row per number. */
export function eventsPage(catalogue) {
  const rows = Object.entries(catalogue).sort(([a], [b]) => Number(a) - Number(b));
  const lines = rows.map(([number, row]) => {
    const standards = (row.rfc ?? []).map((reference) => `RFC ${reference}`).join(', ');
    const advice = row.advice === undefined ? '' : ` **Do:** ${row.advice}`;
    const level = row.level === undefined || row.level === 1 ? '' : ` (level ${row.level})`;
    return `| ${number} | ${row.severity}${level} | \`${row.name}\` | ${cell(`${row.title}.${advice}`)} | \`${cell(row.text)}\` | ${standards} |`;
  });
  return `${HEAD('src/events/catalogue')}
# Events

The first digit says how bad it is: 1 life cycle, 2 information, 3 warning, 4 error. A number is never reused.
Levels 3 and 5 are written only when the logging level of their category is raised.

| number | severity | name | what happened | text | standards |
|---|---|---|---|---|---|
${lines.join('\n')}
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
    .map(([number, title, status]) => {
      const lines = [...found.get(number)].sort(bySection).map(([section, paths]) => {
        const links = [...paths].sort().map((path) => `[${path.replace(/^src\//, '')}](../../${path})`);
        return `- ${section === '' ? 'as a whole' : `§${section}`}: ${links.join(', ')}`;
      });
      return `## RFC ${number}: ${title} (${status})\n\n${lines.join('\n')}`;
    });
  return `${HEAD('the comments of src')}
# Where a standard is in the code

What is supported of each standard is in [index.tsv](index.tsv).

${parts.join('\n\n')}
`;
}
