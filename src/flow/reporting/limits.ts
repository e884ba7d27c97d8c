/** Words of the remote server that the human part quotes for one recipient, in characters. */
export const QUOTED_REPLY_MAX = 1000;

/** Addresses that the human part lists; the machine's part has all of them. */
export const LISTED_RECIPIENTS_MAX = 100;

/** Octets read from the content of a message when only its header section is returned. */
export const HEADER_READ_MAX = 256 * 1024;

/** Addresses that one sender's address may lead to (an alias of ours that sent mail). */
export const REPORT_TARGETS_MAX = 100;
