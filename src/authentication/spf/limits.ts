/** Terms that look something up in one check (RFC 7208 §4.6.4). */
export const lookupsMax = 10;
/** Terms whose look-up finds nothing (RFC 7208 §4.6.4). */
export const voidLookupsMax = 2;
/** MX hosts of one mechanism, and names of one PTR answer that are looked at (RFC 7208 §4.6.4). */
export const hostsMax = 10;
