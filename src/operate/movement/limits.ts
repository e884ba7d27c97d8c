/** How often the movement of the queue is looked at, and how long it is remembered. */
export const SAMPLE_MS = 30_000;
export const REMEMBERED_MS = 3_600_000;
/** Samples that are kept; what status asks for in between is not kept. */
export const SAMPLES_MAX = 128;
/** Shorter than this nothing is foretold. */
export const WINDOW_MS_MIN = 20_000;
/** A change of so many messages, and of this share of those that wait, is none. */
export const CHANGE_MIN = 10;
export const CHANGE_SHARE_MIN = 0.02;
/** What is further away than this is not foretold. */
export const FORETOLD_MS_MAX = 30 * 86_400_000;
