import { domainToASCII } from 'node:url';
import { parseCidr } from '../../base/cidr.ts';

/** Whether a text is an IPv4 address in dotted form, without leading zeros. */
export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

/** Whether a text is an IPv6 address (RFC 4291 §2.2), without a zone. */
export function isIpv6(text: string): boolean {
  if (text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const mapped = last?.includes('.') === true;
  if (mapped && !isIpv4(last ?? '')) return false;
  const words = mapped ? groups.slice(0, -1) : groups;
  if (!words.every((word) => /^[0-9a-fA-F]{1,4}$/.test(word))) return false;
  const count = words.length + (mapped ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

/** Whether a text is an IP address. */
export const isIp = (text: string): boolean => isIpv4(text) || isIpv6(text);

/** Whether a text is an IP address or a network such as 192.0.2.0/24, as the rooms read it: without bits beyond the prefix. */
export const isNetwork = (text: string): boolean => parseCidr(text) !== undefined;

/** Whether a text is a domain name (RFC 1123 §2.1), also one with letters beyond ASCII. */
export function isDomain(text: string): boolean {
  const ascii = /^[\x21-\x7e]*$/.test(text) ? text : domainToASCII(text);
  if (ascii === '' || ascii.length > 253) return false;
  return ascii.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label));
}

/** Whether a text is a domain, '*.domain' or '*'. */
export function isDomainPattern(text: string): boolean {
  return text === '*' || isDomain(text.startsWith('*.') ? text.slice(2) : text);
}

/** The two halves of an address; undefined where it is none. Quoted local parts are taken as they are. */
export function splitAddress(text: string): { readonly local: string; readonly domain: string } | undefined {
  const at = text.lastIndexOf('@');
  if (at < 1 || text.length > 320) return undefined;
  const local = text.slice(0, at);
  const domain = text.slice(at + 1);
  const literal = domain.startsWith('[') && domain.endsWith(']');
  if (/[\s<>,;:()]/.test(local) && !local.startsWith('"')) return undefined;
  return literal || isDomain(domain) ? { local, domain } : undefined;
}
