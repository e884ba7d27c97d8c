/** Patterns of domains and addresses in policy settings: 'alice@example.test', 'example.test', '*.example.test' (below it), '*'. */
import type { Mailbox } from '../../mail/mailbox.ts';
import { domainKey } from '../../mail/mailbox.ts';

/** A set of patterns; looking up costs one step per label of the domain. */
export interface PatternTable {
  readonly size: number;
  /** The pattern that fits the domain, the most exact first. */
  matchDomain(domain: string): string | undefined;
  /** The same for a mailbox, whose whole address may be a pattern too. Addresses compare without case. */
  matchMailbox(mailbox: Mailbox): string | undefined;
}

/** Makes a table of patterns. */
export function patternTable(patterns: readonly string[]): PatternTable {
  const set = new Map<string, string>();
  for (const pattern of patterns) {
    const at = pattern.lastIndexOf('@');
    const local = at < 1 ? '' : pattern.slice(0, at + 1).toLowerCase();
    const domain = pattern.slice(at + 1).toLowerCase();
    const wild = domain.startsWith('*.') ? '*.' : '';
    const key = domain === '*' ? '*' : wild + domainKey(domain.slice(wild.length));
    set.set(local + key, pattern);
  }
  const matchDomain = (domain: string): string | undefined => {
    if (set.size === 0) return undefined;
    const key = domainKey(domain);
    const exact = set.get(key);
    if (exact !== undefined) return exact;
    for (let dot = key.indexOf('.'); dot !== -1; dot = key.indexOf('.', dot + 1)) {
      const below = set.get(`*${key.slice(dot)}`);
      if (below !== undefined) return below;
    }
    return set.get('*');
  };
  return {
    size: set.size,
    matchDomain,
    matchMailbox: ({ localPart, domain }) =>
      set.size === 0 ? undefined : (set.get(`${localPart.toLowerCase()}@${domainKey(domain)}`) ?? matchDomain(domain)),
  };
}
