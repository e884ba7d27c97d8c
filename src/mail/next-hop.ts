/**
 * The key of a next hop: what the queue groups deliveries by. Routing makes it, nobody else parses it.
 * 'local' for mailboxes here, 'mx:example.com', 'host:<name of a smart host group>', 'lmtp:<name>', 'held:example.com' (waits for ETRN).
 */
export type NextHop = string;

/** The next hop of recipients that became several addresses: nothing is delivered, the sender is told so (RFC 3461 §5.2.7.3). */
export const expandedHop: NextHop = 'expanded';

/** The scheduling classes, most urgent first (RFC 5321 has none; the original service had three). */
export const schedulingClasses = ['urgent', 'normal', 'bulk'] as const;
export type SchedulingClass = (typeof schedulingClasses)[number];
