import { canonicalIp } from '../../base/ip.ts';
import type { SmartHostGroup } from '../../settings/routing.ts';
import { domainKey } from '../../mail/mailbox.ts';
import { isUsable, lookUpAddresses } from './host-addresses.ts';
import type { HostAddresses } from './host-addresses.ts';
import { hostsMax } from './limits.ts';
import type { Hosts, HostSearch } from './mx.ts';
import type { RelayHost } from './port.ts';
import { replies } from './replies.ts';
import { byChance, byPreference } from './shuffle.ts';

/** A host of a group, its spelling understood once. */
export interface SmartHost extends Pick<SmartHostGroup['hosts'][number], 'host' | 'port' | 'preference' | 'weight'> {
  /** The name or address without brackets. */
  readonly plain: string;
  /** The address, where the host is given by its address. */
  readonly address: string | undefined;
}

/** Understands the hosts of a group. */
export function smartHosts(group: SmartHostGroup): readonly SmartHost[] {
  return group.hosts.map((given) => {
    const plain = plainHost(given.host);
    return { ...given, plain, address: canonicalIp(plain) };
  });
}

/**
 * Finds the hosts of a group: by preference, by weight within equal ones, spares last. Names are looked up for addresses, never for MX.
 * The configuration names these hosts, so a name that does not resolve defers; only when all are this server does the mail fail.
 */
export async function findSmartHosts(
  name: string,
  hostsOfGroup: readonly SmartHost[],
  search: Omit<HostSearch, 'port'>,
): Promise<Hosts> {
  const ordered = byPreference(hostsOfGroup, (equal) => byChance(equal, (host) => host.weight, search.random)).slice(
    0,
    hostsMax,
  );
  const found = await Promise.all(ordered.map(async (host) => ({ host, found: await addressesOf(host, search) })));
  const hosts: RelayHost[] = [];
  const troubles: string[] = [];
  let ourselves = 0;
  for (const { host, found: each } of found) {
    if (each.kind !== 'addresses') {
      troubles.push(each.reason);
    } else if (isOurselves(host, each.addresses, search)) {
      ourselves += 1;
      troubles.push(`${host.host} port ${host.port} is this server`);
    } else {
      hosts.push({ name: host.plain, addresses: each.addresses, port: isPath(host.host) ? 0 : host.port });
    }
  }
  const without = troubles.length === 0 ? '' : `; without ${troubles.join('; ')}`;
  if (hosts.length > 0) return { kind: 'hosts', hosts, reason: `hosts of the group '${name}'${without}` };
  const reason = `no host of the group '${name}' can be used: ${troubles.join('; ')}`;
  if (ourselves === found.length) return { kind: 'failed', reply: replies.loop, reason };
  return { kind: 'deferred', reply: replies.smartHostNames, reason };
}

async function addressesOf(
  { host, plain, address }: SmartHost,
  search: Omit<HostSearch, 'port'>,
): Promise<HostAddresses> {
  if (isPath(host)) return { kind: 'addresses', addresses: [host] };
  if (address === undefined && search.namesOnly) return { kind: 'addresses', addresses: [plain] };
  if (address === undefined) return lookUpAddresses(search.resolver, plain, search.versions);
  return isUsable(address, search.versions)
    ? { kind: 'addresses', addresses: [address] }
    : { kind: 'none', reason: `${address} cannot be reached over IPv${search.versions}` };
}

function isOurselves(
  { host, plain, port }: SmartHost,
  addresses: readonly string[],
  { own }: Omit<HostSearch, 'port'>,
): boolean {
  if (isPath(host)) return false;
  if (addresses.some((address) => own.hasAddress(address, port))) return true;
  return own.listensOn(port) && (own.hasName(plain) || addresses.some((address) => own.isNamed(address)));
}

/** The host without the brackets and the 'IPv6:' that people copy from other servers' configurations. */
function plainHost(host: string): string {
  const bare = /^\[(?:ipv6:)?(.*)\]$/i.exec(host)?.[1] ?? host;
  return isPath(bare) || bare.includes(':') ? bare : domainKey(bare.toLowerCase().replace(/\.$/, ''));
}

/** A UNIX socket. */
function isPath(host: string): boolean {
  return host.startsWith('/');
}
