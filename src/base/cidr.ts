import { parseIp, parseIpv6, withoutZone } from './ip.ts';
import type { IpAddress } from './ip.ts';

/** A range of addresses of one family, both ends included. */
export type Cidr =
  | { readonly family: 4; readonly first: number; readonly last: number }
  | { readonly family: 6; readonly first: bigint; readonly last: bigint };

/** A set of address ranges with membership in logarithmic time. */
export interface CidrSet {
  /** Whether the address (as text, a zone is ignored) lies in one of the ranges; text that is no address lies in none. */
  has(address: string): boolean;
  /** The same for an address already read. */
  contains(ip: IpAddress): boolean;
  /** The texts that were not ranges and are not in the set. */
  readonly invalid: readonly string[];
  readonly size: number;
}

/**
 * Reads 'address' or 'address/length', strictly: no leading zeros, and no bits beyond the prefix
 * (10.1.1.1/8 is a slip of the pen whose meaning nobody can know). Undefined where the text is not a range.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const ip = parseIp(address);
  if (ip === undefined) return undefined;
  const mapped = ip.family === 4 && parseIpv6(address) !== undefined;
  const width = ip.family === 4 && !mapped ? 32 : 128;
  let length = width;
  if (slash !== -1) {
    const digits = text.slice(slash + 1);
    if (!/^(?:0|[1-9]\d{0,2})$/.test(digits)) return undefined;
    length = Number(digits);
    if (length > width) return undefined;
  }
  if (mapped) length -= 96;
  if (length < 0) return undefined;
  if (ip.family === 4) {
    const count = 2 ** (32 - length);
    return ip.value % count === 0 ? { family: 4, first: ip.value, last: ip.value + count - 1 } : undefined;
  }
  const count = 1n << BigInt(128 - length);
  return ip.value % count === 0n ? { family: 6, first: ip.value, last: ip.value + count - 1n } : undefined;
}

/** Makes a set of ranges from their texts; what is not a range is named in `invalid` and left out. */
export function cidrSet(texts: readonly string[]): CidrSet {
  const four: { first: number; last: number }[] = [];
  const six: { first: bigint; last: bigint }[] = [];
  const invalid: string[] = [];
  for (const text of texts) {
    const range = parseCidr(text);
    if (range === undefined) invalid.push(text);
    else if (range.family === 4) four.push({ first: range.first, last: range.last });
    else six.push({ first: range.first, last: range.last });
  }
  const merged4 = merge(four);
  const merged6 = merge(six);
  const contains = (ip: IpAddress): boolean => (ip.family === 4 ? find(merged4, ip.value) : find(merged6, ip.value));
  return {
    contains,
    has(address) {
      const ip = parseIp(withoutZone(address));
      return ip !== undefined && contains(ip);
    },
    invalid,
    size: merged4.length + merged6.length,
  };
}

function merge<T extends number | bigint>(ranges: { first: T; last: T }[]): { readonly first: T; readonly last: T }[] {
  ranges.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const out: { first: T; last: T }[] = [];
  for (const range of ranges) {
    const previous = out.at(-1);
    if (previous === undefined || range.first > previous.last) out.push({ ...range });
    else if (range.last > previous.last) previous.last = range.last;
  }
  return out;
}

function find<T extends number | bigint>(
  ranges: readonly { readonly first: T; readonly last: T }[],
  value: T,
): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range === undefined) return false;
    if (value < range.first) high = middle - 1;
    else if (value > range.last) low = middle + 1;
    else return true;
  }
  return false;
}

/** Sets of networks by the lists that they are made of, for lists of settings: each is understood once. */
export function cidrSets(): (texts: readonly string[]) => CidrSet {
  const sets = new WeakMap<readonly string[], CidrSet>();
  return (texts) => {
    let set = sets.get(texts);
    if (set === undefined) {
      set = cidrSet(texts);
      sets.set(texts, set);
    }
    return set;
  };
}
