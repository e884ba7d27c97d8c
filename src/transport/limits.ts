/** Connections of trusted proxies that may wait for their header at once, in one worker. */
export const HEADERS_AWAITED_MAX = 1000;

/** An event about a peer's header is not told more often. */
export const HEADER_SILENCE_MS = 60_000;

/** Peers for which that is remembered. */
export const HEADER_PEERS_MAX = 1000;

/** How long a refused peer may take to read why. */
export const REFUSED_LINGER_MS = 5000;

/** How long the text of a proxy's refusal is waited for. */
export const EVIDENCE_WAIT_MS = 1000;

/** How long a proxy that failed is asked last. */
export const PROXY_REST_MS = 30_000;

/** How long after its failure a proxy is looked after; twice as long after each look in vain, up to the most. */
export const PROXY_LOOK_MS = 2000;
export const PROXY_LOOK_MS_MAX = 60_000;
/** How long a look may take. */
export const PROXY_LOOK_TIMEOUT_MS = 10_000;
/** How long a proxy that gave no answer may take to answer in another protocol. */
export const PROXY_KIND_MS = 2000;
/** How long the host behind a proxy may take to greet a look. */
export const PROXY_GREETING_MS = 5000;
/** How long a proxy that refused one host counts as refusing, when no mail meets that any more. */
export const PROXY_REFUSAL_MS = 600_000;
/** The same trouble of a proxy is not told more often, however often it comes and goes. */
export const PROXY_SILENCE_MS = 60_000;

/** Addresses of a proxy's name that are tried. */
export const PROXY_ADDRESSES_MAX = 4;

/** Octets of a proxy's own words in an event or reply. */
export const PROXY_WORDS_MAX = 600;
