import { findProblems } from '../../../flow/recipients/problems.ts';
import { isSelector } from '../../../protocol/dkim-signing/key.ts';
import { isDomain, splitAddress } from '../addresses.ts';
import type { Finding } from '../problem.ts';
import { doubtful, wrong, type Rule } from './rule.ts';

/** Our domains have valid names, each once. */
export const domainNames: Rule = ({ domains }) => {
  const seen = new Map<string, string>();
  return Object.keys(domains).flatMap((name) => {
    const path = ['domains', name];
    const other = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    if (other !== undefined)
      return [wrong(path, `is the same domain as '${other}': case does not matter`, { at: 'key' })];
    if (name.includes('@'))
      return [
        wrong(path, 'is an address; domains are keys here, and mailboxes are keys below mailboxes:', {
          at: 'key',
          value: name,
        }),
      ];
    return isDomain(name)
      ? []
      : [wrong(path, 'is not a domain name', { at: 'key', value: name, allowed: 'a name such as example.com' })];
  });
};

const LOCAL_PART_MAX = 64;

/** Local parts have no '@' and are told apart without case. */
export const localParts: Rule = ({ domains }) => {
  const out: Finding[] = [];
  for (const [name, domain] of Object.entries(domains)) {
    // A mailbox and an alias may share a name: `aliasesLeadSomewhere` looks at those.
    const seen = new Map<string, string>();
    const parts = [
      ...Object.keys(domain.mailboxes).map((local) => ['mailboxes', local] as const),
      ...Object.keys(domain.aliases).map((local) => ['aliases', local] as const),
    ];
    for (const [where, local] of parts) {
      const path = ['domains', name, where, local];
      const key = `${where} ${local.toLowerCase()}`;
      const other = seen.get(key);
      seen.set(key, `${where}.${local}`);
      if (local.includes('@'))
        out.push(
          wrong(path, 'must be a local part alone, without @ and domain', {
            at: 'key',
            value: local,
            ...nearestLocal(local),
          }),
        );
      else if (local === '' || /[\s\0-\x1f\x7f]/.test(local))
        out.push(wrong(path, 'is not a local part', { at: 'key', value: local }));
      else if (Buffer.byteLength(local) > LOCAL_PART_MAX)
        out.push(
          wrong(path, `is longer than ${LOCAL_PART_MAX} octets (RFC 5321 §4.5.3.1.1)`, { at: 'key', value: local }),
        );
      else if (other !== undefined)
        out.push(wrong(path, `is already declared as ${other}: case does not matter`, { at: 'key' }));
    }
  }
  return out;
};

const nearestLocal = (local: string): { nearest?: string } => {
  const nearest = local.slice(0, local.indexOf('@'));
  return nearest === '' ? {} : { nearest };
};

const TARGET = 'an address such as alice@example.com, or a local part of this domain';
const isTarget = (text: string): boolean =>
  text.includes('@') ? splitAddress(text) !== undefined : text !== '' && !/[\s<>,;:()]/.test(text);

/** Aliases and catch-alls lead to something that looks like an address, and local targets exist. */
export const aliasTargets: Rule = ({ domains }) => {
  const out: Finding[] = [];
  for (const [name, domain] of Object.entries(domains)) {
    const entries = Object.entries(domain.aliases).flatMap(([local, targets]) => {
      const path: readonly (string | number)[] = ['domains', name, 'aliases', local];
      return typeof targets === 'string'
        ? [{ path, target: targets }]
        : targets.map((target, i) => ({ path: [...path, i], target }));
    });
    if (domain.catchAll !== undefined) entries.push({ path: ['domains', name, 'catchAll'], target: domain.catchAll });
    for (const { path, target } of entries) {
      if (!isTarget(target)) out.push(wrong(path, 'is not an address', { value: target, allowed: TARGET }));
    }
  }
  return out;
};

/**
 * Aliases and catch-alls end at a mailbox, not in a circle. Mail for others is not concerned, so these are warnings.
 */
export const aliasesLeadSomewhere: Rule = ({ domains }, { broken }) =>
  // Where the schema refused a mailbox, an alias to it would seem to lead nowhere.
  (broken(['domains']) ? [] : findProblems(domains)).flatMap(({ what, path, message }) =>
    what === 'not-an-address' ? [] : [doubtful(['domains', ...path], message)],
  );

/** A password in the clear instead of its hash. */
export const passwordHashes: Rule = ({ domains }) =>
  Object.entries(domains).flatMap(([name, domain]) =>
    Object.entries(domain.mailboxes).flatMap(([local, mailbox]) => {
      const { password } = mailbox;
      if (
        password === undefined ||
        /^\$argon2(id|i|d)\$v=19\$[\w=,]{1,64}\$[\w+/]{8,128}\$[\w+/]{16,256}$/.test(password)
      )
        return [];
      const message = password.startsWith('$')
        ? 'is not a complete hash of argon2; copy the whole line that `ims password` prints'
        : 'must be a hash, not the password itself; `ims password` makes one';
      return [wrong(['domains', name, 'mailboxes', local, 'password'], message)];
    }),
  );

/** Extra sender addresses look like addresses. */
export const senderAddresses: Rule = ({ domains }) =>
  Object.entries(domains).flatMap(([name, domain]) =>
    Object.entries(domain.mailboxes).flatMap(([local, mailbox]) =>
      mailbox.maySendAs.flatMap((text, i) =>
        splitAddress(text) !== undefined
          ? []
          : [
              wrong(['domains', name, 'mailboxes', local, 'maySendAs', i], 'is not an address', {
                value: text,
                allowed: "sales@example.com or '*@example.com'",
              }),
            ],
      ),
    ),
  );

/** Selectors are names in the DNS, each once in a domain. */
export const dkimSelectors: Rule = ({ domains }) =>
  Object.entries(domains).flatMap(([name, { dkim }]) => {
    const seen = new Set<string>();
    const several = Array.isArray(dkim);
    return [dkim ?? []].flat().flatMap(({ selector }, i) => {
      const path = ['domains', name, 'dkim', ...(several ? [i] : []), 'selector'];
      if (!isSelector(selector))
        return [
          wrong(path, 'cannot be a selector', {
            value: selector,
            allowed: "letters, digits, '-' and '.', such as ims2026",
          }),
        ];
      const twice = seen.has(selector.toLowerCase());
      seen.add(selector.toLowerCase());
      return twice ? [wrong(path, 'is the selector of another key of the domain', { value: selector })] : [];
    });
  });

/** plusAddressing is one character that cannot be mistaken. */
export const plusCharacter: Rule = ({ domains }) =>
  Object.entries(domains).flatMap(([name, domain]) =>
    /^[@.\s"\w]$/.test(domain.plusAddressing)
      ? [
          wrong(['domains', name, 'plusAddressing'], 'cannot be this character', {
            value: domain.plusAddressing,
            allowed: "'+', '-', '=' or '' (off)",
          }),
        ]
      : [],
  );

/** The postmaster can be reached (RFC 5321 §4.5.1). */
export const postmasterAddress: Rule = ({ reporting, domains }) => {
  const { postmaster } = reporting;
  if (postmaster !== undefined)
    return splitAddress(postmaster) !== undefined
      ? []
      : [wrong(['reporting', 'postmaster'], 'is not an address', { value: postmaster })];
  const [name, first] = Object.entries(domains)[0] ?? [];
  if (
    name === undefined ||
    first === undefined ||
    first.lmtp !== undefined ||
    first.fallback !== undefined ||
    first.catchAll !== undefined
  )
    return [];
  const known = [...Object.keys(first.mailboxes), ...Object.keys(first.aliases)].some(
    (local) => local.toLowerCase() === 'postmaster',
  );
  return known
    ? []
    : [
        doubtful(
          ['domains', name],
          `has no postmaster, which every domain needs; add 'aliases: {postmaster: ...}' or set reporting.postmaster`,
          { at: 'key' },
        ),
      ];
};
