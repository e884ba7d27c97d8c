/** How a smart host is reached, as mail to it is. */
import { parseIp } from '../../../base/ip.ts';
import { proxyOfGroup, waysOf } from '../../../flow/routing/ways.ts';
import type { SmartHostGroup } from '../../../settings/routing.ts';
import type { ProxyTerms } from '../../../transport/port.ts';
import { dialThrough } from '../../../transport/through-proxy.ts';
import type { ByteStream } from '../../../world/ports/network.ts';
import type { Parts } from '../check.ts';
import { farDialMs, sampleMax } from '../limits.ts';

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

/** An address of a smart host, or what the look-up said instead. */
export async function addressOf(
  { host: name, way }: { readonly host: string; readonly way: SmartHost['way'] },
  resolver: Parts['resolver'],
): Promise<{ readonly address: string } | { readonly failure: string } | undefined> {
  if ((way !== 'direct' && way.resolve === 'proxy') || parseIp(name) !== undefined || name.startsWith('/'))
    return { address: name };
  const [four, six] = await Promise.all([resolver.query(name, 'A'), resolver.query(name, 'AAAA')]);
  for (const answer of [four, six])
    if (answer.kind === 'records' && answer.records[0] !== undefined) return { address: answer.records[0] };
  const failure = [four, six].find((answer) => answer.kind === 'failure');
  return failure?.kind === 'failure' ? { failure: failure.reason } : undefined;
}

/** The first way that mail takes to a group; undefined where it cannot be tried from here. */
function wayOf(group: SmartHostGroup, { routing, gateways }: Parts['settings']): ProxyTerms | 'direct' | undefined {
  if (group.proxyHeader !== 'none') return undefined;
  const ways = waysOf(proxyOfGroup(group), routing, gateways);
  if (ways.kind !== 'ways') return undefined;
  const [way = 'direct'] = ways.ways;
  return way === 'direct' || way.kind !== 'ssh-gateway' ? way : undefined;
}

/** Connects by a way; throws what is wrong with it. */
export async function dialBy(
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
