import { canonicalIp, parseIp } from '../../base/ip.ts';
import type { Answer, Resolver } from '../../world/ports/resolver.ts';
import { addressesPerHostMax } from './limits.ts';

/** What a host name comes to. */
export type HostAddresses =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  /** Definitely none of the families in use. */
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'failure'; readonly reason: string };

/** routing.ipVersions: the families that mail is sent over. */
export type IpVersions = 'both' | '4' | '6';

/** Looks up the addresses of a host: IPv6 and IPv4 in turn, IPv6 first. One family that fails does not spoil the other. */
export async function lookUpAddresses(resolver: Resolver, name: string, versions: IpVersions): Promise<HostAddresses> {
  const [six, four] = await Promise.all([
    versions === '4' ? undefined : resolver.query(name, 'AAAA'),
    versions === '6' ? undefined : resolver.query(name, 'A'),
  ]);
  const addresses = interleaved(valid(six), valid(four)).slice(0, addressesPerHostMax);
  if (addresses.length > 0) return { kind: 'addresses', addresses };
  for (const answer of [six, four])
    if (answer?.kind === 'failure') return { kind: 'failure', reason: `${name}: ${answer.reason}` };
  const missing = six?.kind === 'no-such-name' || four?.kind === 'no-such-name';
  return { kind: 'none', reason: missing ? `${name} does not exist` : `${name} has no address` };
}

/** Whether an address is of a family in use. */
export function isUsable(address: string, versions: IpVersions): boolean {
  return versions === 'both' || String(parseIp(address)?.family) === versions;
}

/** 0.0.0.0 and :: are no host's address, although dialling them reaches this one. */
function valid(answer: Answer<'A' | 'AAAA'> | undefined): string[] {
  if (answer?.kind !== 'records') return [];
  const addresses = new Set<string>();
  for (const text of answer.records) {
    const address = canonicalIp(text);
    if (address !== undefined && address !== '0.0.0.0' && address !== '::') addresses.add(address);
  }
  return [...addresses];
}

function interleaved(first: readonly string[], second: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i += 1)
    out.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  return out;
}
