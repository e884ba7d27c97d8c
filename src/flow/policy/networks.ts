/** Tables of networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3); the most specific network that holds an address wins. */
import { parseCidr } from '../../base/cidr.ts';
import { parseIp, withoutZone } from '../../base/ip.ts';

/** The network that holds an address, as it was written, and how many of its bits are fixed. */
export interface NetworkMatch {
  readonly network: string;
  /** Of IPv4 networks 0 to 32, of IPv6 networks 0 to 128; an address is of one family only. */
  readonly prefix: number;
}

/** A table of networks. Looking up costs one step per prefix length in use, however many networks there are. */
export interface NetworkTable {
  readonly size: number;
  /** The most specific network that holds the address; undefined also for what is no IP address. */
  match(address: string): NetworkMatch | undefined;
  /** The entries that could not be read. */
  readonly unreadable: readonly string[];
}

/** The networks of one family and prefix length, by their first address. */
interface Length {
  readonly family: 4 | 6;
  readonly prefix: number;
  readonly networks: Map<number | bigint, string>;
}

/** The first address of the network of this length that holds the address. */
function firstOf(value: number | bigint, prefix: number): number | bigint {
  if (typeof value === 'number') return value - (value % 2 ** (32 - prefix));
  return BigInt.asUintN(128, (value >> BigInt(128 - prefix)) << BigInt(128 - prefix));
}

/** Makes a table of networks; an address without a prefix is a network of one. */
export function networkTable(networks: readonly string[]): NetworkTable {
  const lengths = new Map<string, Length>();
  const unreadable: string[] = [];
  for (const network of networks) {
    const range = parseCidr(network);
    if (range === undefined) {
      unreadable.push(network);
      continue;
    }
    const { family, first } = range;
    const prefix =
      range.family === 4
        ? 32 - Math.log2(range.last - range.first + 1)
        : 129 - (range.last - range.first + 1n).toString(2).length;
    const key = `${family}/${prefix}`;
    const length = lengths.get(key) ?? { family, prefix, networks: new Map<number | bigint, string>() };
    lengths.set(key, length);
    length.networks.set(first, network);
  }
  const narrowest = [...lengths.values()].sort((a, b) => b.prefix - a.prefix);
  return {
    size: networks.length - unreadable.length,
    unreadable,
    match(address) {
      if (narrowest.length === 0) return undefined;
      const ip = parseIp(withoutZone(address));
      if (ip === undefined) return undefined;
      for (const { family, prefix, networks: known } of narrowest) {
        if (family !== ip.family) continue;
        const network = known.get(firstOf(ip.value, prefix));
        if (network !== undefined) return { network, prefix };
      }
      return undefined;
    },
  };
}
