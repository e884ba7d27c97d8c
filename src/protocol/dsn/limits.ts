/** Longest line that we write into a field before it is folded (RFC 5322 §2.1.1). */
export const GENERATED_LINE_MAX = 78;

/** Longest line of any part, without CRLF (RFC 5322 §2.1.1). */
export const LINE_MAX = 998;

/** Longest word that a remote server's text may bring into a field; the rest of the word is left out. */
export const WORD_MAX = 900;

/** Octets of a remote server's reply that a report quotes. */
export const REPLY_QUOTED_MAX = 4000;

/** Recipients that one report names; the queue gives at most 100 to an attempt. */
export const REPORT_RECIPIENTS_MAX = 1000;

/** Octets of a header section that a report returns; what is longer ends there. */
export const RETURNED_HEADER_MAX = 256 * 1024;
