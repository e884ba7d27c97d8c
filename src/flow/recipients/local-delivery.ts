import { isAbsolute, join } from 'node:path';
import type { MailboxSettings } from '../../settings/recipients.ts';
import type { LocalDelivery } from '../routing/port.ts';

/** Where mailboxes lie. */
export interface Places {
  readonly dataDirectory: string;
  /** 'mail/{domain}/{mailbox}' */
  readonly maildirTemplate: string;
}

/** How a mailbox takes its mail, or the LMTP group that has it. */
export function localDelivery(
  places: Places,
  domain: string,
  mailbox: string,
  delivery: MailboxSettings['delivery'],
): LocalDelivery | { readonly kind: 'lmtp'; readonly group: string } {
  const place = (path: string): string => {
    const filled = path.replaceAll(/\{(domain|mailbox)\}/g, (_all, word: string) =>
      safeName(word === 'domain' ? domain : mailbox),
    );
    return isAbsolute(filled) ? filled : join(places.dataDirectory, filled);
  };
  if (delivery === undefined) return { kind: 'maildir', path: place(places.maildirTemplate) };
  if ('maildir' in delivery) return { kind: 'maildir', path: place(delivery.maildir) };
  if ('directory' in delivery) return { kind: 'directory', path: place(delivery.directory) };
  if ('lmtp' in delivery) return { kind: 'lmtp', group: delivery.lmtp };
  if ('discard' in delivery) return { kind: 'discard' };
  const { pipe, user, timeout } = delivery;
  const environment = { MAILBOX: mailbox, DOMAIN: domain };
  return { kind: 'pipe', command: pipe, timeoutMs: timeout, environment, ...(user === undefined ? {} : { user }) };
}

/** The name as one part of a path: what could lead elsewhere is written as %xx. */
export function safeName(name: string): string {
  const escaped = name.replaceAll(/[^\p{L}\p{N}._+=@,-]/gu, (char) =>
    [...Buffer.from(char)].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join(''),
  );
  return escaped.startsWith('.') ? `%2e${escaped.slice(1)}` : escaped;
}
