/**
 * The queue's door. Whoever accepts mail uses `begin` and `commit`; the scheduler `claim`, `record` and `release`;
 * an operator the rest. An engine (log, memory, postgres) promises: after `commit` resolves, the message survives any crash;
 * a delivery is claimed by one caller at a time; a recorded outcome is never forgotten; a recorded outcome and the report
 * that it owes are one durable record.
 */
import type { BodyType, EnvelopeOptions, EnvelopeRecipient } from '../../mail/envelope.ts';
import type { Edit } from '../../mail/edits.ts';
import type { NextHop, SchedulingClass } from '../../mail/next-hop.ts';
import type { Outcome } from '../../mail/outcome.ts';
import type { QueueId } from '../../mail/queue-id.ts';
import type { Reply } from '../../mail/reply.ts';

/** What a message brings besides its content. */
export interface NewMessage {
  readonly envelope: EnvelopeOptions;
  /** What preparation changed, relative to the draft's octets. */
  readonly edits: readonly Edit[];
  /** One per next hop, each with at most 100 recipients. */
  readonly deliveries: readonly NewDelivery[];
  readonly class: SchedulingClass;
  /** Message-ID of the header without brackets, '' where none is; for search. */
  readonly messageId: string;
  /** Wall time of acceptance. */
  readonly arrivedAtMs: number;
  readonly expiresAtMs: number;
  /** Whether any octet of the content, edits applied, is above 127. */
  readonly eightBit: boolean;
  /** Wall time of the first attempt; the past means at once. */
  readonly dueAtMs: number;
  readonly held: boolean;
}

/** A share of a message's recipients with the same next hop. */
export interface NewDelivery {
  readonly nextHop: NextHop;
  readonly recipients: readonly EnvelopeRecipient[];
}

/** A message that arrives. Nothing of it is durable before `commit` resolves. */
export interface Draft {
  readonly sizeBytes: number;
  /** Takes octets (the draft owns the buffer from here on). False asks the caller to wait for `drained`. */
  write(chunk: Buffer): boolean;
  /** Called once, when writing may go on after a false, or with the error that ends the draft. */
  drained(fn: (error?: Error) => void): void;
  /** The octets so far where they are all still in memory, else undefined. */
  readonly inMemory: readonly Buffer[] | undefined;
  /** Resolves with the id once message and content are on stable storage (RFC 5321 §6.1). Rejects with a `Fault`: nothing was accepted. */
  commit(message: NewMessage): Promise<QueueId>;
  /** Forgets the draft. */
  discard(): void;
}

/** A delivery leased to one caller until `record` or `release`. */
export interface Claim {
  readonly queueId: QueueId;
  /** Stable over attempts and restarts, unique in the shard: part of a Maildir file's name. */
  readonly deliveryId: string;
  readonly nextHop: NextHop;
  readonly class: SchedulingClass;
  readonly envelope: EnvelopeOptions;
  /** The recipients still without a final outcome. `index` names one in `record`. */
  readonly recipients: readonly ClaimedRecipient[];
  readonly messageId: string;
  readonly arrivedAtMs: number;
  readonly expiresAtMs: number;
  /** Attempts made before this one. */
  readonly attempts: number;
  /** Whether a delay notice has been sent for this delivery. */
  readonly delayReported: boolean;
  readonly content: Content;
}

/** A recipient of a claim. */
export interface ClaimedRecipient extends EnvelopeRecipient {
  readonly index: number;
  /** The reply that deferred it last, where one did. */
  readonly lastReply?: Reply;
}

/** The octets of a message with its edits applied. */
export interface Content {
  readonly sizeBytes: number;
  readonly body: BodyType;
  /** Whether any octet is above 127 in the header section, or in the rest. Found once, at acceptance. */
  readonly eightBit: boolean;
  /** Everything at once where it is small and at hand (fresh, at most 1 MiB), else undefined. */
  readonly whole: Buffer | undefined;
  /** The octets in order, in chunks of at most 64 KiB. May be called again. */
  chunks(): AsyncIterable<Buffer>;
}

/** A message made by the service itself (a DSN): content in memory. */
export interface OwedMessage {
  readonly message: NewMessage;
  readonly content: Buffer;
}

/** What an attempt leaves behind. */
export interface AttemptRecord {
  /** For each recipient of the claim its outcome; a recipient left out keeps its state (no attempt was made for it). */
  readonly outcomes: readonly { readonly index: number; readonly outcome: Outcome }[];
  /** Wall time of the next attempt for the recipients that are not final; ignored where all are. */
  readonly nextDueMs: number;
  readonly delayReported: boolean;
  /** The report that the outcomes owe, at most one of each kind; durable with them or not at all. */
  readonly owed: readonly OwedMessage[];
}

/** Filter of the operator's verbs; all given parts must hold. */
export interface QueueFilter {
  readonly queueId?: QueueId;
  readonly nextHop?: NextHop;
  /** Domain of a recipient (of the next hop 'mx:domain' at least). */
  readonly domain?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly messageId?: string;
  readonly held?: boolean;
  readonly olderThanMs?: number;
  /** Only messages that came to the shard of one of these after it; other shards are not touched by it. */
  readonly after?: readonly QueueId[];
}

/** One delivery as a list shows it. */
export interface QueueRow {
  readonly queueId: QueueId;
  readonly deliveryId: string;
  readonly nextHop: NextHop;
  readonly class: SchedulingClass;
  readonly sizeBytes: number;
  readonly arrivedAtMs: number;
  readonly expiresAtMs: number;
  readonly dueAtMs: number;
  readonly attempts: number;
  readonly held: boolean;
  readonly quarantined: boolean;
  readonly claimed: boolean;
  /** Present unless the list was asked without envelopes. */
  readonly sender?: string;
  readonly recipients?: readonly {
    readonly mailbox: string;
    readonly state: 'waiting' | 'delivered' | 'failed';
    readonly lastReply?: Reply;
  }[];
  readonly messageId?: string;
}

/** Totals without reading envelopes. */
export interface QueueCounts {
  readonly messages: number;
  readonly deliveries: number;
  readonly held: number;
  readonly quarantined: number;
  readonly claimed: number;
  readonly bytes: number;
  readonly oldestArrivalMs: number | undefined;
  readonly nextHops: number;
}

/** Why mail cannot be accepted now. */
export type QueueCondition = { readonly accepting: true } | { readonly accepting: false; readonly reply: Reply };

export interface Queue {
  /** Whether a draft may be begun: false below the disk floor, or while storage has failed. */
  condition(): QueueCondition;
  begin(): Draft;

  /** Next hops with a delivery due at `nowMs`, the longest waiting first; each returned one belongs to the caller until `rearm`. */
  takeDue(nowMs: number, most: number): Promise<readonly NextHop[]>;
  /** Gives a next hop back: it becomes due again when a delivery is and `notBeforeMs` has passed. */
  rearm(nextHop: NextHop, notBeforeMs: number): void;
  /** When the first next hop that is not taken becomes due (wall time); undefined where nothing waits. */
  nextDueMs(): number | undefined;
  /** Called when a delivery has become due earlier than `nextDueMs` said, or for a next hop that is taken. One listener. */
  onDue(listener: (nextHop: NextHop) => void): void;

  /** Leases due deliveries of a next hop, most urgent class first, oldest due first. */
  claim(nextHop: NextHop, nowMs: number, most: number): Promise<readonly Claim[]>;
  /** Leases deliveries that match, due or not, held or not, for an operator's verb that ends them (return to sender). */
  claimMatching(filter: QueueFilter, most: number): Promise<readonly Claim[]>;
  /** Makes outcomes durable; resolves when they are, with the ids of the owed messages. A final outcome of the last recipient ends the delivery. */
  record(claim: Claim, attempt: AttemptRecord): Promise<readonly QueueId[]>;
  /** Gives a claim back unattempted, due at `dueAtMs`. Not durable, and need not be. */
  release(claim: Claim, dueAtMs: number): void;

  counts(): QueueCounts;
  list(
    filter: QueueFilter,
    options: { readonly offset: number; readonly most: number; readonly envelopes: boolean },
  ): Promise<readonly QueueRow[]>;
  /** How many deliveries a filter matches. */
  count(filter: QueueFilter): Promise<number>;
  /** The content of a message, edits applied; undefined where the queue does not have it. */
  content(queueId: QueueId): Promise<Content | undefined>;
  hold(filter: QueueFilter): Promise<number>;
  /** Lets held and quarantined deliveries go; their attempt is due at once. */
  resume(filter: QueueFilter): Promise<number>;
  /** Makes waiting deliveries due at once. */
  retryNow(filter: QueueFilter): Promise<number>;
  /** Removes deliveries without telling the sender. */
  remove(filter: QueueFilter): Promise<number>;
  /** Moves deliveries to the next hops that `route` names now for their recipients; a delivery may be split. One that only owes the report of an expansion stays. */
  reroute(
    filter: QueueFilter,
    route: (recipient: EnvelopeRecipient, envelope: EnvelopeOptions) => NextHop,
  ): Promise<number>;
  /** Ends acceptance and claims, waits for what is being written, closes. */
  close(): Promise<void>;
}
