/** A recognisable piece of what programs print; `*` stands for anything between. Small letters, single spaces. */
export interface Phrase {
  readonly fragment: string;
  readonly articles: readonly string[];
}

/** Phrases of one program or system by the article they lead to. */
export const of = (articles: string, ...fragments: readonly string[]): readonly Phrase[] =>
  fragments.map((fragment) => ({ fragment, articles: articles.split(' ') }));
