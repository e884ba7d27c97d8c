import { canonicalIp } from '../base/ip.ts';
import type { Resolver } from '../world/ports/resolver.ts';
import { PROXY_ADDRESSES_MAX } from './limits.ts';

/** The addresses of a proxy or gateway by its name, or why there are none. */
export async function addressesOf(
  host: string,
  resolver: Resolver,
): Promise<{ readonly addresses: readonly string[] } | { readonly why: string }> {
  const literal = canonicalIp(host);
  if (literal !== undefined) return { addresses: [literal] };
  const answers = await Promise.all([resolver.query(host, 'AAAA'), resolver.query(host, 'A')]);
  const addresses = answers
    .flatMap((answer) => (answer.kind === 'records' ? answer.records : []))
    .slice(0, PROXY_ADDRESSES_MAX);
  if (addresses.length > 0) return { addresses };
  for (const answer of answers)
    if (answer.kind === 'failure') return { why: `its name ${host} cannot be looked up: ${answer.reason}` };
  return { why: `its name ${host} has no address` };
}
