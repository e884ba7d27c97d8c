/** Fields whose octets one header section may have kept for later use (Bcc, From, ...); a section with more is refused. */
export const keptFieldsMax = 1000;

/** Octets kept of one field; a longer one is known by its place only. */
export const keptFieldBytesMax = 64 * 1024;

/** Lines that are neither field, continuation nor end, until the section counts as ended: what follows is body without a separator. */
export const malformedLinesMax = 100;

/** Octets of a field's name; RFC 5322 §2.1.1 bounds the line at 998. */
export const fieldNameMax = 998;
