import type { Mailbox, ReversePath } from './mailbox.ts';

/** The conditions of RFC 3461 §4.1 under which a DSN is wanted; an empty list is NEVER; absent means the default (failure, and delay at our choice). */
export type Notify = readonly ('success' | 'failure' | 'delay')[];

/** One recipient of a message as its envelope carries it. */
export interface EnvelopeRecipient {
  readonly mailbox: Mailbox;
  readonly notify?: Notify;
  /** ORCPT as received, decoded from xtext: 'rfc822;alice@example.test' (RFC 3461 §4.2). */
  readonly original?: string;
}

/** How the content was declared by BODY= (RFC 6152, RFC 3030). */
export type BodyType = '7bit' | '8bitmime' | 'binarymime';

/** Everything about a message but its recipients that the protocol carries outside the content. */
export interface EnvelopeOptions {
  readonly reversePath: ReversePath;
  readonly body: BodyType;
  readonly smtpUtf8: boolean;
  /** RET of RFC 3461 §4.3. */
  readonly returned?: 'full' | 'headers';
  /** ENVID of RFC 3461 §4.4, decoded from xtext. */
  readonly envelopeId?: string;
}

/** The envelope of a message. */
export interface Envelope extends EnvelopeOptions {
  readonly recipients: readonly EnvelopeRecipient[];
}
