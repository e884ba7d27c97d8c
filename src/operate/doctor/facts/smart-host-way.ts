/** How a smart host is reached, as mail to it is. */
import { parseIp } from '../../../base/ip.ts';
import { proxyOfGroup, waysOf } from '../../../flow/routing/ways.ts';
import type { SmartHostGroup } from '../../../settings/routing.ts';
import type { ProxyTerms } from '../../../transport/port.ts';
import { withHostsFile } from '../../../transport/resolver/hosts-file.ts';
import { dialThrough } from '../../../transport/through-proxy.ts';
import type { ByteStream } from '../../../world/ports/network.ts';
import type { Parts } from '../check.ts';
import { farDialMs, outsideMax, sampleMax } from '../limits.ts';

/** One host of a group, with the first way that mail takes to it. */
export interface SmartHost {
  readonly name: string;
  readonly group: SmartHostGroup;
  readonly host: SmartHostGroup['hosts'][number];
  readonly way: ProxyTerms | 'direct';
}

/** Every host that can be tried from here. */
export function smartHostsOf(settings: Parts['settings']): readonly SmartHost[] {
  return Object.entries(settings.routing.smartHosts)
    .flatMap(([name, group]) => {
      const way = wayOf(group, settings);
      return way === undefined ? [] : group.hosts.map((host) => ({ name, group, host, way }));
    })
    .slice(0, sampleMax);
}

/** A resolver as deliveries use it: the hosts file of this host goes before the name service. */
export function connectingResolver({
  settings,
  host,
  resolver,
  clock,
}: Pick<Parts, 'settings' | 'host' | 'resolver' | 'clock'>): Parts['resolver'] {
  const { hostsFile } = settings.names;
  if (hostsFile === '') return resolver;
  const read = async (): Promise<string> => {
    const text = await host.text(hostsFile);
    return text.ok ? text.value : '';
  };
  return withHostsFile(resolver, read, clock);
}

/** The addresses of a smart host, or what the look-up said instead; none where it has none. */
export async function addressesOf(
  { host: name, way }: { readonly host: string; readonly way: SmartHost['way'] },
  resolver: Parts['resolver'],
): Promise<readonly string[] | { readonly failure: string }> {
  if ((way !== 'direct' && way.resolve === 'proxy') || parseIp(name) !== undefined || name.startsWith('/'))
    return [name];
  const answers = await Promise.all([resolver.query(name, 'A'), resolver.query(name, 'AAAA')]);
  const addresses = answers.flatMap((answer) => (answer.kind === 'records' ? answer.records : []));
  const failure = answers.find((answer) => answer.kind === 'failure');
  if (addresses.length > 0 || failure?.kind !== 'failure') return addresses;
  return { failure: failure.reason };
}

/** The first way that mail takes to a group; undefined where it cannot be tried from here. */
function wayOf(group: SmartHostGroup, { routing, gateways }: Parts['settings']): ProxyTerms | 'direct' | undefined {
  if (group.proxyHeader !== 'none') return undefined;
  const ways = waysOf(proxyOfGroup(group), routing, gateways);
  if (ways.kind !== 'ways') return undefined;
  const [way = 'direct'] = ways.ways;
  return way === 'direct' || way.kind !== 'ssh-gateway' ? way : undefined;
}

/** Connects by a way to the first address that answers, as a delivery would; throws what is wrong with the first of them. */
export async function dialAny(
  way: ProxyTerms | 'direct',
  { name, port }: { readonly name: string; readonly port: number },
  [first = '', ...others]: readonly string[],
  parts: Pick<Parts, 'network' | 'clock' | 'resolver'>,
): Promise<ByteStream> {
  const dial = (address: string): Promise<ByteStream> => dialBy(way, { name, address, port }, parts);
  try {
    return await dial(first);
  } catch (error) {
    const rest = await Promise.allSettled(others.slice(0, outsideMax - 1).map(dial));
    const [open, ...spare] = rest.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const stream of spare) stream.destroy();
    if (open === undefined) throw error;
    return open;
  }
}

async function dialBy(
  way: ProxyTerms | 'direct',
  target: { readonly name: string; readonly address: string; readonly port: number },
  { network, clock, resolver }: Pick<Parts, 'network' | 'clock' | 'resolver'>,
): Promise<ByteStream> {
  if (way === 'direct' || target.address.startsWith('/')) return network.dial({ ...target, timeoutMs: farDialMs });
  const request = { ...target, timeoutMs: farDialMs, ways: [way] };
  const end = await dialThrough(way, request, { world: { network, clock }, resolver });
  if (end.kind === 'open') return end.stream;
  throw end.kind === 'target-unreachable' ? end.error : end.fault;
}
