/** The named maxima of the queue. */
export const queueLimits = {
  /** Size of a segment of the log. */
  segmentBytes: 64 * 1024 ** 2,
  /** What one write and sync of the log carries at most; a single larger record goes alone. */
  batchBytes: 8 * 1024 ** 2,
  /** Content up to this size lies in its record, above it in a file of its own. */
  inlineBytes: 64 * 1024,
  /** Content of an owed message that lies in its record; together with its outcome it must fit into a segment. */
  owedInlineBytes: 1024 ** 2,
  /** Records up to this size are copied together, so that one write has few parts. */
  stagedRecordBytes: 1024,
  /** Octets of one draft that wait for its big file. */
  draftInFlightBytes: 128 * 1024,
  /** Octets of all big files of a shard that wait for more, so that they are written together; beyond them each is written as it comes. */
  gatheredBytesMax: 4 * 1024 ** 2,
  /** Chunks below this size are copied together, so that a slow sender cannot pin a buffer per octet. */
  smallChunkBytes: 2048,
  /** Content handed out at once. */
  wholeBytes: 1024 ** 2,
  /** Chunk of a content that is read piece by piece. */
  chunkBytes: 64 * 1024,
  /** How long the end of a delivery may wait for a batch to travel with. */
  lazyMs: 50,
  /** Records that wait for a batch to travel with; one more starts it. */
  lazyRecords: 64,
  /** Work of one slice of background work, in milliseconds. */
  sliceMs: 8,
  /** Recipients of one delivery. */
  deliveryRecipients: 100,
  /** Deliveries of one message. */
  messageDeliveries: 60_000,
  /** Length of a next hop's key. */
  nextHopBytes: 1024,
  /** Files of segments that are open for reading at once. */
  openSegments: 128,
  /** Empty recycled segments that are kept beyond the reserve. */
  spareSegments: 4,
  /** Segments kept free so that outcomes can be written when the disk is full. */
  reserveSegments: 1,
  /** Octets of dead records tolerated beyond twice the live ones before the oldest segment is compacted. */
  slackBytes: 256 * 1024 ** 2,
  /** Next hops without deliveries whose rest is remembered. */
  restingNextHops: 4096,
  /** Reads that an operator's search has under way at once. */
  searchReads: 32,
  /** Time between two looks for the file that is written, at its path, where messages come faster. */
  lookMs: 250,
  /** Time between two looks at the free space. */
  spaceCheckMs: 2000,
  /** The same while no segment is allocated ahead: every record takes space that nobody has set aside. */
  spaceScarceMs: 200,
  /** First and longest pause before storage that failed is tried again. */
  reopenMs: 500,
  reopenMaxMs: 30_000,
} as const;

/** The sizes of a log that tests make small. */
export interface LogGeometry {
  readonly segmentBytes: number;
  readonly batchBytes: number;
  readonly inlineBytes: number;
  readonly slackBytes: number;
  readonly spareSegments: number;
  readonly reserveSegments: number;
}
