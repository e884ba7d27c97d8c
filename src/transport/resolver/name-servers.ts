import { canonicalIp } from '../../base/ip.ts';
import { serversMax } from './limits.ts';

/** A name server: canonical address and port. */
export interface NameServer {
  readonly address: string;
  readonly port: number;
}

const PORT = 53;

/** The canonical address; a link-local one keeps its zone ('fe80::1%eth0'): it means nothing without it. */
function addressOf(text: string): string | undefined {
  const [bare = '', zone, more] = text.split('%');
  const address = canonicalIp(bare);
  if (zone === undefined || address === undefined) return address;
  return more === undefined && /^fe[89ab]/.test(address) && /^[\w.-]{1,32}$/.test(zone)
    ? `${address}%${zone}`
    : undefined;
}

/** Reads 'address', 'address:port' or '[IPv6]:port'; undefined where it is neither. */
export function parseNameServer(text: string): NameServer | undefined {
  const match =
    /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([\d.]+)(?::(\d{1,5}))?$/.exec(text) ?? /^([^[\]]+)$/.exec(text);
  const address = addressOf(match?.[1] ?? '');
  const port = match?.[2] === undefined ? PORT : Number(match[2]);
  return address === undefined || port < 1 || port > 65_535 ? undefined : { address, port };
}

/**
 * The servers of a resolv.conf. Search lists and other options are not used: mail domains are absolute names.
 * Without any server it is the one on this machine, as resolv.conf(5) has it.
 */
export function parseResolvConf(text: string): readonly NameServer[] {
  const servers: NameServer[] = [];
  for (const line of text.split('\n')) {
    const [keyword, value] = line.trim().split(/\s+/, 2);
    if (keyword !== 'nameserver' || value === undefined) continue;
    const address = addressOf(value);
    if (address !== undefined && servers.length < serversMax) servers.push({ address, port: PORT });
  }
  return servers.length > 0 ? servers : [{ address: '127.0.0.1', port: PORT }];
}

/** Whether a resolv.conf names any server itself. */
export function namesServers(text: string): boolean {
  return /^\s*nameserver\s+\S/m.test(text);
}

/** Prints a server as the settings take it. */
export function printNameServer({ address, port }: NameServer): string {
  if (port === PORT) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
