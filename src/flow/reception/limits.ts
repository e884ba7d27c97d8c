/** Octets of answers that a slow reader may leave with us before we stop reading from it. */
export const pendingBytesMax = 64 * 1024;

/** Octets that the machine may hold unread before we stop reading. */
export const bufferedBytesMax = 64 * 1024;

/** Slowest mail data that is still waited for, in octets per second over the whole of a message. */
export const contentRateMin = 100;

/** How long a client that must not talk first is listened to, where the listener asks for it. */
export const greetingDelayMs = 2000;

/** Delay of the answer to a wrong password. */
export const loginFailureDelayMs = 3000;

/** Wrong passwords until a session is ended. */
export const loginFailuresMax = 3;

/** How long a refused or finished client may take to read the last reply and close. */
export const lingerMs = 5000;

/** Refused clients that are given time to read why, at once; further ones are cut. */
export const lingeringMax = 200;

/** Descriptors kept for the queue and for deliveries: no session is taken below this many free ones. */
export const descriptorsReserved = 128;

/** As many as that, or a quarter of what is allowed where that is little. */
export const descriptorsReserveOf = (limit: number): number => Math.min(descriptorsReserved, Math.floor(limit / 4));

/** Refused clients that may linger where few descriptors are allowed: they come out of the reserve. */
export const lingeringWithin = (limit: number): number => Math.min(lingeringMax, Math.floor(limit / 16));

/** Resolution of time-outs. */
export const tickMs = 1000;

/** Slots of the timer wheel; later deadlines go round. */
export const wheelSlots = 512;

/** Addresses for which the events of refused connections are counted at once. */
export const limitedAddressesMax = 1000;

/** Final addresses of one transaction, after aliases; further recipients are asked for in another one. */
export const expandedRecipientsMax = 50_000;

/** How long a session answers a word by which the service recognises itself, and how many are known at once. */
export const introductionMs = 20_000;
export const introductionsMax = 16;

/** Senders of PROXY headers that nobody asked for, which are remembered so that each is told once. */
export const proxyHeaderPeersMax = 1000;
