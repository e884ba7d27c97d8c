/** The articles, and the search for one by words or by an error text that was pasted from anywhere. */
import { HEADINGS, namedArticle, searchArticles, type Article } from '../knowledge/index.ts';
import { QUERY_LENGTH_MAX } from '../knowledge/limits.ts';
import { type Asked, type NotShown, type Shown, typed } from './asked.ts';
import { html, type Html } from './html.ts';
import { article, table } from './layout.ts';
import { markdown } from './markdown.ts';

/** The articles, or why there are none. */
async function articlesOf({ parts }: Asked): Promise<readonly Article[] | NotShown> {
  const library = await parts.articles();
  if (library.ok) return library.articles;
  return { failure: { kind: 'failed', message: `The articles are not installed: ${library.why}.` } };
}

const link = ({ name, title }: Article): Html => article(name, `${/^\d/.test(name) ? `${name}: ` : ''}${title}`);

/** All articles, or those about some words. */
export async function articlesPage(asked: Asked): Promise<Shown | NotShown> {
  const articles = await articlesOf(asked);
  if ('failure' in articles) return articles;
  const words = typed(asked.query, 'q');
  return {
    title: 'Articles',
    content: html`<form method="get" action="/kb"><label>Words, a number, or an error text pasted from any program
<textarea name="q" maxlength="${QUERY_LENGTH_MAX}">${words}</textarea></label><button>Search</button></form>
${words === undefined ? html`<ul>${articles.map((one) => html`<li>${link(one)}</li>`)}</ul>` : found(articles, words)}`,
  };
}

function found(articles: readonly Article[], words: string): Html {
  const results = searchArticles(articles, words);
  if (results.length === 0)
    return html`<p>No article is about that. <a href="/kb">All articles</a>; or try other words, or the number of an event.</p>`;
  return html`${results[0]?.sure === false && html`<p>No article names this; these share words with it.</p>`}
${table(
  ['Article', 'Found by'],
  results.map((one) => [link(one.article), one.because.join(', ')]),
)}`;
}

/** One article. */
export async function articlePage(asked: Asked, word: string): Promise<Shown | NotShown> {
  const articles = await articlesOf(asked);
  if ('failure' in articles) return articles;
  const one = namedArticle(articles, word);
  if (one === undefined)
    return {
      failure: {
        kind: 'not-found',
        message: `There is no article ${word}: that event asks nothing of anybody, or is not one of this service.`,
      },
    };
  const number = one.number === undefined ? '' : `${one.number}: `;
  const events =
    one.number === undefined ? '' : html`<p><a href="/events?number=${one.number}">When it happened here</a></p>`;
  return {
    title: `${number}${one.title}`,
    content: html`${events}${HEADINGS.map((heading) => html`<h2>${heading}</h2>${markdown(one.sections[heading])}`)}`,
  };
}
