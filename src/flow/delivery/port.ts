/** The door of delivery: one attempt for one claim, over one connection lent by a pool, one outcome per recipient. */
import type { Claim } from '../queue/port.ts';
import type { Outcome, RemoteHost } from '../../mail/outcome.ts';
import type { Route } from '../routing/port.ts';

/** What an attempt found. An attempt never rejects: what goes wrong is an outcome. */
export interface AttemptResult {
  readonly outcomes: readonly { readonly index: number; readonly outcome: Outcome }[];
  /**
   * What it says about the next hop as a whole: 'answered' (it took part in a transaction, whatever it said about the mail),
   * 'refused' (421, 4xx greeting, or too many connections: ask less), 'unreachable' (no connection to any of its hosts).
   */
  readonly nextHop: 'answered' | 'refused' | 'unreachable';
  readonly remote?: RemoteHost;
  readonly durationMs: number;
}

/** A way of delivering: by SMTP, LMTP, into a Maildir, a directory, a program. */
export interface Courier {
  /** Attempts the claim by its route. One call per claim at a time. */
  attempt(claim: Claim, route: Route): Promise<AttemptResult>;
  /** Closes idle connections. */
  close(): Promise<void>;
}
