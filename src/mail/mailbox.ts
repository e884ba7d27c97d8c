import { domainToASCII } from 'node:url';

/**
 * A mailbox as RFC 5321 §4.1.2 has it. `localPart` is the meaning, without quotes and backslashes;
 * `domain` is in lower case, a domain name (A-labels or U-labels as it came) or an address literal with its brackets.
 */
export interface Mailbox {
  readonly localPart: string;
  readonly domain: string;
}

/** The reverse-path: a mailbox, or null for the null reverse-path `<>` (RFC 5321 §4.5.5). */
export type ReversePath = Mailbox | null;

const DOT_STRING = /^[^\s()<>@,;:\\".[\]\x00-\x1f\x7f]+(\.[^\s()<>@,;:\\".[\]\x00-\x1f\x7f]+)*$/;

/** Prints the mailbox for an envelope or a header, quoting the local part where RFC 5321 §4.1.2 needs it. */
export function printMailbox(mailbox: Mailbox): string {
  const { localPart, domain } = mailbox;
  const local = DOT_STRING.test(localPart) ? localPart : `"${localPart.replace(/[\\"]/g, '\\$&')}"`;
  if (domain === '') return local;
  // The tag as RFC 5321 §4.1.3 writes it: not everybody reads it without case.
  return domain.startsWith('[ipv6:') ? `${local}@[IPv6:${domain.slice(6)}` : `${local}@${domain}`;
}

/** Prints a path in its angle brackets; null is `<>`. */
export function printPath(path: ReversePath): string {
  return path === null ? '<>' : `<${printMailbox(path)}>`;
}

/** The domain's key for look-ups: A-labels in lower case (RFC 5891 §4.4); an address literal stays as it is; '' where no valid form exists. */
export function domainKey(domain: string): string {
  if (domain.startsWith('[')) return domain.toLowerCase();
  return /^[a-z0-9.-]*$/.test(domain) ? domain : domainToASCII(domain);
}

/** Whether the mailbox needs SMTPUTF8 on its way (RFC 6531 §3.2): any octet beyond ASCII. */
export function needsSmtpUtf8(mailbox: Mailbox): boolean {
  return /[^\x00-\x7f]/.test(mailbox.localPart) || /[^\x00-\x7f]/.test(mailbox.domain);
}
