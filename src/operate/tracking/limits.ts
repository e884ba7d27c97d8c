/** Octets after which a segment is closed and the next one begun. */
export const SEGMENT_BYTES = 16 * 1024 * 1024;

/** Keys of one segment's index: 8 octets each. */
export const SEGMENT_KEYS_MAX = 400_000;

/** A batch is written when it has so many octets ... */
export const BATCH_BYTES = 256 * 1024;

/** ... or is so many milliseconds old. */
export const BATCH_MS = 200;

/** Octets that wait for a slow disk; beyond that lines are dropped and counted. */
export const PENDING_BYTES_MAX = 8 * 1024 * 1024;

/** Octets that are written to see whether a log that could not be written can be again. */
export const TRIAL_BYTES = 4096;

/** Octets of one line; a longer one is dropped and counted. */
export const LINE_BYTES_MAX = 256 * 1024;

/** Recipients that one 'received' entry names; more become further entries. */
export const ENTRY_RECIPIENTS_MAX = 500;

/** Milliseconds between two looks for what is too old. */
export const RETENTION_EVERY_MS = 3_600_000;

/** Milliseconds between two looks whether the file that is written still has its name. */
export const LOOK_EVERY_MS = 5_000;

/** Milliseconds until a log that could not be written is tried again. */
export const RETRY_MS = 5_000;

/** Messages that one search finds. */
export const FOUND_MESSAGES_MAX = 1000;

/** Entries that one search reads. */
export const FOUND_ENTRIES_MAX = 100_000;
