import { parseIpv4, parseIpv6, printIp } from '../../base/ip.ts';

/** The canonical address of an address literal '[192.0.2.1]' or '[IPv6:2001:db8::1]' (RFC 5321 §4.1.3); undefined where the domain is none. */
export function parseLiteral(domain: string): string | undefined {
  if (!domain.startsWith('[') || !domain.endsWith(']')) return undefined;
  const text = domain.slice(1, -1).toLowerCase();
  if (text.startsWith('ipv6:')) {
    const value = parseIpv6(text.slice(5));
    return value === undefined ? undefined : printIp({ family: 6, value });
  }
  const value = parseIpv4(text);
  return value === undefined ? undefined : printIp({ family: 4, value });
}
