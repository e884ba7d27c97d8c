/** What one place of the administrator API and console takes from whoever comes. */
export const httpLimits = {
  connectionsMax: 32,
  requestsPerConnectionMax: 200,
  /** A pasted error text goes into the target of a search. */
  headerBytesMax: 24 * 1024,
  fieldsMax: 64,
  contentBytesMax: 64 * 1024,
  headerMs: 5_000,
  requestMs: 15_000,
  idleMs: 60_000,
  keptMs: 5_000,
} as const;

/** Requests that are answered at once; more are asked to come again. */
export const REQUESTS_MAX = 16;
/** How long an answer may take: more than an examination. */
export const ANSWER_MS = 30_000;

/** People logged in at once; one more ends the login that has been idle for longest. */
export const SESSIONS_MAX = 32;
/** How long a login lasts, and how long without being used. */
export const SESSION_MS = 8 * 3_600_000;
export const SESSION_IDLE_MS = 3_600_000;

/** Logins with a wrong token in so long a time; after them wrong ones are put off until that time is over. */
export const FAILED_LOGINS_MAX = 10;
export const FAILED_LOGINS_MS = 60_000;
/** Where they go on, that is told again only after so long a time. */
export const FAILED_LOGINS_TOLD_MS = 3_600_000;

/** Steps into the input that a name in a query may take: `filter.domain`. */
export const QUERY_DEPTH_MAX = 4;
