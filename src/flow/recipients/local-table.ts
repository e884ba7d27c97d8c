import { domainKey } from '../../mail/mailbox.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { parseAddress } from '../../protocol/headers/addresses.ts';
import { isName } from '../../protocol/dns/name.ts';
import type { DomainSettings, MailboxSettings, RecipientsSettings } from '../../settings/recipients.ts';

/** A mailbox with the local part as it was configured. */
export interface LocalEntry {
  readonly localPart: string;
  /** The address as the rest of the program names the account. */
  readonly account: string;
  readonly settings: MailboxSettings;
}

/** A domain of ours, ready for look-ups by key. */
export interface LocalDomain {
  readonly name: string;
  readonly settings: DomainSettings;
  readonly mailboxes: ReadonlyMap<string, LocalEntry>;
  readonly aliases: ReadonlyMap<string, readonly string[]>;
}

/** Our domains by `domainKey`, in the order of the configuration. */
export type LocalTable = ReadonlyMap<string, LocalDomain>;

/** What a local part is in its domain. `key` is the entry it was found under. */
export type Found =
  | { readonly kind: 'alias'; readonly key: string; readonly targets: readonly string[] }
  | { readonly kind: 'mailbox'; readonly key: string; readonly entry: LocalEntry };

/** Makes the table; of entries that differ in case only the first counts. */
export function makeLocalTable(settings: RecipientsSettings): LocalTable {
  const table = new Map<string, LocalDomain>();
  for (const [text, domain] of Object.entries(settings)) {
    const name = domainKey(text.toLowerCase());
    if (table.has(name)) continue;
    const mailboxes = new Map<string, LocalEntry>();
    for (const [localPart, mailbox] of Object.entries(domain.mailboxes)) {
      const key = localKey(localPart);
      if (!mailboxes.has(key)) mailboxes.set(key, { localPart, account: `${key}@${name}`, settings: mailbox });
    }
    const aliases = new Map<string, readonly string[]>();
    for (const [localPart, targets] of Object.entries(domain.aliases)) {
      const key = localKey(localPart);
      if (!aliases.has(key)) aliases.set(key, typeof targets === 'string' ? [targets] : targets);
    }
    table.set(name, { name, settings: domain, mailboxes, aliases });
  }
  return table;
}

/** The key of a local part of ours: without case, in one Unicode form (RFC 6531 §3.1 leaves both to us). */
export function localKey(localPart: string): string {
  return localPart.toLowerCase().normalize('NFC');
}

/** The key of an address: case of the local part counts for domains that are not ours (RFC 5321 §2.4). */
export function addressKey(mailbox: Mailbox, table: LocalTable): string {
  const domain = domainKey(mailbox.domain);
  return table.has(domain) ? `${localKey(mailbox.localPart)}@${domain}` : `${mailbox.localPart}@${domain}`;
}

/** Finds a local part: the whole of it first, then without its tag ('alice+lists'); aliases before mailboxes. */
export function find(domain: LocalDomain, localPart: string): Found | undefined {
  return withTag(domain, localPart, (key) => {
    const targets = domain.aliases.get(key);
    return targets === undefined ? entryOf(domain, key) : { kind: 'alias', key, targets };
  });
}

/** Finds a mailbox by its local part, whatever aliases say. */
export function findMailbox(domain: LocalDomain, localPart: string): LocalEntry | undefined {
  return withTag(domain, localPart, (key) => domain.mailboxes.get(key));
}

function entryOf(domain: LocalDomain, key: string): Found | undefined {
  const entry = domain.mailboxes.get(key);
  return entry === undefined ? undefined : { kind: 'mailbox', key, entry };
}

function withTag<T>(domain: LocalDomain, localPart: string, look: (key: string) => T | undefined): T | undefined {
  const key = localKey(localPart);
  const exact = look(key);
  if (exact !== undefined) return exact;
  const { plusAddressing } = domain.settings;
  const tag = plusAddressing === '' ? -1 : key.indexOf(plusAddressing);
  return tag > 0 ? look(key.slice(0, tag)) : undefined;
}

/** Reads the target of an alias: a whole address, or a local part of the alias's own domain; undefined where it is neither. */
export function parseTarget(text: string, domain: string): Mailbox | undefined {
  const trimmed = text.trim();
  const mailbox = parseAddress(trimmed.includes('@') ? trimmed : `${trimmed}@${domain}`);
  if (mailbox === undefined) return undefined;
  const key = domainKey(mailbox.domain);
  return key !== '' && (key.startsWith('[') || isName(key)) ? mailbox : undefined;
}
