/**
 * Who a forward-path is for. Reception asks it at RCPT, delivery at each attempt, submission at login. It promises the same answer in
 * constant time for ten or fifty thousand mailboxes, and mail for a postmaster always finds a place. It interprets neither percent
 * signs nor encapsulated addresses in a local part: what is not in the configuration is unknown. A new configuration means a new directory.
 */
import type { Journal } from '../../events/journal.ts';
import { domainKey, printMailbox } from '../../mail/mailbox.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import type { NextHop } from '../../mail/next-hop.ts';
import type { RecipientsSettings } from '../../settings/recipients.ts';
import type { World } from '../../world/world.ts';
import { expand } from './expansion.ts';
import type { Expansion, PostmasterRule } from './expansion.ts';
import { localDelivery } from './local-delivery.ts';
import type { Places } from './local-delivery.ts';
import { addressKey, find, findMailbox, localKey, makeLocalTable } from './local-table.ts';
import type { LocalDomain, LocalTable } from './local-table.ts';
import { LoginDesk } from './login.ts';
import type { PasswordVerifier } from './login.ts';
import type { Directory, LocalMailbox, LoginVerdict, Resolution } from './port.ts';
import { accountOf, aliasOf, aliasesOfAccounts, covers } from './senders.ts';

/** What a directory is made of. */
export interface DirectoryOptions extends Places {
  readonly settings: RecipientsSettings;
  readonly relayDomains: readonly string[];
  readonly serverName: string;
  /** reporting.postmaster */
  readonly postmaster?: string;
  readonly passwordVerifier: PasswordVerifier;
  readonly world: { readonly clock: Pick<World['clock'], 'now'>; readonly random: Pick<World['random'], 'bytes'> };
  readonly journal?: Journal;
}

/** A directory that also tells routing which way mailboxes of ours go. */
export interface LocalDirectory extends Directory {
  /** 'local', 'lmtp:<group>' or, for names another system has, 'host:<group>'; undefined for domains that are not ours. */
  localHop(mailbox: Mailbox): NextHop | undefined;
}

/** Makes the directory of a configuration. */
export function createDirectory(options: DirectoryOptions): LocalDirectory {
  return new ConfiguredDirectory(options);
}

class ConfiguredDirectory implements LocalDirectory {
  readonly #options: DirectoryOptions;
  readonly #table: LocalTable;
  readonly #relayDomains: ReadonlySet<string>;
  readonly #serverKey: string;
  readonly #postmaster: PostmasterRule;
  readonly #desk: LoginDesk;
  readonly #told = new Set<string>();
  #aliases: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#table = makeLocalTable(options.settings);
    this.#relayDomains = new Set(options.relayDomains.map((domain) => domainKey(domain.toLowerCase())));
    this.#serverKey = domainKey(options.serverName.toLowerCase());
    this.#postmaster = postmasterRule(this.#table, options.postmaster, this.#serverKey);
    this.#desk = new LoginDesk(this.#table, options.passwordVerifier, options.world);
  }

  isLocalDomain(domain: string): boolean {
    return this.#table.has(domainKey(domain.toLowerCase()));
  }

  isRelayDomain(domain: string): boolean {
    const key = domainKey(domain.toLowerCase());
    if (this.#table.has(key)) return false;
    if (this.#relayDomains.has(key)) return true;
    for (let dot = key.indexOf('.'); dot !== -1; dot = key.indexOf('.', dot + 1)) {
      if (this.#relayDomains.has(`*${key.slice(dot)}`)) return true;
    }
    return false;
  }

  async resolve(recipient: Mailbox): Promise<Resolution> {
    const domain = this.#table.get(domainKey(recipient.domain));
    if (domain === undefined && !this.#isServersPostmaster(recipient))
      return recipient.domain === '' ? { kind: 'unknown' } : { kind: 'remote' };
    const expansion = expand(recipient, domain, this.#table, this.#postmaster);
    for (const fault of expansion.faults) this.#tell(recipient, fault);
    return resolutionOf(expansion);
  }

  async mailbox(recipient: Mailbox): Promise<LocalMailbox> {
    const domain = this.#table.get(domainKey(recipient.domain));
    const entry = domain === undefined ? undefined : findMailbox(domain, recipient.localPart);
    if (domain === undefined || entry === undefined) return this.#withoutEntry(recipient, domain);
    if (entry.settings.disabled !== undefined) return { kind: 'unavailable', why: entry.settings.disabled };
    const configured =
      entry.settings.delivery ?? (domain.settings.lmtp === undefined ? undefined : { lmtp: domain.settings.lmtp });
    const delivery = localDelivery(this.#options, domain.name, localKey(entry.localPart), configured);
    if (delivery.kind === 'lmtp')
      return { kind: 'unavailable', why: `${entry.account} has its mail by LMTP now; the next attempt goes there` };
    return { kind: 'mailbox', name: entry.account, delivery };
  }

  #withoutEntry(recipient: Mailbox, domain: LocalDomain | undefined): LocalMailbox {
    if (
      localKey(recipient.localPart) === 'postmaster' &&
      (domain !== undefined || this.#isServersPostmaster(recipient))
    ) {
      const name = domain?.name ?? this.#serverKey;
      const delivery = localDelivery(this.#options, name, 'postmaster', undefined);
      if (delivery.kind !== 'lmtp') return { kind: 'mailbox', name: `postmaster@${name}`, delivery };
    }
    const found = domain === undefined ? undefined : find(domain, recipient.localPart);
    return found === undefined
      ? { kind: 'missing' }
      : { kind: 'unavailable', why: `${printMailbox(recipient)} has become an alias since the message was accepted` };
  }

  localHop(mailbox: Mailbox): NextHop | undefined {
    const domain = this.#table.get(domainKey(mailbox.domain));
    if (domain === undefined) return this.#isServersPostmaster(mailbox) ? 'local' : undefined;
    const entry = findMailbox(domain, mailbox.localPart);
    if (entry !== undefined) {
      const { delivery } = entry.settings;
      if (delivery !== undefined) return 'lmtp' in delivery ? `lmtp:${delivery.lmtp}` : 'local';
      return domain.settings.lmtp === undefined ? 'local' : `lmtp:${domain.settings.lmtp}`;
    }
    if (domain.settings.fallback === undefined || localKey(mailbox.localPart) === 'postmaster') return 'local';
    return find(domain, mailbox.localPart) === undefined ? `host:${domain.settings.fallback}` : 'local';
  }

  async login(user: string, password: string): Promise<LoginVerdict> {
    const verdict = await this.#desk.check(user, password);
    if (verdict.kind !== 'accepted') return verdict;
    this.#aliases ??= aliasesOfAccounts(this.#table);
    const { account } = verdict;
    return {
      kind: 'accepted',
      account,
      senders: [account, ...(this.#aliases.get(account) ?? []), ...this.#patterns(account)],
    };
  }

  maySendAs(account: string, sender: Mailbox): boolean {
    if (accountOf(sender, this.#table) === account) return true;
    const alias = aliasOf(sender, this.#table);
    if (alias !== undefined) {
      const domain = this.#table.get(domainKey(sender.domain));
      const { targets } = expand(sender, domain, this.#table, this.#postmaster);
      if (targets.some((target) => accountOf(target, this.#table) === account)) return true;
    }
    return this.#patterns(account).some((pattern) => covers(pattern, sender));
  }

  #patterns(account: string): readonly string[] {
    const at = account.lastIndexOf('@');
    return this.#table.get(account.slice(at + 1))?.mailboxes.get(account.slice(0, at))?.settings.maySendAs ?? [];
  }

  #isServersPostmaster(mailbox: Mailbox): boolean {
    return (
      localKey(mailbox.localPart) === 'postmaster' &&
      (mailbox.domain === '' || domainKey(mailbox.domain) === this.#serverKey)
    );
  }

  #tell(recipient: Mailbox, fault: string): void {
    if (this.#told.has(fault) || this.#told.size >= TOLD_MAX) return;
    this.#told.add(fault);
    this.#options.journal?.emit('recipients.alias-broken', { recipient: addressKey(recipient, this.#table), fault });
  }
}

/** Faults told once per configuration; no more of them. */
const TOLD_MAX = 1000;

function resolutionOf(expansion: Expansion): Resolution {
  const { targets, faults, disabled, how } = expansion;
  if (how === 'unknown') return { kind: 'unknown' };
  if (targets.length > 0) return { kind: 'ours', targets, how };
  if (faults.length > 0) return { kind: 'broken', why: faults.join('; ') };
  return { kind: 'disabled', why: disabled ?? 'the mailbox takes no mail' };
}

/** Mail for the postmaster goes to the address configured, else to the first domain's postmaster, else to its first mailbox. */
function postmasterRule(table: LocalTable, configured: string | undefined, serverKey: string): PostmasterRule {
  const [first] = table.values();
  const lastResort = { localPart: 'postmaster', domain: first?.name ?? serverKey };
  if (configured !== undefined) return { address: configured, lastResort };
  if (first === undefined) return { address: undefined, lastResort };
  if (find(first, 'postmaster') !== undefined) return { address: `postmaster@${first.name}`, lastResort };
  const [mailbox] = first.mailboxes.values();
  return { address: mailbox?.account, lastResort };
}
