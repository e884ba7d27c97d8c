/**
 * Finds the articles for words or for an error text that was pasted from elsewhere: by event numbers, known phrases, codes of
 * systems, and words, in this order of weight. Pure, and linear in the length of the text.
 */
import { eventReference } from '../../events/reference.ts';
import { findRow } from '../../events/render.ts';
import { bodyOf, type Article } from './article.ts';
import { errorCodes, originalNumbers } from './codes.ts';
import { QUERY_LENGTH_MAX, QUERY_WORDS_MAX, RESULTS_MAX } from './limits.ts';
import { phrases } from './phrases.ts';

/** An article that fits, the best first. */
export interface Found {
  readonly article: Article;
  readonly score: number;
  /** What of the text led to it. */
  readonly because: readonly string[];
  /** Whether more than single words led to it: a number, a code or a known phrase. */
  readonly sure: boolean;
}

const NUMBER = 100;
const PHRASE = 40;
const CODE = 30;
/** What is named second explains less often. */
const NEXT = 0.8;
const IN_TITLE = 4;
/** Below it an article shares a few words with the text and says nothing about it. */
const SCORE_MIN = 1;
/** What fits so much less than the best is left out. */
const SHARE_MIN = 0.15;

class Scores {
  readonly #of = new Map<string, { score: number; because: Set<string>; sure: boolean }>();

  add(name: string, score: number, because: string, sure = true): void {
    const entry = this.#of.get(name) ?? { score: 0, because: new Set(), sure: false };
    this.#of.set(name, entry);
    entry.score += score;
    entry.sure ||= sure;
    if (![...entry.because].some((one) => one.toLowerCase() === because)) entry.because.add(because);
  }

  /** The first of the names explains best. */
  addAll(names: readonly string[], score: number, because: string): void {
    for (const [i, name] of names.entries()) this.add(name, score * NEXT ** i, because);
  }

  found(articles: readonly Article[]): readonly Found[] {
    const best = Math.max(0, ...[...this.#of.values()].map(({ score }) => score));
    const least = Math.max(SCORE_MIN, best * SHARE_MIN);
    return articles
      .flatMap((article) => {
        const entry = this.#of.get(article.name);
        return entry === undefined || entry.score < least
          ? []
          : [
              {
                article,
                score: Math.round(entry.score * 10) / 10,
                because: [...entry.because].slice(0, 6),
                sure: entry.sure,
              },
            ];
      })
      .sort((a, b) => b.score - a.score || (a.article.name < b.article.name ? -1 : 1))
      .slice(0, RESULTS_MAX);
  }
}

/** Searches the articles for what somebody asks or pastes. */
export function searchArticles(articles: readonly Article[], asked: string): readonly Found[] {
  const text = asked.slice(0, QUERY_LENGTH_MAX).toLowerCase().replace(/\s+/g, ' ').trim();
  const scores = new Scores();
  byNumber(scores, text, articles);
  byOwnWords(scores, text);
  byPhrase(scores, text);
  byCode(scores, text);
  byWord(scores, text, articles);
  return scores.found(articles);
}

/** Four digits that are no part of a time, an address, a size or a process id, unless the text calls them an event. */
const EVENT_NUMBER = /(?:(?<=event["' :=#]{1,4})|(?<![\w.:[=/<(-]))\d{4}(?![\w.:]\w|-)/g;

function byNumber(scores: Scores, text: string, articles: readonly Article[]): void {
  const own = new Set(articles.map(({ name }) => name));
  for (const [number] of text.matchAll(EVENT_NUMBER)) {
    const names = own.has(number) ? [number] : (originalNumbers.get(Number(number)) ?? []);
    scores.addAll(names, NUMBER, `event ${number}`);
  }
  for (const [name] of text.matchAll(/(?<![\w.])[a-z]{1,40}\.[a-z0-9-]{1,60}/g)) {
    const row = findRow(name);
    if (row !== undefined) scores.add(String(row.number), NUMBER, name);
  }
}

/** A sentence with fewer letters of its own would be found in anything. */
const TELLING_LETTERS_MIN = 12;

/** What the service itself says: the sentence of an event, whatever its fields, or its title. */
function byOwnWords(scores: Scores, text: string): void {
  for (const event of eventReference()) {
    const sentence = event.text.toLowerCase().replace(/\{\w+\}/g, '*');
    const telling = sentence.replace(/[^a-z]/g, '').length >= TELLING_LETTERS_MIN;
    const said = (telling && contains(text, sentence)) || text.includes(event.title.toLowerCase());
    if (said) scores.add(String(event.number), NUMBER, `the words of event ${event.number}`);
  }
}

function byPhrase(scores: Scores, text: string): void {
  for (const { fragment, articles } of phrases) {
    if (contains(text, fragment)) scores.addAll(articles, PHRASE + fragment.length, `"${fragment}"`);
  }
}

/** Whether the pieces of a fragment stand in a text one after the other. */
function contains(text: string, fragment: string): boolean {
  let at = 0;
  for (const piece of fragment.split('*')) {
    const found = text.indexOf(piece.trim(), at);
    if (found === -1) return false;
    at = found + piece.trim().length;
  }
  return true;
}

function byCode(scores: Scores, text: string): void {
  const words = new Set(text.match(/[a-z_0-9]+/g) ?? []);
  // A small number is an errno only where the text says so: 'errno 98', 'error=13', 'code: 28', '(98)'.
  const small = new Set(
    [...text.matchAll(/(?:(?:errno|error|code) ?[:=#]? ?|\()(\d{1,3})(?!\d)/g)].map(([, digits]) => Number(digits)),
  );
  for (const { name, linux, winsock, articles } of errorCodes) {
    const plain = name.toLowerCase();
    if (words.has(plain) || words.has(`wsa${plain}`)) scores.addAll(articles, CODE, name);
    else if (winsock !== undefined && words.has(String(winsock))) scores.addAll(articles, CODE, `${winsock} (${name})`);
    else if (linux !== undefined && small.has(linux)) scores.addAll(articles, CODE, `errno ${linux} (${name})`);
  }
}

const STOP = new Set(
  'a an and are as at be by can cannot do does for from has have i in is it its mail my no not of on or our says server so that the there this to was we what when why will with you your error'.split(
    ' ',
  ),
);

/** The words of a text that say something, by their stems. */
function wordsOf(text: string): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  for (const [word] of text.matchAll(/[a-z][a-z0-9-]+/g)) {
    if (words.size >= QUERY_WORDS_MAX) break;
    if (!STOP.has(word) && word.length <= 40) words.set(stem(word), word);
  }
  return words;
}

function stem(word: string): string {
  if (word.endsWith('ss')) return word;
  for (const ending of ['ing', 'ed', 'es', 's']) {
    if (word.endsWith(ending) && word.length - ending.length >= 3) return word.slice(0, -ending.length);
  }
  return word;
}

/** A word counts the more the fewer articles have it, and much more in a title. */
function byWord(scores: Scores, text: string, articles: readonly Article[]): void {
  const asked = wordsOf(text);
  if (asked.size === 0) return;
  const known = articles.map((article) => ({
    name: article.name,
    title: allWordsOf(`${article.title} ${article.name}`),
    body: allWordsOf(bodyOf(article)),
  }));
  for (const [stemmed, word] of asked) {
    const having = known.filter(({ title, body }) => title.has(stemmed) || body.has(stemmed));
    const weight = Math.log(1 + articles.length / (1 + having.length));
    for (const { name, title } of having) scores.add(name, weight * (title.has(stemmed) ? IN_TITLE : 1), word, false);
  }
}

function allWordsOf(text: string): ReadonlySet<string> {
  return new Set((text.toLowerCase().match(/[a-z][a-z0-9-]+/g) ?? []).map(stem));
}
