import type { Reply } from './reply.ts';

/** Who said it: the far host as name and address, or our own side. */
export interface RemoteHost {
  readonly name: string;
  readonly address: string;
}

/**
 * What one attempt did for one recipient. Exactly one per recipient and attempt.
 * A loop is `failed` with 5.4.6 (RFC 3463 §3.5).
 */
export type Outcome =
  | {
      readonly kind: 'delivered';
      /** 'delivered' into a mailbox; 'relayed' to a host that takes over DSN duties or not (`dsnPassed`); 'expanded' into other addresses (RFC 3464 §2.3.3). */
      readonly how: 'delivered' | 'relayed' | 'expanded';
      /** Whether the next hop offered DSN and so owes the sender the success report (RFC 3461 §5.2.2). */
      readonly dsnPassed: boolean;
      readonly reply?: Reply;
      readonly remote?: RemoteHost;
    }
  | { readonly kind: 'deferred'; readonly reply: Reply; readonly remote?: RemoteHost }
  | { readonly kind: 'failed'; readonly reply: Reply; readonly remote?: RemoteHost };
