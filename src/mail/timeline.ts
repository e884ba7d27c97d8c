import type { QueueId } from './queue-id.ts';
import type { Reply } from './reply.ts';
import type { ForwardedFrom, SenderCheck } from './sender-check.ts';

/** One step in the life of a message, as the timeline keeps it and `ims trace` shows it. */
export type TimelineEntry = { readonly atMs: number; readonly queueId: QueueId } & (
  | {
      readonly what: 'received';
      readonly messageId: string;
      readonly sender: string;
      readonly recipients: readonly string[];
      readonly client: string;
      readonly protocol: string;
      readonly account?: string;
      readonly sizeBytes: number;
      readonly nextHops: readonly string[];
      /** What the checks of the sender found, where there were any. */
      readonly checks?: readonly SenderCheck[];
      readonly forwarded?: ForwardedFrom;
      /** The keys that signed it, in words. */
      readonly signed?: readonly string[];
    }
  | {
      readonly what: 'attempt';
      readonly nextHop: string;
      readonly attempt: number;
      readonly remote: string;
      readonly durationMs: number;
      readonly outcomes: readonly {
        readonly recipient: string;
        readonly kind: 'delivered' | 'deferred' | 'failed';
        readonly reply?: Reply;
      }[];
      readonly nextDueMs?: number;
    }
  | {
      readonly what: 'report';
      readonly kind: 'failed' | 'delayed' | 'delivered';
      readonly reportId: QueueId;
      readonly recipients: readonly string[];
    }
  | { readonly what: 'operator'; readonly action: string; readonly recipients: readonly string[] }
  | { readonly what: 'quarantined'; readonly why: string }
  | { readonly what: 'ended' }
);

/** Where timelines are written: batched, not synced per entry; never throws, never waits. */
export interface Timeline {
  add(entry: TimelineEntry): void;
}
