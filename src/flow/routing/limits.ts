/** Hosts of one route. */
export const hostsMax = 20;
/** Addresses of one host of a route. */
export const addressesPerHostMax = 40;
/** Domains of which a loop is told once; more are not told. */
export const loopsToldMax = 1000;
/** Characters of a reason of the name service that become part of a reply. */
export const replyReasonMax = 300;
