/** Rows of one page of the queue's list, and how far a page may begin. */
export const PAGE_MAX = 1000;
export const OFFSET_MAX = 100_000;
/** Shards whose messages one list goes on after. */
export const AFTER_MAX = 1024;
/** Rows shown before an operator confirms. */
export const PREVIEW_ROWS = 10;
/** Checks that one request names. */
export const CHECKS_MAX = 500;
/** Messages that a trace shows. */
export const TRACES_MAX = 100;
/** Events of one list. */
export const EVENTS_MAX = 10_000;
/** Octets of a message that are shown. */
export const SHOWN_BYTES_MAX = 4 * 1024 ** 2;
/** Octets of a message's header that are read for a list, and its folded fields. */
export const HEADER_BYTES_MAX = 64 * 1024;
/** Messages of a mailbox that a list shows, and files that it counts. */
export const MAILBOX_ROWS_MAX = 500;
export const MAILBOX_FILES_MAX = 1_000_000;
/** Mailboxes that one list visits. */
export const MAILBOXES_MAX = 10_000;
