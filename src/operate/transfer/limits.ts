/** How often a mode that is not the usual one is told again while it lasts. */
export const REMIND_MS = 3_600_000;
/** Waits before workers that did not hear of a mode are told again. */
export const REPEAT_MS = 1_000;
/** Wait before a reminder or an end that could not be kept is tried again. */
export const AGAIN_MS = 30_000;
/** The longest time that a mode may be ordered for. */
export const LONGEST_MS = 366 * 86_400_000;
