/** Name servers on this host that only forward: whose they are, and whom they ask. */
import { canonicalIp, isLoopback, parseIp } from '../../../base/ip.ts';
import type { NameServer } from '../../../transport/resolver/name-servers.ts';
import type { Host } from '../../../world/ports/host.ts';
import { forwardersMax } from '../limits.ts';
import { holdersOf, processFacts, processInWords } from './processes.ts';
import { udpSockets } from './sockets.ts';

/** One forwarder, and those that it asks, as far as its command line and usual files say. */
export interface Forwarder {
  readonly address: string;
  /** The process in words. */
  readonly process: string;
  readonly upstream: readonly string[];
}

/** The chain from a server on. `loop` is the address at which it comes back to itself. */
export interface ForwarderChain {
  readonly forwarders: readonly Forwarder[];
  readonly loop: string | undefined;
}

const FILES: readonly { readonly program: RegExp; readonly path: string; readonly line: RegExp }[] = [
  { program: /dnsmasq/, path: '/etc/dnsmasq.conf', line: /^\s*server\s*=\s*(?:\/[^/]*\/)*([\da-f.:]+)/gim },
  { program: /unbound/, path: '/etc/unbound/unbound.conf', line: /^\s*forward-addr:\s*([\da-f.:]+)/gim },
  { program: /resolve/, path: '/run/systemd/resolve/resolv.conf', line: /^\s*nameserver\s+([\da-f.:]+)/gim },
];

/** Addresses that dnsmasq is told on its command line: -S ADDR, --server=ADDR, --server=/domain/ADDR#port. */
export function serversOfCommandLine(words: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const [index, word] of words.entries()) {
    const value = word === '-S' || word === '--server' ? words[index + 1] : /^(?:--server=|-S)(.+)$/.exec(word)?.[1];
    const address = canonicalIp((value ?? '').replace(/^(?:\/[^/]*)*\//, '').replace(/[#@].*$/, ''));
    if (address !== undefined) found.push(address);
  }
  return found;
}

async function upstreamOf(host: Host, pid: number): Promise<readonly string[]> {
  const cmdline = await host.text(`/proc/${pid}/cmdline`);
  const words = cmdline.ok ? cmdline.value.split('\0') : [];
  const found = [...serversOfCommandLine(words)];
  const kind = FILES.find(({ program }) => program.test(words[0] ?? ''));
  const path = /^(?:--conf-file=|-C=?)(.+)$/.exec(words.find((word) => /^(?:--conf-file=|-C.)/.test(word)) ?? '')?.[1];
  const given = words[words.indexOf('-C') + 1];
  const file = path ?? (words.includes('-C') ? given : kind?.path);
  const text = kind === undefined || file === undefined ? undefined : await host.text(file);
  if (kind !== undefined && text?.ok === true)
    for (const [, address = ''] of text.value.matchAll(kind.line)) found.push(canonicalIp(address) ?? address);
  return [...new Set(found)];
}

async function forwarderAt(host: Host, address: string, port: number): Promise<Forwarder | undefined> {
  const sockets = (await udpSockets(host)) ?? [];
  const mine = (one: string): boolean => one === address || one === '0.0.0.0' || one === '::';
  const socket =
    sockets.find((one) => one.port === port && one.address === address) ??
    sockets.find((one) => one.port === port && mine(one.address));
  if (socket === undefined) return undefined;
  const pid = (await holdersOf(host, new Set([socket.inode]))).get(socket.inode)?.[0];
  const facts = pid === undefined ? undefined : await processFacts(host, pid);
  if (pid === undefined || facts === undefined) return undefined;
  return { address, process: processInWords(facts), upstream: await upstreamOf(host, pid) };
}

const onThisHost = (host: Host, address: string): boolean => {
  const ip = parseIp(address);
  const own = host.addresses();
  return ip !== undefined && (isLoopback(ip) || (own.ok && own.value.some((one) => one.address === address)));
};

/** Follows forwarders on this host from a server on. Empty where it is elsewhere, or cannot be seen. */
export async function forwarderChain(host: Host, server: NameServer): Promise<ForwarderChain> {
  const forwarders: Forwarder[] = [];
  const seen = new Set<string>();
  let waiting = onThisHost(host, server.address) ? [server.address] : [];
  while (waiting.length > 0 && forwarders.length < forwardersMax) {
    const [address = '', ...rest] = waiting;
    waiting = rest;
    seen.add(address);
    const forwarder = await forwarderAt(host, address, server.port);
    if (forwarder === undefined) continue;
    forwarders.push(forwarder);
    const back = forwarder.upstream.find((one) => seen.has(one));
    if (back !== undefined) return { forwarders, loop: back };
    waiting.push(...forwarder.upstream.filter((one) => onThisHost(host, one)));
  }
  return { forwarders, loop: undefined };
}

/** The chain in words: '127.0.0.1, dnsmasq (pid 7), asks 127.0.0.2'. */
export const chainInWords = ({ forwarders }: ForwarderChain): string =>
  forwarders
    .map(
      ({ address, process, upstream }) =>
        `${address}, ${process}, asks ${upstream.join(' and ') || 'nobody that can be seen'}`,
    )
    .join('; ');
