/** Name servers that this host knows of besides those in use: who told it, and whether they answer now. */
import { canonicalIp } from '../../base/ip.ts';
import { askByUdp } from '../doctor/facts/name-server.ts';
import { BEHIND_THE_STUB, resolves, ROOT } from '../doctor/facts/name-server-trouble.ts';
import { parseResolvConf, printNameServer } from '../../transport/resolver/name-servers.ts';
import { knownServersMax, knownServerMs, leasesMax } from './limits.ts';
import type { RepairParts } from './repair.ts';

/** A server, and where the host has it from. */
export interface KnownServer {
  readonly address: string;
  readonly from: string;
}

/** Files of programs that ask name servers for others. */
const RESOLV_CONFS = [
  BEHIND_THE_STUB,
  '/run/NetworkManager/no-stub-resolv.conf',
  '/run/NetworkManager/resolv.conf',
  '/run/resolvconf/resolv.conf',
];
/** Where those that asked for an address keep what they were told with it. */
const LEASES = ['/run/systemd/netif/leases', '/var/lib/NetworkManager', '/var/lib/dhcp', '/var/lib/dhclient'];
const IN_LEASE = /^(?:DNS=|\s*option (?:domain-name-servers|dhcp6\.name-servers) )([^;\n]+);?$/gm;
const NAMED = /^\s*nameserver\s+\S/m;
/** Flags of a route: it is up, and leads by way of another host. */
const UP_BY_GATEWAY = 0x3;

const listed = (text: string): readonly string[] => text.split(/[\s,]+/).flatMap((one) => canonicalIp(one) ?? []);

/** The gateways of default routes in the text of /proc/net/route. */
export function defaultGateways(table: string): readonly string[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, destination, gateway = '', flags = '0'] = line.trim().split(/\s+/);
      if (destination !== '00000000' || !/^[0-9A-F]{8}$/i.test(gateway)) return [];
      if ((Number.parseInt(flags, 16) & UP_BY_GATEWAY) !== UP_BY_GATEWAY) return [];
      // The kernel prints the octets as a number of this machine: little-endian, as on all that Node runs on.
      return [[6, 4, 2, 0].map((at) => Number.parseInt(gateway.slice(at, at + 2), 16)).join('.')];
    });
}

async function told({ parts: { host } }: Pick<RepairParts, 'parts'>): Promise<readonly KnownServer[]> {
  if (host === undefined) return [];
  const found: KnownServer[] = [];
  for (const from of RESOLV_CONFS) {
    const text = await host.text(from);
    if (!text.ok || !NAMED.test(text.value)) continue;
    found.push(...parseResolvConf(text.value).map((server) => ({ address: printNameServer(server), from })));
  }
  for (const directory of LEASES) {
    const names = await host.names(directory);
    for (const name of names.ok ? names.value.slice(0, leasesMax) : []) {
      const from = `${directory}/${name}`;
      const text = await host.text(from);
      const lines = text.ok ? [...text.value.matchAll(IN_LEASE)].map(([, list = '']) => list) : [];
      // The last lease of a file is the newest.
      found.push(...listed(lines.at(-1) ?? '').map((address) => ({ address, from })));
    }
  }
  const routes = await host.text('/proc/net/route');
  const gateways = routes.ok ? defaultGateways(routes.value) : [];
  found.push(...gateways.map((address) => ({ address, from: 'the default gateway' })));
  return found;
}

/**
 * The servers of which the host knows and that answer a question for the root now, but for those in use. Without sockets to ask by,
 * those that a program of this host asks itself.
 */
export async function otherServers(given: Pick<RepairParts, 'parts'>): Promise<readonly KnownServer[]> {
  const { nameServers, network, clock, random } = given.parts;
  const inUse = new Set(nameServers?.servers.map(printNameServer));
  const all = new Map<string, KnownServer>();
  for (const server of await told(given))
    if (!inUse.has(server.address) && !all.has(server.address)) all.set(server.address, server);
  const candidates = [...all.values()].slice(0, knownServersMax);
  if (network === undefined || clock === undefined || random === undefined)
    return candidates.filter(({ from }) => from === BEHIND_THE_STUB);
  const replies = await Promise.all(
    candidates.map(({ address }) =>
      askByUdp({ network, clock, random }, { address, port: 53 }, ROOT, 'NS', { waitMs: knownServerMs }),
    ),
  );
  return candidates.filter((_, at) => {
    const reply = replies[at];
    return reply !== undefined && resolves(reply) && reply.kind === 'response' && reply.response.rcode === 0;
  });
}
