/** Entries below a directory that one repair may give to another user. */
export const entriesMax = 200_000;
/** How deep below a directory it looks. */
export const depthMax = 32;
/** Longest file whose content a snapshot keeps. */
export const snapshotFileBytesMax = 4 * 1024 ** 2;
/** Files that one snapshot keeps the content of. */
export const snapshotFilesMax = 1000;
/** Longest manifest or export of a snapshot that is read. */
export const exportBytesMax = 128 * 1024 ** 2;
/** How long a command of the host may take. */
export const commandMs = 10_000;
/** Octets of what it says that are kept. */
export const commandBytesMax = 4096;
/** How often a check is looked at again after a repair, and how long between. */
export const verifyTries = 4;
export const verifyEveryMs = 700;
/** The same where the cure does not work at once. */
export const patientEveryMs = 1500;
/** How long a running service may take to look again at what was mended. */
export const lookAgainMs = 8000;
/** How long a service that was asked to stop may take, how long one that was started until it answers, and how often is looked. */
export const stopMsMax = 60_000;
export const startMsMax = 20_000;
export const startEveryMs = 200;
/** Addresses of one message that a plan shows, and rests of cut records that one repair takes. */
export const addressesMax = 3;
export const cutFilesMax = 100;
/** Name servers that this host knows of and that are asked whether they answer, how long they may take, and leases that are read. */
export const knownServersMax = 8;
export const knownServerMs = 2500;
export const leasesMax = 20;
/** Directories and files that are named as the largest. */
export const largestShown = 5;
/** Snapshots of repairs and restores that are kept; those that a person recorded, or a migration took, stay. */
export const snapshotsKept = 100;
