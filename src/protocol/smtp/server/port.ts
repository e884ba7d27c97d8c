/**
 * The door of the SMTP server machine: octets and answers in, effects out. It holds no socket, clock, promise or event;
 * whoever drives it carries the effects out in order and feeds back what they bring.
 */
import type { EnvelopeOptions, EnvelopeRecipient } from '../../../mail/envelope.ts';
import type { Reply } from '../../../mail/reply.ts';
import type { ForwardedFrom } from '../../../mail/sender-check.ts';
import type { ForwardedClient } from '../grammar/forwarded.ts';

/** What a session offers and bears; fixed when it is opened, except that TLS and login change what EHLO says. */
export interface ServerOffer {
  readonly profile: 'mx' | 'submission' | 'lmtp';
  /** The name in banner and greeting. */
  readonly hostName: string;
  /** Text after the host name in the banner, such as 'ESMTP IMS'. */
  readonly banner: string;
  readonly startTls: 'off' | 'offered' | 'required';
  /** SASL mechanisms in the order announced; offered under TLS only (RFC 8314 §3), unless `authInClear`. */
  readonly mechanisms: readonly ('PLAIN' | 'LOGIN')[];
  readonly authInClear: boolean;
  /** Asked at each command that needs a login: it may change when another client is spoken for. */
  readonly authRequired: boolean;
  readonly etrn: boolean;
  readonly messageSizeMax: number;
  readonly recipientsMax: number;
  readonly messagesMax: number;
  readonly errorsMax: number;
  readonly bareLineEndings: 'refuse' | 'normalise';
  /** Whether the connection is of a host that may say for whom it speaks (XCLIENT, XFORWARD). */
  readonly speaksForOthers?: boolean;
  /** Whether XCLIENT may be said now: not any more by the client that it has named, who may sit behind a host that passes on every command. */
  readonly mayBecomeAnother?: boolean;
  /** The answer to a word as the argument of NOOP, where one was agreed upon. */
  readonly introduce?: ((word: string) => string | undefined) | undefined;
}

/** What the machine asks its driver; it reads no further command until the answer is given. */
export type Question =
  | { readonly about: 'connection' }
  | { readonly about: 'greeting'; readonly verb: 'HELO' | 'EHLO' | 'LHLO'; readonly name: string }
  | { readonly about: 'login'; readonly mechanism: string; readonly user: string; readonly password: string }
  | { readonly about: 'sender'; readonly envelope: EnvelopeOptions; readonly declaredSize: number | undefined }
  | { readonly about: 'recipient'; readonly recipient: EnvelopeRecipient }
  /** DATA or the first BDAT: may mail data come? */
  | { readonly about: 'data'; readonly envelope: EnvelopeOptions; readonly recipients: readonly EnvelopeRecipient[] }
  /** The last octet has come and is valid: is the message accepted? */
  | { readonly about: 'message'; readonly sizeBytes: number; readonly eightBit: boolean }
  /** The session is another client's from now on. */
  | { readonly about: 'client'; readonly client: ForwardedClient }
  | { readonly about: 'etrn'; readonly argument: string };

/** The answer: a reply, positive or not. For 'message' under LMTP one reply per accepted recipient, in order (RFC 2033 §4.2). */
export type Answer = { readonly reply: Reply } | { readonly replies: readonly Reply[] };

/** What the driver is to do, in order. */
export type Effect =
  /** Octets for the peer; replies of one command group come as one. */
  | { readonly kind: 'send'; readonly octets: string }
  | { readonly kind: 'ask'; readonly question: Question }
  /** Mail data without transparency. The chunk is a view of the octets that came in; keep it or copy it before they are reused. */
  | { readonly kind: 'content'; readonly chunk: Buffer }
  /** The transaction is over without a message: forget its content. */
  | { readonly kind: 'abandon'; readonly why: 'reset' | 'refused' | 'closed' }
  /** Send `octets`, then start TLS; all octets received in the clear and not yet read have been dropped (RFC 3207 §4.2). */
  | { readonly kind: 'start-tls'; readonly octets: string }
  /** End the connection once everything is sent. After QUIT the peer sends no more. */
  | { readonly kind: 'close'; readonly afterQuit: boolean }
  /** For the journal: a command was refused, with its line cut to 200 octets. */
  | { readonly kind: 'refused'; readonly line: string; readonly reply: Reply };

/** What the session waits for; decides its time-out (RFC 5321 §4.5.3.2). */
export type Waiting = 'greeting' | 'command' | 'data' | 'answer' | 'tls' | 'closed';

/** Facts of the session for Received fields (RFC 3848) and events. */
export interface SessionFacts {
  readonly greetingName: string;
  readonly extended: boolean;
  readonly tls: boolean;
  readonly account: string | undefined;
  /** Who brought the mail of this transaction to the client, where that one is trusted to say so. */
  readonly forwarded: ForwardedFrom | undefined;
  readonly messages: number;
  readonly errors: number;
}

export interface ServerMachine {
  /** Begins: asks about the connection; the banner follows the answer. With implicit TLS call it after the handshake. */
  open(tls: boolean): readonly Effect[];
  receive(chunk: Buffer): readonly Effect[];
  answer(answer: Answer): readonly Effect[];
  /** The handshake that `start-tls` asked for is done. */
  tlsStarted(): readonly Effect[];
  /** Nothing came in time. */
  timedOut(): readonly Effect[];
  /** The service is stopping: ends with 421 at the next safe point (never within mail data that may yet be acknowledged). */
  shutDown(): readonly Effect[];
  readonly waiting: Waiting;
  /** Octets taken in but not yet used; over 64 KiB the driver pauses the stream. */
  readonly bufferedBytes: number;
  readonly facts: SessionFacts;
}
