import { askLivingList } from '../../../authentication/block-list/index.ts';
import { defineCheck } from '../check.ts';
import { senders } from '../facts/senders.ts';
import { askingMs } from '../limits.ts';
import { healthy, row, unhealthy, unknown } from '../verdict.ts';

interface BlockList {
  readonly zone: string;
  readonly families: readonly (4 | 6)[];
  readonly removal: string;
}

/** Lists that many receivers ask. */
const LISTS: readonly BlockList[] = [
  { zone: 'zen.spamhaus.org', families: [4, 6], removal: 'https://check.spamhaus.org/' },
  { zone: 'bl.spamcop.net', families: [4], removal: 'https://www.spamcop.net/bl.shtml' },
  { zone: 'psbl.surriel.com', families: [4], removal: 'https://psbl.org/' },
];

/** Our own addresses on lists of senders. */
export const notListed = defineCheck({
  id: 'records.block-lists',
  number: 1506,
  title: 'The address that mail is sent from is on no block list',
  why: 'Many servers refuse mail from an address that a list of spam senders names.',
  needs: ['settings', 'host', 'resolver'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look(parts) {
    const found = await senders(parts);
    if ('verdict' in found) return found.verdict;
    const { resolver } = parts;
    const asked = found.addresses.flatMap(({ address, family }) =>
      LISTS.filter(({ families }) => families.includes(family)).map((list) => ({ address, list })),
    );
    const looked = await Promise.all(
      asked.map(async ({ address, list }) => ({
        address,
        list,
        listing: await askLivingList(resolver, list.zone, address),
      })),
    );
    const evidence = looked.map(({ address, list, listing }) =>
      row(
        `${address} on ${list.zone}`,
        'not listed',
        listing.kind === 'listed'
          ? `listed: ${listing.code} ${listing.why}`
          : listing.kind === 'unseen'
            ? `not seen: ${listing.why}`
            : 'not listed',
      ),
    );
    for (const { address, list, listing } of looked) {
      if (listing.kind !== 'listed') continue;
      return unhealthy(
        `The address ${address}, which mail is sent from, is on the block list ${list.zone} (${listing.code}${listing.why === '' ? '' : `: ${listing.why}`}).`,
        {
          cure: `Find what was sent from it (ims queue list; other programs and hosts behind it), end that, then ask for removal at ${list.removal}; or send by a smart host`,
        },
        evidence,
      );
    }
    return looked.length > 0 && looked.every(({ listing }) => listing.kind === 'unseen')
      ? unknown('no list answers this resolver', evidence)
      : healthy(evidence);
  },
});
