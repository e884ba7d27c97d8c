/** Addresses of all hosts of a next hop that one attempt tries. */
export const ADDRESSES_PER_ATTEMPT_MAX = 20;
/** Connections that one attempt opens or borrows for one address: several transactions, stale pooled ones, TLS and HELO fallbacks. */
export const CONNECTIONS_PER_ADDRESS_MAX = 20;
/** Idle connections kept over all next hops of a worker. */
export const IDLE_CONNECTIONS_MAX = 200;
/** How long the answer to QUIT is awaited. */
export const QUIT_WAIT_MS = 5000;
/** Local recipients of one claim that are delivered to at once. */
export const LOCAL_PARALLEL_MAX = 10;
/** Octets of a header section that are searched for Delivered-To. */
export const HEADER_SCAN_BYTES_MAX = 256 * 1024;
/** Octets of a path component made from a mailbox or domain. */
export const PATH_COMPONENT_BYTES_MAX = 200;
/** Octets of a program's output that are kept. */
export const PROGRAM_OUTPUT_BYTES_MAX = 4096;
/** Characters of a program's first line of output that go into a reply. */
export const PROGRAM_LINE_MAX = 200;
/** Lasting conditions that are remembered so that each is reported once. */
export const CONDITIONS_MAX = 1000;
/** Chunks that may arrive from a peer while the end of a TLS handshake is being noticed. */
export const EARLY_CHUNKS_MAX = 16;
/** Hosts remembered for hanging up on EHLO, and for how long. */
export const OLD_HOSTS_MAX = 1000;
export const OLD_HOST_MS = 15 * 60_000;
