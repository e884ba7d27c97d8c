/** Octets of one reply line; RFC 5321 §4.5.3.1.5 asks for 512, servers send more. */
export const REPLY_LINE_BYTES_MAX = 4096;
/** Lines of one reply; an EHLO answer has rarely more than 20. */
export const REPLY_LINES_MAX = 128;
/** Octets of one reply over all its lines. */
export const REPLY_BYTES_MAX = 32 * 1024;
/** Octets of an invalid answer that are quoted to people. */
export const QUOTE_BYTES_MAX = 200;
/** Content up to this size goes out in one write with the commands around it. */
export const JOINED_CONTENT_BYTES_MAX = 64 * 1024;
/** Recipients of one transaction (RFC 5321 §4.5.3.1.8 promises 100 at every server). */
export const TRANSACTION_RECIPIENTS_MAX = 1000;
/** Challenges that one AUTH exchange may bring. */
export const AUTH_CHALLENGES_MAX = 4;
