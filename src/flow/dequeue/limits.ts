/** Lines of a dialogue that are kept of a run, and how much of each. */
export const DIALOGUE_LINES_MAX = 400;
export const DIALOGUE_LINE_CHARACTERS_MAX = 500;
/** Octets of a program's output that are kept, and how many characters an event shows of it. */
export const PROGRAM_OUTPUT_BYTES_MAX = 16 * 1024;
export const PROGRAM_OUTPUT_SHOWN_MAX = 500;
/** Characters of a cause or a result in an event. */
export const WORDS_MAX = 1000;
/** Where a schedule has neither 'every' nor 'at'. */
export const USUAL_EVERY_MS = 900_000;
/** From the start to the first run: the listeners that the mail comes to are bound by then. */
export const FIRST_RUN_MS = 2_000;
/** After a failed run: the first wait, doubled with each further one, at most the last, and never longer than the schedule says. */
export const RETRY_FIRST_MS = 60_000;
export const RETRY_MAX_MS = 3_600_000;
/** The wall clock is looked at so often for times of day: it may be set meanwhile. */
export const LOOK_AT_CLOCK_MS = 60_000;
/** How long the answer to QUIT is waited for. */
export const QUIT_WAIT_MS = 2_000;
/** Addresses of a host that one run tries. */
export const ADDRESSES_MAX = 4;
/** The ports of the commands (RFC 1985, RFC 2645 §5.1). */
export const PORTS = { etrn: 25, atrn: 366 } as const;
