import { domainKey } from '../../mail/mailbox.ts';
import { isName } from '../../protocol/dns/name.ts';
import type { DomainSettings, RecipientsSettings } from '../../settings/recipients.ts';
import { expand } from './expansion.ts';
import type { LocalDomain, LocalTable } from './local-table.ts';
import { localKey, makeLocalTable, parseTarget } from './local-table.ts';

/** A fault of the configuration with its place below `domains`. The rest of the configuration works without it. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Faults named at most; a table that is wrong throughout needs no longer list. */
const PROBLEMS_MAX = 1000;

/** Finds what no schema can: aliases that lead nowhere or in a circle, doubles, names of groups that do not exist. Pure. */
export function findProblems(settings: RecipientsSettings, groups?: ReadonlySet<string>): readonly Problem[] {
  const table = makeLocalTable(settings);
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const [name, domain] of Object.entries(settings)) {
    const key = domainKey(name.toLowerCase());
    if (key === '' || !(key.startsWith('[') || isName(key))) problems.push({ path: [name], message: `'${name}' is not a domain name` });
    else if (seen.has(key)) problems.push({ path: [name], message: `'${name}' is configured twice, the second one has no effect` });
    seen.add(key);
    const local = table.get(key);
    if (local !== undefined) problems.push(...domainProblems(name, domain, local, table, groups));
    if (problems.length >= PROBLEMS_MAX) break;
  }
  return problems.slice(0, PROBLEMS_MAX);
}

function* domainProblems(name: string, domain: DomainSettings, local: LocalDomain, table: LocalTable, groups: ReadonlySet<string> | undefined): Generator<Problem> {
  yield* doubles([name, 'mailboxes'], Object.keys(domain.mailboxes));
  yield* doubles([name, 'aliases'], Object.keys(domain.aliases));
  yield* aliasProblems(name, domain, local, table);
  if (domain.catchAll !== undefined) yield* targetProblems([name, 'catchAll'], domain.catchAll, local, table);
  if (groups === undefined) return;
  for (const field of ['fallback', 'lmtp'] as const) {
    const group = domain[field];
    if (group !== undefined && !groups.has(group)) yield { path: [name, field], message: unknownGroup(group) };
  }
  for (const [mailbox, { delivery }] of Object.entries(domain.mailboxes)) {
    if (delivery === undefined || !('lmtp' in delivery) || groups.has(delivery.lmtp)) continue;
    yield { path: [name, 'mailboxes', mailbox, 'delivery', 'lmtp'], message: unknownGroup(delivery.lmtp) };
  }
}

function* doubles(path: readonly string[], keys: readonly string[]): Generator<Problem> {
  const seen = new Set<string>();
  for (const key of keys) {
    if (!isLocalPart(key)) yield { path: [...path, key], message: `'${printable(key)}' is not the local part of an address` };
    else if (seen.has(localKey(key))) yield { path: [...path, key], message: `'${key}' exists twice (case does not count), the second one has no effect` };
    seen.add(localKey(key));
  }
}

function* aliasProblems(name: string, domain: DomainSettings, local: LocalDomain, table: LocalTable): Generator<Problem> {
  for (const [alias, value] of Object.entries(domain.aliases)) {
    const targets = typeof value === 'string' ? [value] : value;
    for (const [index, text] of targets.entries()) {
      yield* targetProblems(typeof value === 'string' ? [name, 'aliases', alias] : [name, 'aliases', alias, index], text, local, table);
    }
    const hidden = local.mailboxes.has(localKey(alias)) && !targets.some((text) => localKey(parseTarget(text, local.name)?.localPart ?? '') === localKey(alias));
    if (hidden) yield { path: [name, 'aliases', alias], message: `the mailbox '${alias}' gets no mail: the alias of the same name takes it; name '${alias}' among its targets to keep a copy` };
    const { faults } = expand({ localPart: alias, domain: local.name }, local, table, { address: undefined, lastResort: { localPart: 'postmaster', domain: local.name } });
    const circle = faults.find((fault) => fault.includes('back to itself') || fault.startsWith('more than'));
    if (circle !== undefined) yield { path: [name, 'aliases', alias], message: circle };
  }
}

function* targetProblems(path: readonly (string | number)[], text: string, local: LocalDomain, table: LocalTable): Generator<Problem> {
  if (text.trim() === '') {
    yield { path, message: 'an empty target; expected an address' };
    return;
  }
  const target = parseTarget(text, local.name);
  if (target === undefined) {
    yield { path, message: `'${printable(text)}' is not an address` };
    return;
  }
  const domain = table.get(domainKey(target.domain));
  if (domain === undefined) return;
  const { how } = expand(target, domain, table, { address: undefined, lastResort: { localPart: 'postmaster', domain: local.name } });
  if (how === 'unknown') yield { path, message: `'${text}' leads to no mailbox or alias of ${domain.name}` };
  else if (path.at(-1) === 'catchAll' && how === 'catch-all') yield { path, message: `'${text}' is itself unknown in ${domain.name}: the catch-all leads back to itself` };
}

function unknownGroup(group: string): string {
  return `there is no group '${group}' in routing.smartHosts`;
}

function isLocalPart(text: string): boolean {
  return text.length > 0 && text.length <= 64 && !/[\x00-\x1f\x7f]/.test(text);
}

function printable(text: string): string {
  return text.replaceAll(/[\x00-\x1f\x7f]/g, '?').slice(0, 100);
}
