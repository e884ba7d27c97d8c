/** Look-ups that ask servers at once. */
export const inFlightMax = 256;
/** Look-ups that wait for their turn; beyond it they fail at once. */
export const waitingMax = 20_000;
/** Datagrams that are no answer of ours, taken for one question before the server is given up: somebody is guessing. */
export const foreignMax = 200;
/** Octets of an answer over TCP, with its length (RFC 1035 §4.2.2). */
export const tcpAnswerMax = 65_537;
/** Servers used. */
export const serversMax = 10;
/** First rest of a server that failed; doubled with each failure. */
export const restFirstMs = 5_000;
/** Longest rest of a server. It is still asked where no other answers. */
export const restLongestMs = 300_000;
/** How long a failure is repeated without asking (RFC 2308 §7 allows 5 minutes). */
export const failureTtlMs = 1_000;
/** How long a server that had records for a name is believed when it says no. */
export const knewMs = 30_000;
/** How long the no of a server that could not show that it knows anything is not believed, until it is asked to show it again. */
export const doubtMs = 5_000;
/** Names that are taken from a hosts file. */
export const hostsFileNamesMax = 20_000;
/** How long a hosts file is believed before it is read again. */
export const hostsFileLookMs = 5_000;
/** How often it is looked whether resolv.conf names other servers. */
export const resolvConfLookMs = 5_000;
/** A server that has answered within this time is one that answers. */
export const answersLatelyMs = 60_000;
