import { findRow } from '../../events/render.ts';
import type { Article } from './article.ts';
import { originalNumbers } from './codes.ts';

/** The article that a number, a name of an event or of a topic names; a number of the original service leads to its own. */
export function namedArticle(articles: readonly Article[], word: string): Article | undefined {
  const row = findRow(word);
  const name = row === undefined ? word.toLowerCase() : String(row.number);
  const [today] = originalNumbers.get(Number(word)) ?? [];
  return articles.find((article) => article.name === name) ?? articles.find((article) => article.name === today);
}
