import { parseIp, reverseName } from '../../base/ip.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { textMax } from './limits.ts';

/** What Spamhaus and others answer instead of a listing (127.255.255.0/24). */
const REFUSALS: Readonly<Record<string, string>> = {
  '127.255.255.252': 'the name of the list is mistyped',
  '127.255.255.254': 'it does not answer questions by public resolvers',
  '127.255.255.255': 'it was asked too often by this resolver',
};

/** An address that no list may name (RFC 5782 §5). */
const NOBODY = '127.0.0.1';

/** What a list says of an address. */
export type Listing =
  | { readonly kind: 'not-listed' }
  /** No answer that counts. 'refused': the list says so itself, or lists everybody; somebody here should know. */
  | { readonly kind: 'unseen'; readonly why: string; readonly refused: boolean }
  | { readonly kind: 'listed'; readonly code: string; readonly why: string };

/** Asks a list about an address (RFC 5782 §2). An answer outside 127.0.0.0/8 is none of a list, nor is one by which it refuses to answer; `counts` says which of its codes matter. */
export async function askList(
  resolver: Pick<Resolver, 'query'>,
  zone: string,
  address: string,
  counts: (code: string) => boolean = () => true,
): Promise<Listing> {
  const ip = parseIp(address);
  if (ip === undefined) return { kind: 'not-listed' };
  const name = `${reverseName(ip).replace(/\.(?:in-addr|ip6)\.arpa$/, '')}.${zone}`;
  const answer = await resolver.query(name, 'A');
  if (answer.kind === 'failure') return { kind: 'unseen', why: answer.reason, refused: false };
  if (answer.kind !== 'records') return { kind: 'not-listed' };
  const refused = answer.records.find((one) => one.startsWith('127.255.255.'));
  if (refused !== undefined)
    return { kind: 'unseen', why: `${REFUSALS[refused] ?? 'it refuses to answer'} (${refused})`, refused: true };
  const codes = answer.records.filter((one) => one.startsWith('127.'));
  if (codes.length === 0)
    return { kind: 'unseen', why: `it answers ${answer.records[0]}, which is no answer of a list`, refused: true };
  const code = codes.find(counts);
  if (code === undefined) return { kind: 'not-listed' };
  const text = await resolver.query(name, 'TXT');
  const why =
    text.kind === 'records'
      ? Buffer.concat([...(text.records[0] ?? [])])
          .toString('utf8')
          .slice(0, textMax)
      : '';
  return { kind: 'listed', code, why };
}

/** Asks a list that may have ended: one that names 127.0.0.1 names everybody, or somebody rewrites its answers (RFC 5782 §5). */
export async function askLivingList(
  resolver: Pick<Resolver, 'query'>,
  zone: string,
  address: string,
  counts?: (code: string) => boolean,
): Promise<Listing> {
  const listing = await askList(resolver, zone, address, counts);
  if (listing.kind !== 'listed' || (await askList(resolver, zone, NOBODY)).kind !== 'listed') return listing;
  return { kind: 'unseen', why: 'it lists everybody', refused: true };
}
