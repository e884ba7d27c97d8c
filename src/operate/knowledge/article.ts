/** The headings of an article, in their order: every article has all of them and no other. */
export const HEADINGS = [
  'What happened',
  'Why',
  'What the service did',
  'What to do',
  'How to know that it is over',
  'See also',
] as const;

export type Heading = (typeof HEADINGS)[number];

/** An article of the knowledge base. */
export interface Article {
  /** The name of its file without `.md`: the number of its event, or the words of a topic. */
  readonly name: string;
  /** The number of its event; absent for a topic. */
  readonly number?: number;
  readonly title: string;
  readonly sections: Readonly<Record<Heading, string>>;
  /** The example line of its event as `ims run` prints it; '' for a topic. */
  readonly example: string;
}

/** What is wrong with the text of an article. */
export interface ArticleFault {
  readonly problem: string;
}

const FENCE = '```';

/** Reads an article; says what is wrong where its form is not kept. */
export function parseArticle(name: string, text: string): Article | ArticleFault {
  const [first = '', ...lines] = text.replace(/\r\n/g, '\n').split('\n');
  const number = /^\d{4}$/.test(name) ? Number(name) : undefined;
  const start = number === undefined ? '# ' : `# ${name}: `;
  if (!first.startsWith(start)) return { problem: `the first line does not begin with "${start}"` };
  const parts = sectionsOf(lines);
  const found = parts.map(({ heading }) => heading).join(', ');
  if (found !== HEADINGS.join(', ')) return { problem: `its headings are ${found || 'missing'}` };
  const empty = parts.find(({ body }) => body === '');
  if (empty !== undefined) return { problem: `"${empty.heading}" is empty` };
  const examples = fencedLines(lines, 'json');
  if (examples.length !== (number === undefined ? 0 : 1)) return { problem: `it has ${examples.length} example lines` };
  return {
    name,
    ...(number === undefined ? {} : { number }),
    title: first.slice(start.length).trim(),
    sections: Object.fromEntries(parts.map(({ heading, body }) => [heading, body])) as Record<Heading, string>,
    example: examples[0] ?? '',
  };
}

function sectionsOf(lines: readonly string[]): readonly { readonly heading: string; readonly body: string }[] {
  const parts: { heading: string; lines: string[] }[] = [];
  let fenced = false;
  for (const line of lines) {
    if (line.startsWith(FENCE)) fenced = !fenced;
    if (!fenced && line.startsWith('## ')) parts.push({ heading: line.slice(3).trim(), lines: [] });
    else parts.at(-1)?.lines.push(line);
  }
  return parts.map(({ heading, lines: own }) => ({ heading, body: own.join('\n').trim() }));
}

/** The lines within fenced blocks of a language. */
export function fencedLines(lines: readonly string[], language: string): readonly string[] {
  const found: string[] = [];
  let inside: string | undefined;
  for (const line of lines) {
    if (line.startsWith(FENCE)) inside = inside === undefined ? line.slice(FENCE.length).trim() : undefined;
    else if (inside === language) found.push(line);
  }
  return found;
}

/** The whole text of an article, for a search. */
export function bodyOf(article: Article): string {
  return HEADINGS.map((heading) => article.sections[heading]).join('\n');
}
