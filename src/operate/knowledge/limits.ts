/** Longest text that is searched for; what is pasted beyond it is not looked at. */
export const QUERY_LENGTH_MAX = 4000;
/** Distinct words of it that count. */
export const QUERY_WORDS_MAX = 200;
/** Results of a search. */
export const RESULTS_MAX = 10;
/** Articles that are read; a directory with more is not ours. */
export const ARTICLES_MAX = 2000;
/** Longest article that is read. */
export const ARTICLE_BYTES_MAX = 64 * 1024;
/** Directories above the program in which the articles are looked for. */
export const LEVELS_UP_MAX = 5;
