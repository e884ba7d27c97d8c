import { canonicalIp } from '../../base/ip.ts';
import { isHostName } from '../../protocol/dns/name.ts';
import type { Random } from '../../world/ports/random.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { isUsable, lookUpAddresses } from './host-addresses.ts';
import type { HostAddresses, IpVersions } from './host-addresses.ts';
import { hostsMax } from './limits.ts';
import { parseLiteral } from './literal.ts';
import type { OwnHost } from './own-host.ts';
import type { RelayHost, Route } from './port.ts';
import { nameServiceFailed, replies } from './replies.ts';
import { byPreference, shuffled } from './shuffle.ts';

/** The hosts of a domain in the order to try them, or the end of it. */
export type Hosts =
  | { readonly kind: 'hosts'; readonly hosts: readonly RelayHost[]; readonly reason: string }
  | Extract<Route, { kind: 'deferred' | 'failed' }>;

/** What looking for hosts needs. */
export interface HostSearch {
  readonly resolver: Resolver;
  readonly random: Pick<Random, 'fraction'>;
  readonly own: OwnHost;
  readonly versions: IpVersions;
  readonly port: number;
  /** Host names stay names: a proxy looks them up. */
  readonly namesOnly: boolean;
}

interface Candidate {
  readonly name: string;
  readonly preference: number;
}

/**
 * Finds the hosts of a domain by RFC 5321 §5.1. Only definite answers fail; among several hosts those that can be resolved are used,
 * and where none can, one temporary failure makes the whole temporary. The recipient's domain is never rewritten.
 */
export async function findHosts(domain: string, search: HostSearch): Promise<Hosts> {
  if (domain.startsWith('[')) return literalHost(domain, search);
  if (!isHostName(domain))
    return { kind: 'failed', reply: replies.badDomain, reason: `'${domain}' is not a domain name` };
  const answer = await search.resolver.query(domain, 'MX');
  switch (answer.kind) {
    case 'failure':
      return deferred(`MX of ${domain}${search.namesOnly ? BY_US : ''}: ${answer.reason}`);
    case 'no-such-name':
      return { kind: 'failed', reply: replies.noSuchDomain, reason: `${domain} does not exist` };
    case 'no-data':
      return implicitHost(domain, search);
    case 'records':
      break;
  }
  const records = answer.records.map(({ preference, exchange }) => ({ preference, name: exchange }));
  if (records.length === 0) return implicitHost(domain, search);
  // RFC 7505 §3: the one record with the root as its host; among others it only means nothing.
  const named = records.filter(({ name }) => name !== '');
  if (named.length === 0)
    return { kind: 'failed', reply: replies.nullMx, reason: `${domain} has a null MX: it takes no mail` };
  return chosenHosts(domain, named, search);
}

/** A proxy knows addresses only. */
const BY_US = ' (asked from here, or by way of names.via, also where a proxy looks addresses up)';

const deferred = (reason: string): Hosts => ({ kind: 'deferred', reply: nameServiceFailed(reason), reason });

async function chosenHosts(domain: string, records: readonly Candidate[], search: HostSearch): Promise<Hosts> {
  const byName = betterThanOwn(records, ({ name }) => search.own.hasName(name));
  if (byName.length === 0)
    return loop(`this server is the best mail server of ${domain}, whose mail it neither keeps nor routes`);
  const ordered = byPreference(byName, (group) => shuffled(group, search.random)).slice(0, hostsMax);
  const found = await Promise.all(
    ordered.map(async (candidate) => ({ ...candidate, found: await addressesOf(candidate.name, search) })),
  );
  const remaining = betterThanOwn(
    found,
    ({ found: each }) => each.kind === 'addresses' && leadsHere(each.addresses, search),
  );
  if (remaining.length === 0) {
    const best = found.flatMap(({ name, found: each }) =>
      each.kind === 'addresses' && leadsHere(each.addresses, search) ? [`${name} (${each.addresses.join(', ')})`] : [],
    );
    return loop(`the best mail server of ${domain}, ${best[0]}, has an address of this server`);
  }
  const hosts: RelayHost[] = [];
  const troubles: string[] = [];
  let failure = false;
  for (const { name, found: each } of remaining) {
    if (each.kind === 'addresses') hosts.push({ name, addresses: each.addresses, port: search.port });
    else troubles.push(each.reason);
    failure ||= each.kind === 'failure';
  }
  if (hosts.length > 0) return { kind: 'hosts', hosts, reason: mxReason(domain, remaining, troubles) };
  const reason = `no mail server of ${domain} can be resolved: ${troubles.join('; ')}`;
  return failure ? deferred(reason) : { kind: 'failed', reply: replies.noAddress, reason };
}

/** RFC 5321 §5.1: our own record goes, and all of equal or worse preference. */
function betterThanOwn<T extends Candidate>(records: readonly T[], isOwn: (record: T) => boolean): readonly T[] {
  const own = records.filter(isOwn);
  if (own.length === 0) return records;
  const limit = Math.min(...own.map(({ preference }) => preference));
  return records.filter(({ preference }) => preference < limit);
}

async function addressesOf(name: string, search: HostSearch): Promise<HostAddresses> {
  if (canonicalIp(name) !== undefined)
    return { kind: 'none', reason: `the MX record names the address ${name}, where a host name belongs` };
  if (!isHostName(name))
    return {
      kind: 'none',
      reason: `the MX record names '${name.replaceAll(/[^\x21-\x7e]/g, '?')}', which is not a host name`,
    };
  // A way of saying that no mail is wanted: nobody else's localhost is this host.
  if (name === 'localhost' || name.endsWith('.localhost'))
    return { kind: 'none', reason: `the MX record names ${name}, which is no host of the domain` };
  return hostAddresses(name, search);
}

async function hostAddresses(name: string, { resolver, versions, namesOnly }: HostSearch): Promise<HostAddresses> {
  return namesOnly ? { kind: 'addresses', addresses: [name] } : lookUpAddresses(resolver, name, versions);
}

/** RFC 5321 §5.1: without MX records the domain is its own host. */
async function implicitHost(domain: string, search: HostSearch): Promise<Hosts> {
  if (search.own.hasName(domain)) return loop(`${domain} is this server, which does not keep mail for that name`);
  const found = await hostAddresses(domain, search);
  if (found.kind === 'failure') return deferred(`address of ${domain}, which has no MX: ${found.reason}`);
  if (found.kind === 'none')
    return { kind: 'failed', reply: replies.noMailServer, reason: `${domain} has no MX, and ${found.reason}` };
  if (leadsHere(found.addresses, search)) {
    return loop(`${domain} has no MX, and its address is that of this server`);
  }
  return {
    kind: 'hosts',
    hosts: [{ name: domain, addresses: found.addresses, port: search.port }],
    reason: `${domain} has no MX; its own address`,
  };
}

function literalHost(domain: string, search: HostSearch): Hosts {
  const { port, versions } = search;
  const address = parseLiteral(domain);
  if (address === undefined)
    return { kind: 'failed', reply: replies.badDomain, reason: `'${domain}' is not an address literal` };
  if (leadsHere([address], search)) return loop(`${domain} is this server, which does not keep mail for it`);
  if (!isUsable(address, versions))
    return { kind: 'failed', reply: replies.ipVersion, reason: `${domain} cannot be reached over IPv${versions}` };
  return {
    kind: 'hosts',
    hosts: [{ name: domain, addresses: [address], port }],
    reason: `the address literal ${domain}`,
  };
}

function leadsHere(addresses: readonly string[], { own, port }: HostSearch): boolean {
  return addresses.some((address) => own.isNamed(address) || own.hasAddress(address, port));
}

function loop(reason: string): Hosts {
  return { kind: 'failed', reply: replies.loop, reason };
}

function mxReason(domain: string, used: readonly Candidate[], troubles: readonly string[]): string {
  const preferences = [...new Set(used.map(({ preference }) => preference))].join(', ');
  const without = troubles.length === 0 ? '' : `; without ${troubles.join('; ')}`;
  return `MX of ${domain}, preference ${preferences}${without}`;
}
