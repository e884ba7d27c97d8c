/** How long a check may look unless it says otherwise. */
export const checkMs = 3000;
/** The longest that a check may ask for; what has not ended by then could not be seen. */
export const checkMsMax = 8000;
/** How long a whole run may take; a second is left to start and to print. */
export const runMs = 9000;
/** A second look needs so much more than the first took; half of it is waited before. */
export const secondLookMs = 600;
/** How long look-ups wait for an answer before they ask again, or the next server, beside the first; and how long for that answer. */
export const nameServerMs = 1200;
export const nameServerLongestMs = 4500;
/** How long a check may look that asks one name after another: what a run has left after the first answer of a slow server. */
export const askingMs = 7000;
/** How long what was looked up is shared by the checks of a run, also where its TTL is shorter. */
export const answersKeptMs = 10_000;
/** Wait of a check for the answer of one name server, and time until the question is sent again: one that is slow is no dead one. */
export const nameServerWaitMs = 6000;
export const nameServerAgainMs = 500;
/** Wait for what a silent name server says of itself, and for its TCP port. */
export const nameServerSignMs = 1500;
/** From the question with EDNS to one without, where no answer has come: what is on the way may drop the first. */
export const nameServerPlainMs = 2000;
/** Wait for the answer about a name that does not exist. */
export const noSuchNameMs = 2500;
/** From a look-up that failed to the next, longer than a failure is remembered. */
export const askAgainMs = 1200;
/** Forwarders on this host that are followed. */
export const forwardersMax = 8;
/** Lists of senders that are asked about our addresses, and addresses that are asked about. */
export const listedAddressesMax = 4;
/** Octets of a policy that is fetched, and the wait for it. */
export const policyBytesMax = 65_536;
export const policyMs = 4000;
/** Wait for a connection to a listener of ours. */
export const dialMs = 1500;
/** The same to another host: the system tries three times in this. */
export const farDialMs = 3500;
/** Domains of ours, and mail hosts of each, that are looked at from outside. */
export const outsideDomainsMax = 8;
export const outsideHostsMax = 4;
/** Wait for the banner of a listener of ours. */
export const bannerMs = 2500;
/** Own addresses at which one listener is looked for. */
export const ownAddressesMax = 8;
/** Wait for each reply of a smart host. */
export const replyMs = 4000;

/** After so long without a result a far host is tried a second time beside the first; with `replyMs` well below `checkMsMax`. */
export const anotherProbeMs = 2500;
/** Between two logins of a check at the same host: some lock an account after a few that fail. */
export const loginEveryMs = 3_600_000;
/** Octets of replies that are read of one host. */
export const replyBytesMax = 16_384;
/** Wait for the answer of the running service; where it looks from outside first, longer. */
export const serviceMs = 2500;
export const serviceOutsideMs = 5500;
/** Processes and descriptors of one that are looked through for the holder of a port. */
export const processesMax = 20_000;
export const descriptorsMax = 20_000;
/** Mailboxes, domains and hosts that one run looks at; more are counted and said. */
export const sampleMax = 25;
/** Rows of evidence that are shown of one check. */
export const evidenceMax = 12;
/** A certificate that ends so soon is reported. */
export const certificateDaysLeft = 14;
/** From a certificate file that has changed to the moment when it should have been loaded. */
export const certificateGraceMs = 120_000;
/** Free inodes below which files may soon not be made any more. */
export const inodesMin = 1000;
/** Ports for connections outwards below which they may run out. */
export const ephemeralPortsMin = 4000;
/** Connections that may wait at a listener. */
export const backlogMin = 64;
/** File descriptors that a worker needs besides its connections. */
export const descriptorsSpare = 256;
/** How far files may lie in the future of the clock. */
export const clockAheadMs = 300_000;
/** No host of ours has an earlier time: this program is younger. */
export const clockEarliestMs = 1_704_067_200_000;
/** A clock later than this is years wrong. */
export const clockLatestMs = 2_208_988_800_000;
/** Address space that a worker reserves without using it. */
export const addressSpaceMin = 4 * 1024 ** 3;
/** Memory for data, and a stack, that a worker needs at the least. */
export const dataSizeMin = 1024 ** 3;
export const stackSizeMin = 1024 ** 2;
/** The queue's segments and the logs need files so large, besides the largest message. */
export const fileSizeMin = 256 * 1024 ** 2;
/** Wait for the signatures of a zone. */
export const signaturesMs = 2500;
/** How far the clock may be outside the time of a signature: signers leave an hour, and hosts are some minutes wrong. */
export const signatureSlackMs = 600_000;
/** Certificates of authorities that are asked what they say of the time, and the shares of them that make a clock wrong. */
export const rootsLookedAt = 200;
export const rootsExpiredShare = 0.3;
export const rootsFutureShare = 0.1;
/** Memory that the service needs at the least, and the share of a limit above which it is near its end. */
export const memoryMin = 192 * 1024 ** 2;
export const memoryShareMax = 0.95;
/** Threads that one process of the service has, and how many must be left of what the system allows. */
export const threadsOfProcess = 20;
export const threadsSpare = 64;
/** The smallest MTU that IPv6 allows, and a reasonable one of IPv4. */
export const mtuMin6 = 1280;
export const mtuMin4 = 576;
/** A sync of a small file that takes longer makes every acceptance slow; one so long stops it. */
export const syncSlowMs = 1000;
/** Octets that are written to see whether a sync works. */
export const probeBytes = 4096;
/** Sealed files of the queue that one look reads, records of each, octets of one, and blocks of its list. */
export const segmentsLookedAt = 8;
export const recordsLookedAt = 8;
export const recordBytesMax = 1024 ** 2;
export const hintBlocksMax = 32;
/** Shards, and files of each, whose owner is looked at. */
export const ownersLookedAt = 64;
/** Deliveries that are looked at for what they wait for. */
export const waitingLookedAt = 500;
/** Attempts after which a delivery that still waits tells something. */
export const attemptsTelling = 2;
/** Age of a delivery that nobody has tried although it is due. */
export const untriedMs = 900_000;
/** Share of queue.messagesMax above which the queue grows to its end. */
export const queueShareMax = 0.8;
/** A queue grows that was seen for so long, rose all the time, by so many messages and by this share of those that wait. */
export const growthWindowMs = 1_800_000;
export const growthMessagesMin = 100;
export const growthShareMin = 0.2;
/** Wait for a host on the way out that is tried for comparison. */
export const compareDialMs = 2500;
/** So many times sent again in vain tell that octets do not arrive. */
export const retransmitsTelling = 4;
/** Hosts outside that one look tries. */
export const outsideMax = 4;

/** The service's own looks at itself. */
export const examiner = {
  /** From the start of the operator process to the first look: a start has better things to do. */
  firstMs: 5000,
  /** While workers still start a look waits again, and at most so long altogether: one that cannot start needs the diagnosis. */
  busyMs: 3000,
  busyMsMax: 15_000,
  /** From a change, such as a new configuration, to the look for what it brought. */
  soonMs: 1000,
  /** After a look that failed. */
  againMs: 60_000,
  /** Checks that are due within this are looked at together. */
  togetherMs: 500,
  /** Looks in a row that make something sure. What asks others errs more easily. */
  needed: { host: { found: 2, over: 2 }, network: { found: 3, over: 2 } },
  /** Until the next look while it is not sure. */
  unsureHostMs: 2000,
  unsureNetworkMs: 8000,
  /** Until the next look at something that is not well: when it is over should be known soon. */
  openHostMs: 15_000,
  openNetworkMs: 60_000,
} as const;
/** Domains of a search list that are tried. */
export const searchDomainsMax = 6;
