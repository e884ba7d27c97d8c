/** Octets of one string of a TXT record (RFC 1035 §3.3.14). */
export const txtStringMax = 255;
/** Seconds that records we propose are kept by others. */
export const proposedTtlS = 3600;
/** Addresses named one by one in an SPF record; more make the record long, and few hosts send from so many. */
export const spfAddressesMax = 20;
