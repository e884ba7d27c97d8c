/** Largest configuration file. 100,000 mailboxes need about 15 MB. */
export const FILE_BYTES_MAX = 32 * 1024 ** 2;
/** Uses of YAML aliases; more are taken for an attack ("billion laughs"). */
export const ALIASES_MAX = 100;
/** Brackets open at once, and spaces or dashes at the beginning of a line. */
export const BRACKETS_MAX = 200;
export const INDENT_MAX = 200;
/** Values nested in each other. Ours need 7. */
export const DEPTH_MAX = 64;
/** Problems that are told; the rest is only counted. */
export const PROBLEMS_MAX = 200;
/** Characters of an offending value that are shown. */
export const SHOWN_VALUE_MAX = 60;
/** Longest name for which a nearest one is looked up, and how many candidates are compared. */
export const NEAREST_NAME_MAX = 64;
export const NEAREST_CANDIDATES_MAX = 10_000;
/** Largest file with a password in it. */
export const PASSWORD_BYTES_MAX = 4096;
/** Octets of a UNIX socket's path (sun_path without its final zero); longer ones are silently cut by the system. */
export const SOCKET_PATH_MAX = 107;
