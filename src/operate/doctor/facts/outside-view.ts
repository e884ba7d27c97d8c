/** Our names and our port as hosts outside see them: by a name server outside, and by connections from a proxy or gateway there. */
import { canonicalIp } from '../../../base/ip.ts';
import { parseNameServer } from '../../../transport/resolver/name-servers.ts';
import { createResolver } from '../../../transport/resolver/resolver.ts';
import type { Answer, Resolver } from '../../../world/ports/resolver.ts';
import type { World } from '../../../world/world.ts';
import type { OutsideAnswer } from '../../actions/outside.ts';
import type { Parts } from '../check.ts';
import { nameServerLongestMs, nameServerMs } from '../limits.ts';
import type { Introduction } from './introduction.ts';
import { answerInWords, recordsOf } from './published.ts';

type Look = Pick<Parts, 'settings' | 'resolver' | 'service' | 'network' | 'clock' | 'random'>;

/** Where names are looked up. */
export interface OutsideView {
  /** Whether what it says is what others see, and not maybe an inner view of a split name service. */
  readonly outside: boolean;
  readonly words: string;
  /** The hosts of a domain's MX records; the domain itself where it has none (RFC 5321 §5.1). */
  mailHosts(domain: string): Promise<readonly string[] | { readonly why: string }>;
  addresses(name: string): Promise<readonly string[] | { readonly why: string }>;
}

/** Asks the name server of the settings, by the way of the settings where there is one; else those that we always ask. */
export function outsideView(parts: Look): OutsideView {
  const { outsideResolver, outsideProbe } = parts.settings.doctor;
  if (outsideResolver === undefined) return viewOf(parts.resolver, false, 'the name servers of this host');
  if (outsideProbe === undefined) return viewOf(directly(parts, outsideResolver), true, outsideResolver);
  const there: Resolver = { query: (name, type) => askedThere(parts, outsideProbe, outsideResolver, name, type) };
  return viewOf(there, true, `${outsideResolver} by ${outsideProbe}`);
}

function directly({ network, clock, random }: Look, server: string): Resolver {
  return createResolver({
    // Of the network a resolver uses what checks have of it: dial and datagram.
    world: { network: network as World['network'], clock, random },
    servers: [parseNameServer(server)].flatMap((one) => one ?? []),
    settings: { timeout: nameServerLongestMs, tries: 2, cacheMax: 100 },
    overlapMs: nameServerMs,
  });
}

async function askedThere<T extends Parameters<Resolver['query']>[1]>(
  { service }: Look,
  way: string,
  server: string,
  name: string,
  type: T,
): Promise<Answer<T>> {
  const seen = await service.request('outside.look', { what: 'addresses', way, server, name, type });
  const answer = seen as OutsideAnswer | undefined;
  if (answer?.kind === 'addresses' && answer.records.length > 0) {
    const facts = { canonicalName: name, ttlSeconds: 0, authenticated: false };
    // The records are of the type that was asked for.
    return { kind: 'records', records: answer.records, ...facts } as unknown as Answer<T>;
  }
  if (answer?.kind === 'addresses')
    return { kind: 'no-data', canonicalName: name, authenticated: false, ttlSeconds: 0 };
  const reason = answer === undefined ? 'the service does not run, or does not answer' : whyOf(answer);
  return { kind: 'failure', reason };
}

const whyOf = (answer: OutsideAnswer): string => ('why' in answer ? answer.why : answer.kind);

function viewOf(resolver: Resolver, outside: boolean, words: string): OutsideView {
  return {
    outside,
    words,
    async mailHosts(domain) {
      const mx = await resolver.query(domain, 'MX');
      if (mx.kind === 'failure') return { why: answerInWords(mx) };
      if (mx.kind !== 'records') return [domain];
      return [...mx.records]
        .sort((one, other) => one.preference - other.preference)
        .flatMap(({ exchange }) => (exchange === '' ? [] : [exchange]));
    },
    async addresses(name) {
      const [four, six] = await Promise.all([resolver.query(name, 'A'), resolver.query(name, 'AAAA')]);
      const found = [...recordsOf(four), ...recordsOf(six)].map((one) => canonicalIp(one) ?? one);
      if (found.length > 0) return found;
      return four.kind === 'failure' ? { why: four.reason } : [];
    },
  };
}

/** Who answers at a port of ours when hosts outside connect to it. */
export type SeenOutside =
  | { readonly kind: 'ours'; readonly listener: string }
  /** It has our name, and does not prove itself: it wants no connection from there. */
  | { readonly kind: 'turned-away'; readonly banner: string }
  | { readonly kind: 'foreign'; readonly banner: string }
  | { readonly kind: 'closed'; readonly why: string }
  | { readonly kind: 'not-seen'; readonly why: string };

/** Connects from outside to a host, which may be a name that is then looked up there, and recognises ourselves. */
export async function seenFromOutside(
  { service, settings }: Pick<Look, 'service' | 'settings'>,
  way: string,
  host: string,
  introduction: Introduction,
): Promise<SeenOutside> {
  const { word } = introduction;
  const seen = (await service.request('outside.look', { what: 'greeting', way, host, port: 25, word })) as
    | OutsideAnswer
    | undefined;
  if (seen === undefined) return { kind: 'not-seen', why: 'the service did not answer in time' };
  if (seen.kind === 'closed') return { kind: 'closed', why: seen.why };
  if (seen.kind !== 'greeting') return { kind: 'not-seen', why: whyOf(seen) };
  const listener = introduction.listenerOf(seen.answer.split(' ').at(-1) ?? '');
  if (listener !== undefined) return { kind: 'ours', listener };
  const ourName = seen.banner.split(' ')[1] === settings.server.name;
  return ourName && !seen.banner.startsWith('220')
    ? { kind: 'turned-away', banner: seen.banner }
    : { kind: 'foreign', banner: seen.banner };
}
