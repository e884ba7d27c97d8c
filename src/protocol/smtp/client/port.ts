/**
 * The door of the SMTP and LMTP client: a pure machine. A driver gives it what the server sent and what happened to the
 * connection, and carries out the effects in order. It never touches a socket or a clock, and never decides what a
 * failure means for the queue: it says what was answered to which recipient, and in which phase a session ended.
 */
import type { EnvelopeOptions, EnvelopeRecipient } from '../../../mail/envelope.ts';
import type { Reply } from '../../../mail/reply.ts';

/** What the machine waits for; a driver keeps a time-out for each (RFC 5321 §4.5.3.2). */
export type ClientPhase =
  | 'greeting'
  | 'hello'
  | 'starttls'
  | 'tls'
  | 'auth'
  | 'ready'
  | 'mail'
  | 'recipient'
  | 'data-start'
  | 'content'
  | 'data-end'
  | 'command'
  | 'quit'
  | 'over';

/** How to open the session. */
export interface ClientOptions {
  readonly protocol: 'smtp' | 'lmtp';
  readonly greetingName: string;
  /** 'offered': STARTTLS where it is offered; 'needed': or end the session; 'established': TLS is already there. */
  readonly tls: 'never' | 'offered' | 'needed' | 'established';
  readonly login?: { readonly user: string; readonly password: string };
  /** Whether the login may go over a connection in the clear; 'hashed': only where the mechanism does not show the password. */
  readonly clearLogin: boolean | 'hashed';
  /** Begin with HELO, for a server that hangs up on EHLO (RFC 5321 §3.2). */
  readonly helo: boolean;
}

/** One message for up to `TRANSACTION_RECIPIENTS_MAX` recipients. */
export interface MailTransaction {
  readonly envelope: EnvelopeOptions;
  readonly recipients: readonly EnvelopeRecipient[];
  readonly sizeBytes: number;
  readonly eightBit: boolean;
  /** The whole content where it is at hand; else the effect 'content' asks for it. */
  readonly whole: Buffer | undefined;
}

/** The commands that a reply can refuse. */
export type RefusedCommand =
  | 'greeting'
  | 'EHLO'
  | 'STARTTLS'
  | 'AUTH'
  | 'RSET'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'end of data'
  | 'none';

/** Why a session cannot go on. */
export type SessionFailure =
  /** A reply that ends the session: not 2xx at opening, or 421 at any step. */
  | { readonly kind: 'refused'; readonly command: RefusedCommand; readonly reply: Reply }
  | { readonly kind: 'starttls-refused'; readonly reply: Reply }
  | { readonly kind: 'starttls-missing' }
  /** No mechanism that we know, or only in the clear. */
  | { readonly kind: 'auth-missing' }
  /** What came is not SMTP, or not an answer to what was asked. */
  | { readonly kind: 'invalid'; readonly phase: ClientPhase; readonly quote: string }
  | { readonly kind: 'closed'; readonly phase: ClientPhase }
  | { readonly kind: 'timed-out'; readonly phase: ClientPhase }
  /** The driver gave up on its own side. */
  | { readonly kind: 'abandoned'; readonly phase: ClientPhase };

/** What became of one recipient. */
export type RecipientVerdict =
  | { readonly kind: 'accepted'; readonly reply: Reply }
  | { readonly kind: 'refused'; readonly command: RefusedCommand; readonly reply: Reply }
  /** Nothing was sent: the peer does not offer what the message needs. */
  | { readonly kind: 'impossible'; readonly lacks: '8BITMIME' | 'BINARYMIME' | 'SMTPUTF8' | 'SIZE' }
  /** The session ended first. With `contentSent` the peer may have accepted the message all the same. */
  | { readonly kind: 'unanswered'; readonly failure: SessionFailure; readonly contentSent: boolean };

/** The end of a transaction: one verdict for each recipient, in order. */
export interface TransactionEnd {
  readonly verdicts: readonly RecipientVerdict[];
  /** Whether the session can take another transaction. */
  readonly usable: boolean;
  /** Whether the peer replied to any command of it. */
  readonly answered: boolean;
}

/** What the driver has to do. */
export type ClientEffect =
  | { readonly do: 'send'; readonly bytes: Buffer | string }
  /** Begin TLS, then call `tlsStarted`. */
  | { readonly do: 'start-tls' }
  /** The session is open for transactions. */
  | { readonly do: 'ready' }
  /** Send the content through `frame`, as long as `sendingContent`, then call `contentEnd`. */
  | { readonly do: 'content' }
  | { readonly do: 'done'; readonly end: TransactionEnd }
  /** The reply to `ask`. */
  | { readonly do: 'answered'; readonly reply: Reply }
  /** The session ended outside a transaction. */
  | { readonly do: 'failed'; readonly failure: SessionFailure }
  | { readonly do: 'close' };
