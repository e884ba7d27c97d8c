/** Octets of a UDP answer that we offer to take (the value of DNS Flag Day 2020: no fragmentation). */
export const udpSizeMax = 1232;
/** CNAMEs followed from one question, over all messages: what resolvers follow themselves. */
export const aliasesMax = 16;
/** Octets of a name in its text form (RFC 1035 §2.3.4). */
export const nameLengthMax = 253;
/** Octets of a label (RFC 1035 §2.3.4). */
export const labelLengthMax = 63;
/** Records of one type that are used from one answer. */
export const recordsMax = 1000;
/** Seconds that a negative answer is believed at most (RFC 2308 §5). */
export const negativeTtlMax = 10_800;
/** Seconds that any answer is believed at most (RFC 1035 allows 68 years). */
export const ttlMax = 86_400;
/** Extended errors that are read of one answer, and characters of each text. */
export const extendedErrorsMax = 4;
export const extendedErrorTextMax = 200;
