/** Octets of a version 1 header with its line end: the specification's own worst case. */
export const V1_HEADER_BYTES_MAX = 107;

/** Octets of addresses and TLVs in a version 2 header. The field could say 65535; certificates of clients fit in this. */
export const V2_BODY_BYTES_MAX = 4096;

/** TLVs of one header, those within others included. */
export const TLVS_MAX = 128;

/** Octets of a name, user or password in SOCKS5: lengths are one octet (RFC 1928 §5, RFC 1929 §2). */
export const SOCKS_FIELD_BYTES_MAX = 255;

/** Octets of the header of a proxy's answer to CONNECT, interim answers included. */
export const HTTP_HEADER_BYTES_MAX = 16 * 1024;

/** Interim answers (1xx) before the final one. */
export const HTTP_INTERIM_MAX = 8;

/** Octets of the text with a refusal that are kept as evidence. */
export const HTTP_EVIDENCE_BYTES_MAX = 512;

/** Octets of unexpected input that are quoted. */
export const QUOTE_BYTES_MAX = 80;
