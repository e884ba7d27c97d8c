import { wayInWords } from '../../transport/way-words.ts';
import { cidrSet } from '../../base/cidr.ts';
import { domainKey } from '../../mail/mailbox.ts';
import type { ReversePath } from '../../mail/mailbox.ts';
import type { RoutingSettings, SmartHostGroup } from '../../settings/routing.ts';
import type { GatewaysSettings } from '../../settings/gateways.ts';
import type { GatewayWay, ProxyTerms, Way } from '../../transport/port.ts';
import type { Random } from '../../world/ports/random.ts';
import type { AddressSpace, AddressSpaces } from './address-spaces.ts';
import { byChance } from './shuffle.ts';

/** The ways of a route: proxies in the order to try them, or none; or the name of a proxy that is not known or cannot be used. */
export type Ways =
  | { readonly kind: 'ways'; readonly ways: readonly Way[] }
  | { readonly kind: 'missing'; readonly why: string };

type Proxies = RoutingSettings['proxies'];

/** Loopback, link-local and private networks (RFC 1918 §3, RFC 4193 §3.1). */
const NEAR = cidrSet([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1',
  'fc00::/7',
  'fe80::/10',
]);

/** The proxies of a group: its own; else those of all mail, except towards hosts on our side of them. */
export function proxyOfGroup(group: SmartHostGroup): RoutingSettings['proxy'] {
  const near = group.hosts.every(
    ({ host }) => host.startsWith('/') || host.toLowerCase() === 'localhost' || NEAR.has(host),
  );
  return group.proxy ?? (near ? 'direct' : undefined);
}

/** Turns the names of a route's setting into ways; what is not said there is as for all mail. */
export function waysOf(
  names: RoutingSettings['proxy'],
  settings: Pick<RoutingSettings, 'proxies' | 'proxy'>,
  gateways: GatewaysSettings = {},
): Ways {
  const chosen = names ?? settings.proxy;
  const ways: Way[] = [];
  for (const name of chosen === undefined ? [] : typeof chosen === 'string' ? [chosen] : chosen) {
    const way = name === 'direct' ? name : (gatewayOf(name, gateways) ?? termsOf(name, settings.proxies));
    // Mail must not leave by another way than the one it was meant to take.
    if (way === undefined) return { kind: 'missing', why: `there is no usable proxy '${name}' in routing.proxies` };
    ways.push(way);
  }
  return { kind: 'ways', ways: ways.every((way) => way === 'direct') ? [] : ways };
}

/** The address space that sent mail for a domain to its MX; undefined where none did. */
export function spaceOfDomain(spaces: AddressSpaces, domain: string, sender: ReversePath): AddressSpace | undefined {
  const space = spaces.find({ localPart: '', domain: domainKey(domain) }, sender);
  return space?.via === 'mx' ? space : undefined;
}

/** The ways of a route that has a name of its own to greet with: it holds, whatever way is taken. */
export function greetingWith(heloName: string | undefined, ways: readonly Way[]): readonly Way[] {
  return heloName === undefined
    ? ways
    : ways.map((way) => (way === 'direct' ? way : { ...way, greetingName: heloName }));
}

/** Whether every way lets its proxy look names up, so that nobody here has to. */
export function looksUpAtProxy(ways: readonly Way[]): boolean {
  return ways.length > 0 && ways.every((way) => way !== 'direct' && way.resolve === 'proxy');
}

/** Ways that stand beside one another with weights go together; any other alone. */
function equals(ways: readonly Way[]): readonly (readonly Way[])[] {
  const groups: Way[][] = [];
  for (const way of ways) {
    const last = groups.at(-1);
    const beside = last?.[0];
    if (last !== undefined && beside !== undefined && weightOf(way) > 0 && weightOf(beside) > 0) last.push(way);
    else groups.push([way]);
  }
  return groups;
}

function weightOf(way: Way): number {
  return way === 'direct' || way.kind === 'ssh-gateway' ? 0 : (way.weight ?? 0);
}

/** The ways in an order for one attempt: equals by chance, in proportion to their weight. */
export function waysByChance(ways: readonly Way[], random: Pick<Random, 'fraction'>): readonly Way[] {
  if (ways.length < 2) return ways;
  return equals(ways).flatMap((group) => byChance(group, weightOf, random));
}

/** The ways in words, for the reason of a route. */
export function waysInWords(ways: readonly Way[]): string {
  if (ways.length === 0) return '';
  return `, by way of ${equals(ways)
    .map((group) => group.map((way) => (way === 'direct' ? 'a direct connection' : wayInWords(way))).join(' or '))
    .join(', else ')}`;
}

function gatewayOf(name: string, gateways: GatewaysSettings): GatewayWay | undefined {
  const gateway = Object.hasOwn(gateways, name) ? gateways[name] : undefined;
  if (gateway === undefined) return undefined;
  const { heloName, resolve } = gateway;
  const named = heloName === undefined ? {} : { greetingName: heloName };
  return { name, kind: 'ssh-gateway', resolve: resolve === 'gateway' ? 'proxy' : 'here', ...named };
}

function termsOf(name: string, proxies: Proxies): ProxyTerms | undefined {
  const proxy = Object.hasOwn(proxies, name) ? proxies[name] : undefined;
  if (proxy === undefined) return undefined;
  const { kind, host, port, tls, resolve, weight, heloName } = proxy;
  const more = {
    ...(weight === undefined ? {} : { weight }),
    ...(heloName === undefined ? {} : { greetingName: heloName }),
  };
  const terms = { name, kind, host, port, tls, resolve, ...more };
  if (proxy.login === undefined) return terms;
  const { user, password, token } = proxy.login;
  if (token !== undefined) return { ...terms, login: { token } };
  return user === undefined || password === undefined ? undefined : { ...terms, login: { user, password } };
}
