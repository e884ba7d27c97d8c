/** Tables of networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3); the most specific network that holds an address wins. */

/** A network as written and as compared. */
export interface NetworkMatch {
  readonly network: string;
  readonly prefix: number;
}

interface Parsed {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(Number(part));
  }
  return value;
}

function groupsOf(text: string): string[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const last = groups[groups.length - 1] ?? '';
  if (last.includes('.')) {
    const v4 = parseV4(last);
    if (v4 === undefined) return undefined;
    groups.splice(-1, 1, (v4 >> 16n).toString(16), (v4 & 0xffffn).toString(16));
  }
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) ? groups : undefined;
}

function parseV6(text: string): bigint | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? '');
  const tail = groupsOf(halves[1] ?? '');
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<string>(Math.max(0, missing)).fill('0'), ...tail];
  return BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`);
}

/** Reads an IP address; IPv4 mapped into IPv6 counts as IPv4. */
function parseAddress(text: string): Parsed | undefined {
  if (!text.includes(':')) {
    const value = parseV4(text);
    return value === undefined ? undefined : { bits: 32, value };
  }
  const value = parseV6(text.split('%', 1)[0] ?? '');
  if (value === undefined) return undefined;
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

/** A table of networks. Looking up costs one step per prefix length in use, however many networks there are. */
export interface NetworkTable {
  readonly size: number;
  /** The most specific network that holds the address; undefined also for what is no IP address. */
  match(address: string): NetworkMatch | undefined;
  /** The entries that could not be read. */
  readonly unreadable: readonly string[];
}

/** Makes a table of networks; an address without a prefix is a network of one. */
export function networkTable(networks: readonly string[]): NetworkTable {
  const tables = new Map<string, { bits: 32 | 128; prefix: number; networks: Map<bigint, string> }>();
  const unreadable: string[] = [];
  for (const network of networks) {
    const [text = '', length] = network.split('/', 2);
    const parsed = parseAddress(text.trim());
    const prefix = length === undefined ? parsed?.bits : /^\d{1,3}$/.test(length) ? Number(length) : undefined;
    if (parsed === undefined || prefix === undefined || prefix > parsed.bits) {
      unreadable.push(network);
      continue;
    }
    const key = `${parsed.bits}/${prefix}`;
    const table = tables.get(key) ?? { bits: parsed.bits, prefix, networks: new Map<bigint, string>() };
    tables.set(key, table);
    table.networks.set(parsed.value >> BigInt(parsed.bits - prefix), network);
  }
  const ordered = [...tables.values()].sort((a, b) => b.prefix - a.prefix);
  return {
    size: networks.length - unreadable.length,
    unreadable,
    match(address) {
      if (ordered.length === 0) return undefined;
      const parsed = parseAddress(address);
      if (parsed === undefined) return undefined;
      for (const table of ordered) {
        if (table.bits !== parsed.bits) continue;
        const network = table.networks.get(parsed.value >> BigInt(table.bits - table.prefix));
        if (network !== undefined) return { network, prefix: table.prefix };
      }
      return undefined;
    },
  };
}
