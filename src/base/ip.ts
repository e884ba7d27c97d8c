/**
 * An IP address as a number of its family. IPv4 mapped into IPv6 (`::ffff:192.0.2.1`) is IPv4:
 * an access list must not be passed by writing an address differently.
 */
export type IpAddress = { readonly family: 4; readonly value: number } | { readonly family: 6; readonly value: bigint };

const V4_LENGTH_MAX = 15;
const V6_LENGTH_MAX = 45;
const MAPPED_PREFIX = 0xffffn;

/** Reads an IPv4 address as exactly four decimal numbers without leading zeros ('010.1.1.1' is not one), or undefined. */
export function parseIpv4(text: string): number | undefined {
  if (text.length > V4_LENGTH_MAX) return undefined;
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

/** Reads an IPv6 address in any form of RFC 4291 §2.2, without zone, brackets or prefix length, or undefined. */
export function parseIpv6(text: string): bigint | undefined {
  if (text.length > V6_LENGTH_MAX || !text.includes(':')) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  let value = 0n;
  for (const group of [...head, ...Array.from({ length: missing }, () => 0), ...tail])
    value = (value << 16n) | BigInt(group);
  return value;
}

function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const v4 = last && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (v4 === undefined) return undefined;
    groups.push(Math.floor(v4 / 65_536), v4 % 65_536);
  }
  return groups;
}

/** Reads an IP address of either family, strictly; undefined where the text is not one. */
export function parseIp(text: string): IpAddress | undefined {
  const v4 = parseIpv4(text);
  if (v4 !== undefined) return { family: 4, value: v4 };
  const v6 = parseIpv6(text);
  if (v6 === undefined) return undefined;
  if (v6 >> 32n === MAPPED_PREFIX) return { family: 4, value: Number(v6 & 0xffff_ffffn) };
  return { family: 6, value: v6 };
}

/** Prints an address in its one canonical text (IPv6 by RFC 5952 §4). */
export function printIp(ip: IpAddress): string {
  if (ip.family === 4) return [24, 16, 8, 0].map((shift) => (ip.value >>> shift) & 255).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => Number((ip.value >> BigInt(112 - 16 * index)) & 0xffffn));
  const run = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}

/** The canonical text of an address, without a zone (`%eth0`); undefined where the text is not an address. */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(withoutZone(text));
  return ip === undefined ? undefined : printIp(ip);
}

/** The text without an IPv6 zone such as `%eth0`. */
export function withoutZone(text: string): string {
  const percent = text.indexOf('%');
  return percent === -1 ? text : text.slice(0, percent);
}

/** Whether an address leads back to its own host: 127.0.0.0/8, ::1, and the unspecified 0.0.0.0 and ::. */
export function isLoopback(ip: IpAddress): boolean {
  if (ip.family === 4) return ip.value >>> 24 === 127 || ip.value === 0;
  return ip.value <= 1n;
}

/** The name whose PTR record names an address (RFC 1035 §3.5, RFC 3596 §2.5). */
export function reverseName(ip: IpAddress): string {
  if (ip.family === 4) return `${printIp(ip).split('.').reverse().join('.')}.in-addr.arpa`;
  return `${[...ip.value.toString(16).padStart(32, '0')].reverse().join('.')}.ip6.arpa`;
}
