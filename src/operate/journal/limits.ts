/** Writers that one journal feeds. */
export const WRITERS_MAX = 16;

/** Events that one answer lists. */
export const LISTED_EVENTS_MAX = 10_000;

/** Milliseconds between two looks of a follower at the logs. */
export const FOLLOW_EVERY_MS = 500;
