import { domainKey } from '../../mail/mailbox.ts';
import type { DomainSettings, RecipientsSettings } from '../../settings/recipients.ts';
import { expand } from './expansion.ts';
import type { LocalDomain, LocalTable } from './local-table.ts';
import { localKey, makeLocalTable, parseTarget } from './local-table.ts';

/** A fault of the configuration with its place below `domains`. The rest of the configuration works without it. */
export interface Problem {
  readonly what: 'not-an-address' | 'unknown' | 'circle' | 'hidden';
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Faults named at most; a table that is wrong throughout needs no longer list. */
const PROBLEMS_MAX = 1000;

/** Finds what no schema can: aliases and catch-alls that lead nowhere or in a circle, mailboxes that an alias hides. Pure. */
export function findProblems(settings: RecipientsSettings): readonly Problem[] {
  const table = makeLocalTable(settings);
  const problems: Problem[] = [];
  for (const [name, domain] of Object.entries(settings)) {
    const local = table.get(domainKey(name.toLowerCase()));
    if (local === undefined || local.settings !== domain) continue;
    problems.push(...aliasProblems(name, domain, local, table));
    if (domain.catchAll !== undefined)
      problems.push(...targetProblems([name, 'catchAll'], domain.catchAll, local, table));
    if (problems.length >= PROBLEMS_MAX) break;
  }
  return problems.slice(0, PROBLEMS_MAX);
}

function* aliasProblems(
  name: string,
  domain: DomainSettings,
  local: LocalDomain,
  table: LocalTable,
): Generator<Problem> {
  for (const [alias, value] of Object.entries(domain.aliases)) {
    const targets = typeof value === 'string' ? [value] : value;
    for (const [index, text] of targets.entries()) {
      yield* targetProblems(
        typeof value === 'string' ? [name, 'aliases', alias] : [name, 'aliases', alias, index],
        text,
        local,
        table,
      );
    }
    const hidden =
      local.mailboxes.has(localKey(alias)) &&
      !targets.some((text) => localKey(parseTarget(text, local.name)?.localPart ?? '') === localKey(alias));
    if (hidden)
      yield {
        what: 'hidden',
        path: [name, 'aliases', alias],
        message: `hides the mailbox of the same name, which gets no mail; name '${alias}' among the targets to keep a copy there`,
      };
    const { faults } = expand({ localPart: alias, domain: local.name }, local, table, {
      address: undefined,
      lastResort: { localPart: 'postmaster', domain: local.name },
    });
    const circle = faults.find((fault) => fault.includes('back to itself') || fault.startsWith('more than'));
    if (circle !== undefined) yield { what: 'circle', path: [name, 'aliases', alias], message: circle };
  }
}

function* targetProblems(
  path: readonly (string | number)[],
  text: string,
  local: LocalDomain,
  table: LocalTable,
): Generator<Problem> {
  if (text.trim() === '') {
    yield { what: 'not-an-address', path, message: 'is empty' };
    return;
  }
  const target = parseTarget(text, local.name);
  if (target === undefined) {
    yield { what: 'not-an-address', path, message: `'${printable(text)}' is not an address` };
    return;
  }
  const domain = table.get(domainKey(target.domain));
  if (domain === undefined) return;
  const { how } = expand(target, domain, table, {
    address: undefined,
    lastResort: { localPart: 'postmaster', domain: local.name },
  });
  if (how === 'unknown') yield { what: 'unknown', path, message: `leads to no mailbox or alias of ${domain.name}` };
  else if (path.at(-1) === 'catchAll' && how === 'catch-all')
    yield { what: 'circle', path, message: `is itself unknown in ${domain.name}: the catch-all leads back to itself` };
}

function printable(text: string): string {
  return text.replaceAll(/[\x00-\x1f\x7f]/g, '?').slice(0, 100);
}
