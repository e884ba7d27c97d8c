/** Limits of the SMTP dialogue, most of them from RFC 5321 §4.5.3.1 and the extensions that widen it. */

/** A command line with its CRLF (RFC 5321 §4.5.3.1.4). */
export const commandLineMax = 512;
/**
 * MAIL with its parameters: SIZE 26 (RFC 1870 §3), BODY 17 (RFC 6152 §2), SMTPUTF8 10 (RFC 6531 §3.4),
 * RET and ENVID 9 + 107 (RFC 3461 §4), AUTH 500 (RFC 4954 §3).
 */
export const mailLineMax = commandLineMax + 26 + 17 + 10 + 9 + 107 + 500;
/** RCPT with its parameters: NOTIFY 28 and ORCPT 500 (RFC 3461 §4). */
export const rcptLineMax = commandLineMax + 28 + 500;
/** AUTH with an initial response, and each line of the exchange (RFC 4954 §4). */
export const saslLineMax = 12_288;
/** The longest line that is kept while its end is awaited; longer ones are dropped as they come. */
export const keptLineMax = saslLineMax;
/** Octets of one overlong line that are dropped before the session is ended. */
export const droppedLineMax = 64 * 1024;

/** Octets of a local part (RFC 5321 §4.5.3.1.1). */
export const localPartMax = 64;
/** Octets of a domain (RFC 5321 §4.5.3.1.2). */
export const domainMax = 255;
/** Octets of a label of a domain (RFC 1035 §2.3.4). */
export const labelMax = 63;
/** Octets of a path with its punctuation (RFC 5321 §4.5.3.1.3). */
export const pathMax = 256;

/** Parameters of one MAIL or RCPT command; more than all known ones together. */
export const parametersMax = 16;
/** ENVID in xtext (RFC 3461 §4.4). */
export const envelopeIdMax = 100;
/** ORCPT in xtext (RFC 3461 §4.2). */
export const originalRecipientMax = 500;

/** Commands that bring no mail further (NOOP, RSET, VRFY, HELP ...) between two messages; each one more counts as an error. */
export const idleCommandsMax = 100;
/** Octets of a refused line that are shown to the driver. */
export const shownLineMax = 200;
/** Replies held back for a pipelined group; more are sent at once (RFC 2920 §3.2). */
export const heldRepliesMax = 16 * 1024;
/** Octets of a refused message that are read and dropped, beyond the size limit, before the session is ended. */
export const droppedContentMax = 1024 ** 3;
/** Views of content that are handed over for one piece of input; more are joined. */
export const viewsMax = 16;
/** Octets of text in one line of a reply, without code and CRLF (RFC 5321 §4.5.3.1.5). */
export const replyTextMax = 500;
/** Octets of the user name of a login. */
export const userNameMax = 255;
/** Octets of the password of a login. */
export const passwordMax = 1024;
/** Attributes of one XCLIENT or XFORWARD command. */
export const forwardedAttributesMax = 16;
/** Octets of a value in them, decoded. */
export const forwardedValueMax = 255;
/** Octets of the name of a protocol in them. */
export const protocolNameMax = 64;
