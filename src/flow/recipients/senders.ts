import { domainKey } from '../../mail/mailbox.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { find, findMailbox, localKey, parseTarget } from './local-table.ts';
import type { LocalTable } from './local-table.ts';

/** Aliases of each account: the addresses whose targets name it, directly. Made once per configuration. */
export function aliasesOfAccounts(table: LocalTable): ReadonlyMap<string, readonly string[]> {
  const out = new Map<string, string[]>();
  for (const domain of table.values()) {
    for (const [key, targets] of domain.aliases) {
      for (const text of targets) {
        const account = accountOf(parseTarget(text, domain.name), table);
        if (account === undefined) continue;
        const list = out.get(account);
        const address = `${key}@${domain.name}`;
        if (list === undefined) out.set(account, [address]);
        else if (!list.includes(address)) list.push(address);
      }
    }
  }
  return out;
}

/** The account of a mailbox of ours; undefined for every other address. */
export function accountOf(mailbox: Mailbox | undefined, table: LocalTable): string | undefined {
  if (mailbox === undefined) return undefined;
  const domain = table.get(domainKey(mailbox.domain));
  return domain === undefined ? undefined : findMailbox(domain, mailbox.localPart)?.account;
}

/** The alias a sender address is found under, tag left out; undefined where it is none of ours. */
export function aliasOf(mailbox: Mailbox, table: LocalTable): string | undefined {
  const domain = table.get(domainKey(mailbox.domain));
  const found = domain === undefined ? undefined : find(domain, mailbox.localPart);
  return domain !== undefined && found?.kind === 'alias' ? `${found.key}@${domain.name}` : undefined;
}

/** Whether a pattern of `maySendAs` covers an address: the address itself, '*@domain', or '*' for any. */
export function covers(pattern: string, sender: Mailbox): boolean {
  if (pattern === '*') return true;
  const at = pattern.lastIndexOf('@');
  if (domainKey(pattern.slice(at + 1).toLowerCase()) !== domainKey(sender.domain)) return false;
  const localPart = pattern.slice(0, Math.max(at, 0));
  return localPart === '*' || localKey(localPart) === localKey(sender.localPart);
}
