import { canonicalIp, printIp, reverseName, type IpAddress } from '../../base/ip.ts';
import { labelLengthMax, nameLengthMax } from '../../protocol/dns/limits.ts';
import type { MacroValues } from '../../protocol/spf/macro.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { hostsMax } from './limits.ts';

/** Whether a name can be asked about at all: no empty or overlong label (RFC 7208 §4.3). */
export const isAskable = (name: string): boolean =>
  name !== '' &&
  name.length <= nameLengthMax &&
  name.split('.').every((label) => label !== '' && label.length <= labelLengthMax);

/** Whether a name is that domain or one below it. */
export const isWithin = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`);

/** The names of an address that lead back to it (RFC 7208 §5.5). What fails is as if it were not there. */
export async function validatedNames(
  resolver: Pick<Resolver, 'query'>,
  ip: IpAddress,
): Promise<{ readonly names: readonly string[]; readonly empty: boolean }> {
  const answer = await resolver.query(reverseName(ip), 'PTR');
  if (answer.kind !== 'records') return { names: [], empty: answer.kind !== 'failure' };
  const names: string[] = [];
  for (const name of answer.records.slice(0, hostsMax).map((one) => one.replace(/\.$/, '').toLowerCase())) {
    if (!isAskable(name)) continue;
    const back = await resolver.query(name, ip.family === 4 ? 'A' : 'AAAA');
    if (back.kind === 'records' && back.records.some((address) => canonicalIp(address) === printIp(ip)))
      names.push(name);
  }
  return { names, empty: false };
}

/** The one name of several that %{p} stands for: of the domain, below it, any (RFC 7208 §7.3). */
export function bestName(names: readonly string[], domain: string): string {
  const wanted = domain.toLowerCase();
  return names.find((name) => name === wanted) ?? names.find((name) => isWithin(name, wanted)) ?? names[0] ?? 'unknown';
}

/** Who sends: the address, the identity that is checked, and the greeting. */
export interface SpfIdentity {
  readonly ip: IpAddress;
  /** The whole sender; a null reverse-path is postmaster at the greeting name (RFC 7208 §2.4). */
  readonly sender: string;
  readonly helo: string;
}

/** The address as %{i} has it: octets, or half octets with dots between (RFC 7208 §7.3). */
const dotted = (ip: IpAddress): string =>
  ip.family === 4 ? printIp(ip) : [...ip.value.toString(16).padStart(32, '0').toUpperCase()].join('.');

/** What the letters of macros stand for at a domain. `validated` is what %{p} is. */
export function macroValues(
  { ip, sender, helo }: SpfIdentity,
  domain: string,
  more: { readonly validated?: string; readonly receiver?: string; readonly nowS?: number } = {},
): MacroValues {
  const at = sender.lastIndexOf('@');
  const local = sender.slice(0, Math.max(0, at));
  const localPart = local === '' ? 'postmaster' : local;
  const senderDomain = sender.slice(at + 1);
  return {
    s: `${localPart}@${senderDomain}`,
    l: localPart,
    o: senderDomain,
    d: domain,
    i: dotted(ip),
    p: more.validated ?? 'unknown',
    h: helo,
    c: printIp(ip),
    r: more.receiver ?? 'unknown',
    t: String(more.nowS ?? 0),
    v: ip.family === 4 ? 'in-addr' : 'ip6',
  };
}

/** Whether two addresses agree in their first bits; those of different families never do. */
export function agrees(
  ip: IpAddress,
  with_: IpAddress,
  bits: { readonly four: number; readonly six: number },
): boolean {
  if (ip.family === 4)
    return (
      with_.family === 4 &&
      Math.floor(ip.value / 2 ** (32 - bits.four)) === Math.floor(with_.value / 2 ** (32 - bits.four))
    );
  const rest = BigInt(128 - bits.six);
  return with_.family === 6 && ip.value >> rest === with_.value >> rest;
}
