/** The door of routing: where mail goes, with the reason. Decided again at each attempt. */
import type { EnvelopeRecipient, EnvelopeOptions } from '../../mail/envelope.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import type { NextHop } from '../../mail/next-hop.ts';
import type { Reply } from '../../mail/reply.ts';
import type { Way } from '../../transport/port.ts';

/** One host to try. Addresses are in the order to try them; equal preferences are already shuffled (RFC 5321 §5.1). */
export interface RelayHost {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
}

/** How to speak to relay hosts. */
export interface RelayTerms {
  readonly protocol: 'smtp' | 'lmtp';
  /** 'none': never STARTTLS; 'opportunistic': where offered, any certificate; 'required': else defer; 'verified': and the certificate must fit; 'implicit': TLS from the first octet, verified. */
  readonly tls: 'none' | 'opportunistic' | 'required' | 'verified' | 'implicit';
  readonly login?: { readonly user: string; readonly password: string };
  /** Local source addresses by family, where set. */
  readonly source4?: string;
  readonly source6?: string;
  /** The ways to these hosts in the order to try them; absent or empty: direct. */
  readonly proxies?: readonly Way[];
  /** Begins connections with a PROXY header. */
  readonly proxyHeader?: 'v1' | 'v2';
  /** The name to greet with; a way in `proxies` may have another one. */
  readonly greetingName: string;
  /** Bounds for this next hop. */
  readonly connectionsMax: number;
  readonly messagesPerConnectionMax: number;
  readonly recipientsPerTransactionMax: number;
}

/** Where a delivery goes now. `reason` is one sentence for people ("MX of example.com, preference 10 and 20"). */
export type Route =
  | {
      readonly kind: 'relay';
      readonly hosts: readonly RelayHost[];
      readonly terms: RelayTerms;
      readonly reason: string;
    }
  | { readonly kind: 'local'; readonly reason: string }
  /** It became several addresses at acceptance: there is nothing to deliver but the news. */
  | { readonly kind: 'expanded'; readonly reason: string }
  /** Waits until it is asked for (ETRN) or released. */
  | { readonly kind: 'held'; readonly reason: string }
  /** Not now: DNS failed. Nothing bounces. */
  | { readonly kind: 'deferred'; readonly reply: Reply; readonly reason: string }
  /** Never: null MX, no such domain, a loop to ourselves. */
  | { readonly kind: 'failed'; readonly reply: Reply; readonly reason: string };

/** How a local mailbox takes its mail. */
export type LocalDelivery =
  | { readonly kind: 'maildir'; readonly path: string }
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'pipe';
      readonly command: readonly string[];
      readonly user?: string;
      readonly timeoutMs: number;
      readonly environment: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'discard' };

export interface Router {
  /** The scheduling key of a recipient, by configuration alone (no DNS): cheap, synchronous. */
  nextHop(recipient: Mailbox, envelope: EnvelopeOptions): NextHop;
  /** Where deliveries of that key go now. Never rejects. */
  route(nextHop: NextHop, envelope: EnvelopeOptions): Promise<Route>;
  /** Whether a recipient waiting under `nextHop` still belongs there after a change of configuration. */
  belongs(nextHop: NextHop, recipient: EnvelopeRecipient, envelope: EnvelopeOptions): boolean;
}
