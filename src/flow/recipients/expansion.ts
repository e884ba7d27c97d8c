import { domainKey } from '../../mail/mailbox.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { aliasDepthMax, aliasTargetsMax } from './limits.ts';
import { addressKey, find, findMailbox, localKey, parseTarget } from './local-table.ts';
import type { LocalDomain, LocalTable } from './local-table.ts';

/** What an address of ours comes to. */
export interface Expansion {
  /** Final addresses without doubles. */
  readonly targets: readonly Mailbox[];
  /** Sentences about the parts that lead nowhere. */
  readonly faults: readonly string[];
  /** Why a mailbox on the way takes no mail. */
  readonly disabled: string | undefined;
  readonly how: 'mailbox' | 'alias' | 'catch-all' | 'postmaster' | 'unknown';
}

/** Where mail for a postmaster goes that has no mailbox or alias of that name. */
export interface PostmasterRule {
  /** The address configured, as text. */
  readonly address: string | undefined;
  /** Where it stays when that leads nowhere: `postmaster` here. */
  readonly lastResort: Mailbox;
}

interface State {
  readonly table: LocalTable;
  readonly postmaster: PostmasterRule;
  readonly targets: Map<string, Mailbox>;
  readonly faults: string[];
  /** Aliases on the way to here, and those finished. */
  readonly path: Set<string>;
  readonly done: Set<string>;
  disabled: string | undefined;
}

/** Follows aliases, catch-all and postmaster of an address of ours to their ends; circles and depth are bounded. */
export function expand(
  mailbox: Mailbox,
  domain: LocalDomain | undefined,
  table: LocalTable,
  postmaster: PostmasterRule,
): Expansion {
  const state: State = {
    table,
    postmaster,
    targets: new Map(),
    faults: [],
    path: new Set(),
    done: new Set(),
    disabled: undefined,
  };
  const how = domain === undefined ? followPostmaster(state, 0) : followLocal(state, mailbox, domain, 0);
  return { targets: [...state.targets.values()], faults: state.faults, disabled: state.disabled, how };
}

function followLocal(state: State, mailbox: Mailbox, domain: LocalDomain, depth: number): Expansion['how'] {
  const found = find(domain, mailbox.localPart);
  if (found?.kind === 'alias') {
    followAlias(state, found.key, found.targets, mailbox, domain, depth);
    return 'alias';
  }
  if (found?.kind === 'mailbox') {
    const why = found.entry.settings.disabled;
    if (why === undefined) add(state, mailbox, found.entry.account);
    else state.disabled = why;
    return 'mailbox';
  }
  if (localKey(mailbox.localPart) === 'postmaster') return followPostmaster(state, depth);
  if (domain.settings.catchAll !== undefined) {
    followAlias(state, '*', [domain.settings.catchAll], mailbox, domain, depth);
    return 'catch-all';
  }
  if (domain.settings.fallback !== undefined) {
    add(state, mailbox);
    return 'mailbox';
  }
  if (depth > 0) state.faults.push(`${mailbox.localPart}@${domain.name} does not exist`);
  return 'unknown';
}

function followAlias(
  state: State,
  name: string,
  targets: readonly string[],
  mailbox: Mailbox,
  domain: LocalDomain,
  depth: number,
): void {
  const key = `${name}@${domain.name}`;
  if (state.done.has(key)) return;
  if (state.path.has(key)) {
    // An alias that lists its own name keeps a copy in the mailbox of that name.
    const own = findMailbox(domain, mailbox.localPart);
    if (own === undefined) state.faults.push(`the alias ${key} leads back to itself`);
    else if (own.settings.disabled === undefined) add(state, mailbox, own.account);
    return;
  }
  if (depth >= aliasDepthMax) {
    state.faults.push(`more than ${aliasDepthMax} aliases lead to ${key}`);
    return;
  }
  state.path.add(key);
  for (const text of targets) follow(state, text, domain.name, key, depth + 1);
  state.path.delete(key);
  state.done.add(key);
}

function follow(state: State, text: string, domainName: string, from: string, depth: number): void {
  const target = parseTarget(text, domainName);
  if (target === undefined) {
    state.faults.push(`the alias ${from} has the target '${text}', which is no address`);
    return;
  }
  const domain = state.table.get(domainKey(target.domain));
  if (domain === undefined) add(state, target);
  else followLocal(state, target, domain, depth);
}

/** RFC 5321 §4.5.1: mail for the postmaster is taken, whatever the configuration says; in the worst case it stays in a mailbox of that name. */
function followPostmaster(state: State, depth: number): Expansion['how'] {
  const key = 'postmaster';
  const { address, lastResort } = state.postmaster;
  if (address !== undefined && !state.path.has(key) && depth < aliasDepthMax) {
    const before = state.targets.size;
    state.path.add(key);
    follow(state, address, lastResort.domain, key, depth + 1);
    state.path.delete(key);
    if (state.targets.size > before) return 'postmaster';
  }
  add(state, lastResort);
  return 'postmaster';
}

/** Adds a final address once; `key` is the account where tags do not make it another mailbox. */
function add(state: State, mailbox: Mailbox, key = addressKey(mailbox, state.table)): void {
  if (state.targets.has(key)) return;
  if (state.targets.size >= aliasTargetsMax) {
    if (state.targets.size === aliasTargetsMax && state.faults.at(-1) !== TOO_MANY) state.faults.push(TOO_MANY);
    return;
  }
  state.targets.set(key, mailbox);
}

const TOO_MANY = `more than ${aliasTargetsMax} addresses; the rest is left out`;
