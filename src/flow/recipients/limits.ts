/** Aliases within aliases. */
export const aliasDepthMax = 32;
/** Addresses that one recipient may expand into. */
export const aliasTargetsMax = 10_000;
/** Passwords checked at once: each costs a processor and tens of megabytes for a moment. */
export const verificationsMax = 2;
/** Logins that wait for their check; beyond it they are told to come again. */
export const verificationsWaitingMax = 500;
/** Logins remembered. */
export const verifiedMax = 10_000;
/** How long a login is remembered, so that a client with many sessions pays for one check. */
export const verifiedLifetimeMs = 300_000;
/** Octets of user and password together that are looked at. */
export const loginLengthMax = 1024;
