/**
 * The door of the knowledge base: the articles installed with the program, and the search for one.
 * It works without a running service and without a network. It promises to reject nothing: what is missing is said in words.
 */
export { HEADINGS, type Article } from './article.ts';
export { originalNumbers } from './codes.ts';
export { readLibrary, type Library } from './library.ts';
export { namedArticle } from './named.ts';
export { searchArticles, type Found } from './search.ts';
