import type { Disk } from '../../world/ports/disk.ts';
import { parseArticle, type Article } from './article.ts';
import { ARTICLES_MAX, ARTICLE_BYTES_MAX, LEVELS_UP_MAX } from './limits.ts';

type Reading = Pick<Disk, 'entry' | 'list' | 'readFile'>;

/** The articles that are installed, or why there are none. */
export type Library =
  | { readonly ok: true; readonly articles: readonly Article[]; readonly problems: readonly string[] }
  | { readonly ok: false; readonly why: string };

/** Reads the articles installed with a program: those of `kb/` beside it or in a directory above. Never rejects. */
export async function readLibrary(disk: Reading, programDirectory: string): Promise<Library> {
  const directory = await findDirectory(disk, programDirectory);
  if (directory === undefined) return { ok: false, why: `there is no directory kb in ${programDirectory} or above it` };
  try {
    const names = (await disk.list(directory)).filter((name) => name.endsWith('.md')).sort();
    const read = await Promise.all(names.slice(0, ARTICLES_MAX).map((name) => readArticle(disk, directory, name)));
    return {
      ok: true,
      articles: read.filter((one) => typeof one !== 'string'),
      problems: read.filter((one) => typeof one === 'string'),
    };
  } catch (error) {
    return { ok: false, why: `${directory} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function readArticle(disk: Reading, directory: string, name: string): Promise<Article | string> {
  try {
    const octets = await disk.readFile(`${directory}/${name}`);
    if (octets.length > ARTICLE_BYTES_MAX) return `${name}: it is longer than an article may be`;
    const article = parseArticle(name.slice(0, -'.md'.length), octets.toString('utf8'));
    return 'problem' in article ? `${name}: ${article.problem}` : article;
  } catch (error) {
    // One article that cannot be read takes no other away.
    return `${name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function findDirectory(disk: Reading, start: string): Promise<string | undefined> {
  let at = start.replace(/\/+$/, '');
  for (let level = 0; level <= LEVELS_UP_MAX; level += 1) {
    const entry = await disk.entry(`${at}/kb`).catch(() => undefined);
    if (entry !== undefined) return `${at}/kb`;
    if (at === '') return undefined;
    at = at.slice(0, at.lastIndexOf('/'));
  }
  return undefined;
}
