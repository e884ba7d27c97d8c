/** Longest line that the service reads: a request. */
export const REQUEST_BYTES_MAX = 1024 ** 2;
/** Longest line that a tool reads: a response or an item. */
export const RESPONSE_BYTES_MAX = 16 * 1024 ** 2;
/** Connections at once, and requests at once over one connection. */
export const CONNECTIONS_MAX = 32;
export const REQUESTS_MAX = 16;
/** Octets that wait for a slow tool before its stream loses items. */
export const PENDING_BYTES_MAX = 4 * 1024 ** 2;
/** A tool waits so long for the socket and the greeting. */
export const DIAL_TIMEOUT_MS = 5000;
