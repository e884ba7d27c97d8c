/** Routes of this host that lead nowhere on purpose: blackhole, prohibit, unreachable and throw. */
import { parseIp, printIp, type IpAddress } from '../../../base/ip.ts';
import type { Host } from '../../../world/ports/host.ts';

/** A route that forbids a way. */
export interface ForbiddingRoute {
  /** 'blackhole', 'prohibit', 'unreachable', 'throw', or 'rejecting' where the kernel does not show which. */
  readonly kind: string;
  /** '203.0.113.0/24'. */
  readonly prefix: string;
  readonly length: number;
  /** The command that shows it for one address. */
  readonly shownBy: string;
  /** It is a rule, which is asked before any route. */
  readonly rule?: true;
}

interface Row {
  readonly base: IpAddress;
  readonly length: number;
  readonly metric: number;
  /** Undefined where it leads somewhere. */
  readonly forbids: string | undefined;
}

const FORBIDDING = new Set(['BLACKHOLE', 'PROHIBIT', 'UNREACHABLE', 'THROW']);
const REJECT = 0x200;
/** The kernel's own last row of IPv6, which stands for 'no route'. */
const NO_ROUTE = 0xffffffff;

/** Reads /proc/net/fib_trie; of several routes for one prefix the first is used. */
function rows4(text: string): readonly Row[] {
  const rows: Row[] = [];
  let ours = true;
  let leaf: IpAddress | undefined;
  for (const line of text.split('\n')) {
    const table = /^(\S.*):$/.exec(line)?.[1];
    // Tables of their own are for packets that a rule sends there.
    if (table !== undefined) ours = table === 'Main' || table === 'Local';
    const address = /\|-- (\S+)/.exec(line)?.[1];
    if (address !== undefined) leaf = parseIp(address);
    const found = /^\s+\/(\d+) \S+ ([A-Z]+)/.exec(line);
    if (!ours || found === null || leaf === undefined) continue;
    const kind = found[2] ?? '';
    rows.push({
      base: leaf,
      length: Number(found[1]),
      metric: rows.length,
      forbids: FORBIDDING.has(kind) ? kind.toLowerCase() : undefined,
    });
  }
  return rows;
}

/** Reads /proc/net/ipv6_route. */
function rows6(text: string): readonly Row[] {
  return text.split('\n').flatMap((line) => {
    const [to = '', length = '', , , , metric = '', , , flags = ''] = line.trim().split(/\s+/);
    const rank = Number.parseInt(metric, 16);
    if (to.length !== 32 || rank === NO_ROUTE) return [];
    const base: IpAddress = { family: 6, value: BigInt(`0x${to}`) };
    const forbids = (Number.parseInt(flags, 16) & REJECT) === 0 ? undefined : 'rejecting';
    return [{ base, length: Number.parseInt(length, 16), metric: rank, forbids }];
  });
}

function covers({ base, length }: Row, ip: IpAddress): boolean {
  const bits = base.family === 4 ? 32 : 128;
  const shift = BigInt(bits - length);
  return base.family === ip.family && BigInt(base.value) >> shift === BigInt(ip.value) >> shift;
}

/** The route that forbids the way to an address, by the texts of the kernel; undefined where the way is open or no route is known. */
export function forbiddingRoute(address: string, four: string, six: string): ForbiddingRoute | undefined {
  const ip = parseIp(address);
  if (ip === undefined) return undefined;
  let best: Row | undefined;
  for (const row of ip.family === 4 ? rows4(four) : rows6(six))
    if (covers(row, ip) && (best === undefined || row.length > best.length || isBefore(row, best))) best = row;
  if (best?.forbids === undefined) return undefined;
  const family = ip.family === 4 ? '' : ' -6';
  const { length, forbids: kind } = best;
  return { kind, prefix: `${printIp(best.base)}/${length}`, length, shownBy: `ip${family} route get ${printIp(ip)}` };
}

const isBefore = (row: Row, other: Row): boolean => row.length === other.length && row.metric < other.metric;

/** A rule that forbids packets to some addresses, whoever sends them; by what `ip rule` prints. */
export function forbiddingRule(address: string, rules: string): ForbiddingRoute | undefined {
  const ip = parseIp(address);
  for (const line of rules.split('\n')) {
    const [, to = '', kind = ''] = /^\d+:\s+from all to (\S+) .*?\b(blackhole|prohibit|unreachable)\b/.exec(line) ?? [];
    const [base, bits] = to.split('/');
    const first = parseIp(base ?? '');
    if (ip === undefined || first === undefined) continue;
    const length = Number(bits ?? (first.family === 4 ? 32 : 128));
    if (!covers({ base: first, length, metric: 0, forbids: kind }, ip)) continue;
    const family = ip.family === 4 ? '' : ' -6';
    return { kind, prefix: `${printIp(first)}/${length}`, length, shownBy: `ip${family} rule`, rule: true };
  }
  return undefined;
}

/** Looks at the routes and rules of this host once; what it answers tells of any address. */
export async function forbiddingRoutes(
  host: Pick<Host, 'text' | 'output'>,
): Promise<(address: string) => ForbiddingRoute | undefined> {
  const [four, six, rules4, rules6] = await Promise.all([
    host.text('/proc/net/fib_trie'),
    host.text('/proc/net/ipv6_route'),
    host.output('ip', 'rule'),
    host.output('ip', '-6', 'rule'),
  ]);
  const rules = [rules4, rules6].map((one) => (one.ok ? one.value : '')).join('\n');
  return (address) =>
    forbiddingRoute(address, four.ok ? four.value : '', six.ok ? six.value : '') ?? forbiddingRule(address, rules);
}

/** How such a route is taken away. */
export const takeAway = ({ kind, prefix, rule }: ForbiddingRoute): string =>
  rule === true
    ? `ip${prefix.includes(':') ? ' -6' : ''} rule del to ${prefix} ${kind} (and take it out of the network configuration)`
    : `ip${prefix.includes(':') ? ' -6' : ''} route del ${kind === 'rejecting' ? '' : `${kind} `}${prefix} (and take it out of the network configuration), or give that address a way of its own`;
