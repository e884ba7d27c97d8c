import type { Command } from 'commander';
import { findRow } from '../../../events/render.ts';
import {
  HEADINGS,
  namedArticle,
  readLibrary,
  originalNumbers,
  searchArticles,
  type Article,
  type Found,
} from '../../knowledge/index.ts';
import { exitCodes } from '../exit-codes.ts';
import { type CliSession, globals } from '../session.ts';
import { table } from '../table.ts';
import { plain } from '../text.ts';

const ARTICLES_SHOWN = 5;

async function articlesOf(session: CliSession, command: Command): Promise<readonly Article[] | undefined> {
  const { world, programDirectory = '' } = session.io;
  const library = await readLibrary(world.disk, programDirectory);
  if (!library.ok) {
    session.fail(exitCodes.failed, `The articles are not installed: ${library.why}.`, command);
    return undefined;
  }
  for (const problem of library.problems) session.io.stderr.write(`ims: article left out: ${plain(problem)}\n`);
  return library.articles;
}

/** A section as a terminal shows it: links become what to type, everything else stays. */
function shown(text: string): string {
  return text.replace(/\[([^\]\n]{1,200})\]\(([^)\n]{1,200})\)/g, (_whole, words: string, target: string) => {
    const name = /^([\w-]+)\.md$/.exec(target)?.[1];
    return `${words} (${name === undefined ? target : `ims kb ${name}`})`;
  });
}

function printArticle(session: CliSession, article: Article): void {
  const number = article.number === undefined ? '' : `${article.number}: `;
  session.print(session.paint('bold', `${number}${article.title}`));
  for (const heading of HEADINGS) {
    session.print(`\n${session.paint('bold', heading)}\n`);
    session.print(shown(article.sections[heading]));
  }
}

function printFound(session: CliSession, found: readonly Found[]): void {
  const rows = found
    .slice(0, ARTICLES_SHOWN)
    .map(({ article, because }) => [article.name, article.title, because.join(', ')]);
  session.print(
    table([{ title: 'ARTICLE' }, { title: 'TITLE' }, { title: 'FOUND BY', flexible: true }], rows, session.width),
  );
  if (found[0]?.sure === false) session.print('\nNo article names this; these share words with it.');
  session.print(`\nRead the first: ims kb ${found[0]?.article.name ?? ''}`);
}

async function search(session: CliSession, words: readonly string[], command: Command): Promise<void> {
  const articles = await articlesOf(session, command);
  if (articles === undefined) return;
  const asked = words.join(' ');
  const found = searchArticles(articles, asked);
  if (found.length === 0) session.code = exitCodes.negative;
  if (globals(command).json === true) {
    const results = found.map(({ article, score, because, sure }) => ({
      article: article.name,
      title: article.title,
      score,
      because,
      sure,
    }));
    return session.json({ asked, results });
  }
  if (found.length > 0) return printFound(session, found);
  session.print('No article is about that. `ims kb list` shows all; try other words, or the number of an event.');
}

async function show(session: CliSession, words: readonly string[], command: Command): Promise<void> {
  const [first] = words;
  if (first === undefined) return list(session, command);
  const articles = await articlesOf(session, command);
  if (articles === undefined) return;
  const article = words.length === 1 ? namedArticle(articles, first) : undefined;
  if (article === undefined) {
    const row = findRow(/^\d{4}$/.test(first) ? Number(first) : first);
    if (words.length > 1 || row === undefined) return search(session, words, command);
    const { title } = row.row;
    return session.fail(
      exitCodes.negative,
      `Event ${row.number} (${title}) asks nothing of anybody; it has no article.`,
      command,
    );
  }
  if (globals(command).json === true) return session.json(article);
  if (originalNumbers.has(Number(first)))
    session.print(`${first} is a number of the original service; this explains its situation today.\n\n`);
  printArticle(session, article);
}

async function list(session: CliSession, command: Command): Promise<void> {
  const articles = await articlesOf(session, command);
  if (articles === undefined) return;
  const rows = articles.map(({ name, title, number }) => ({
    article: name,
    severity: number === undefined ? 'topic' : (findRow(number)?.row.severity ?? ''),
    title,
  }));
  if (globals(command).json === true) return session.json({ articles: rows });
  session.print(
    table(
      [{ title: 'ARTICLE' }, { title: 'SEVERITY' }, { title: 'TITLE', flexible: true }],
      rows.map(({ article, severity, title }) => [article, severity, title]),
      session.width,
    ),
  );
}

/** kb: the articles, offline. */
export function knowledgeCommands(root: Command, session: CliSession): void {
  const kb = root
    .command('kb')
    .description('what an event means and what to do; works without a running service')
    .argument('[article...]', 'the number or name of an event, the name of a topic, or words to search for')
    .addHelpText(
      'after',
      "\nExamples:\n  ims kb 4007\n  ims kb list\n  ims kb search 'fatal: bind 0.0.0.0 port 25: Address already in use'\n  ims kb search EADDRINUSE",
    )
    .action((words: readonly string[], _options: unknown, command: Command) => show(session, words, command));
  kb.command('search')
    .description('the articles about some words, an error number, or an error text pasted from any program')
    .argument('<words...>', 'what to look for')
    .allowUnknownOption()
    .action((words: readonly string[], _options: unknown, command: Command) => search(session, words, command));
  kb.command('list')
    .description('all articles')
    .action((_options: unknown, command: Command) => list(session, command));
}
