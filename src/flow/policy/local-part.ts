/** Local parts that carry another address inside, hoping that we send the mail on to it. */
import type { Mailbox } from '../../mail/mailbox.ts';

const ENCAPSULATED = /^imcea[a-z]*-/i;

/** Whether a local part is an encapsulated address ('IMCEASMTP-user+40remote'). */
export function isEncapsulated(mailbox: Mailbox): boolean {
  return ENCAPSULATED.test(mailbox.localPart);
}

/**
 * Whether a local part asks to be relayed: 'user%remote', 'user@remote' in quotes, 'remote!user', '@remote:user', or an
 * encapsulated address. RFC 5321 §3.6.1 leaves their meaning to the host; here they have none.
 */
export function asksForRelay(mailbox: Mailbox): boolean {
  const { localPart } = mailbox;
  return /[%@!:]/.test(localPart) || isEncapsulated(mailbox);
}
