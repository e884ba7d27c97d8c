/** The door of recipients: who a forward-path is for. */
import type { Mailbox } from '../../mail/mailbox.ts';
import type { LocalDelivery } from '../routing/port.ts';

/** What a forward-path means here. */
export type Resolution =
  /** Ours; `targets` are the final addresses (itself, or those of an alias or forward), without doubles. */
  | {
      readonly kind: 'ours';
      readonly targets: readonly Mailbox[];
      readonly how: 'mailbox' | 'alias' | 'catch-all' | 'postmaster';
    }
  /** Our domain, no such mailbox. */
  | { readonly kind: 'unknown' }
  /** Our domain, but the mailbox does not take mail now or ever; the words are for the sender. */
  | { readonly kind: 'disabled'; readonly why: string }
  /** An alias that leads nowhere or in a circle: our fault, so the sender is told to try later. */
  | { readonly kind: 'broken'; readonly why: string }
  /** Not our domain. */
  | { readonly kind: 'remote' }
  /** The directory cannot answer now. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** A mailbox of ours at delivery. */
export type LocalMailbox =
  | { readonly kind: 'mailbox'; readonly name: string; readonly delivery: LocalDelivery }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unavailable'; readonly why: string };

/** A login that fits, or not. */
export type LoginVerdict =
  | {
      readonly kind: 'accepted';
      readonly account: string /** Addresses the account may send as; '*@domain' for a whole domain. */;
      readonly senders: readonly string[];
    }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unavailable'; readonly why: string };

export interface Directory {
  isLocalDomain(domain: string): boolean;
  /** Whether we relay for a domain that is not ours (backup MX, ETRN). */
  isRelayDomain(domain: string): boolean;
  /** Who a forward-path is for. Local parts of our domains compare without case. */
  resolve(recipient: Mailbox): Promise<Resolution>;
  /** How a local mailbox takes its mail; asked at each attempt. */
  mailbox(recipient: Mailbox): Promise<LocalMailbox>;
  /** Checks a password; slow on purpose, bounded in parallel. */
  login(user: string, password: string): Promise<LoginVerdict>;
  /** Whether an account may use a reverse-path. */
  maySendAs(account: string, sender: Mailbox): boolean;
}
