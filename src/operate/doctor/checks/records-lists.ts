import { parseIp, reverseName } from '../../../base/ip.ts';
import { defineCheck, type Parts } from '../check.ts';
import { senders } from '../facts/senders.ts';
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

/** What Spamhaus and others answer instead of a listing (127.255.255.0/24). */
const REFUSALS: Readonly<Record<string, string>> = {
  '127.255.255.252': 'the name of the list is mistyped',
  '127.255.255.254': 'it does not answer questions by public resolvers',
  '127.255.255.255': 'it was asked too often by this resolver',
};

type Listing =
  | { readonly kind: 'not-listed' }
  | { readonly kind: 'unseen'; readonly why: string }
  | { readonly kind: 'listed'; readonly code: string; readonly why: string };

/** Asks a list about an address (RFC 5782 §2). An answer outside 127.0.0.0/8 is none of a list. */
export async function askList(resolver: Parts['resolver'], zone: string, address: string): Promise<Listing> {
  const ip = parseIp(address);
  if (ip === undefined) return { kind: 'not-listed' };
  const name = `${reverseName(ip).replace(/\.(?:in-addr|ip6)\.arpa$/, '')}.${zone}`;
  const answer = await resolver.query(name, 'A');
  if (answer.kind === 'failure') return { kind: 'unseen', why: answer.reason };
  if (answer.kind !== 'records') return { kind: 'not-listed' };
  const refused = answer.records.find((one) => one.startsWith('127.255.255.'));
  if (refused !== undefined)
    return { kind: 'unseen', why: `${REFUSALS[refused] ?? 'it refuses to answer'} (${refused})` };
  const code = answer.records.find((one) => one.startsWith('127.'));
  if (code === undefined)
    return { kind: 'unseen', why: `it answers ${answer.records[0]}, which is no answer of a list` };
  const text = await resolver.query(name, 'TXT');
  const why =
    text.kind === 'records'
      ? Buffer.concat([...(text.records[0] ?? [])])
          .toString('utf8')
          .slice(0, 200)
      : '';
  return { kind: 'listed', code, why };
}

/** Our own addresses on lists of senders. */
export const notListed = defineCheck({
  id: 'records.block-lists',
  number: 1506,
  title: 'The address that mail is sent from is on no block list',
  why: 'Many servers refuse mail from an address that a list of spam senders names.',
  needs: ['settings', 'host', 'resolver'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: 6000,
  async look(parts) {
    const found = await senders(parts);
    if ('verdict' in found) return found.verdict;
    const { resolver } = parts;
    const asked = found.addresses.flatMap(({ address, family }) =>
      LISTS.filter(({ families }) => families.includes(family)).map((list) => ({ address, list })),
    );
    const looked = await Promise.all(
      asked.map(async ({ address, list }) => {
        const listing = await askList(resolver, list.zone, address);
        // A list that names 127.0.0.1 names everybody: it has ended, or somebody rewrites its answers (RFC 5782 §5).
        const all = listing.kind === 'listed' && (await askList(resolver, list.zone, '127.0.0.1')).kind === 'listed';
        return { address, list, listing: all ? ({ kind: 'unseen', why: 'it lists everybody' } as const) : listing };
      }),
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
