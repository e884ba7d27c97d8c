/** Bits of an RSA key below which nothing is signed, and below which it is called weak (RFC 8301 §3.2). */
export const rsaBitsMin = 1024;
export const rsaBitsAdvised = 2048;

/** Octets of a private key's file that are read. */
export const keyTextMax = 32 * 1024;

/** Octets of a line of our signature field, as near as words allow (RFC 5322 §2.1.1). */
export const lineLengthAdvised = 76;
