/** First wait before a gateway that is away is tried again; it doubles up to the setting. */
export const RETRY_FIRST_MS = 100;

/** Wait after a refusal that only a person can mend; soon enough to notice, seldom enough not to be banned there. */
export const REFUSED_RETRY_MS = 30_000;

/** Wait before a port that could not be bound is tried again, and how often it doubles. */
export const BIND_RETRY_MS = 500;
export const BIND_RETRY_MAX_MS = 5_000;

/** The same trouble of a gateway is told so many times within that time, and not more, however often it comes and goes. */
export const GATEWAY_TOLD_MAX = 5;
export const GATEWAY_TOLD_MS = 60_000;

/** How long the handshake of SSH may take. */
export const HANDSHAKE_MS = 15_000;

/** How long a look at the far side may take: a connection there, a banner, a command. */
export const LOOK_MS = 3_000;

/** How long a banner on the far side is waited for. */
export const BANNER_WAIT_MS = 1_000;

/** Octets of a banner that are kept. */
export const BANNER_BYTES_MAX = 200;

/** A session that only outgoing mail uses ends after that long without a connection. */
export const IDLE_MS = 60_000;

/** Octets of the gateway's own words in an event or reply. */
export const GATEWAY_WORDS_MAX = 600;
