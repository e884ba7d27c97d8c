/** Certificates of this host that are looked at. */
export const CERTIFICATES_MAX = 50;
/** Own addresses whose names are looked up. */
export const NAMES_MAX = 4;
/** Wait for one look-up. */
export const LOOK_UP_MS = 2500;
/** Wait for a connection to port 25 elsewhere, and for its banner. */
export const PROBE_MS = 5000;
/** Answers to one question that are refused before the set-up gives up. */
export const TRIES_MAX = 10;
/** Octets of a generated password. */
export const PASSWORD_OCTETS = 12;
