import type { Host } from '../../../world/ports/host.ts';

/** A TCP socket that listens on this host. */
export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
  readonly inode: string;
  readonly uid: number;
}

const LISTEN = '0A';
const UNCONNECTED = '07';

function ipv4Of(hex: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.');
}

/** The kernel writes words of 32 bits in the order of the machine: little endian everywhere that Node runs. */
function ipv6Of(hex: string): string {
  const groups: number[] = [];
  for (let word = 0; word < 32; word += 8) {
    const octets = [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(word + at, word + at + 2), 16));
    groups.push((octets[0] ?? 0) * 256 + (octets[1] ?? 0), (octets[2] ?? 0) * 256 + (octets[3] ?? 0));
  }
  if (groups.every((group) => group === 0)) return '::';
  if (groups.slice(0, 7).every((group) => group === 0)) return `::${groups[7]?.toString(16)}`;
  return groups.map((group) => group.toString(16)).join(':');
}

/** An address as the kernel writes it in these tables. */
export const ipOfHex = (hex: string): string => {
  if (hex.length !== 32) return ipv4Of(hex);
  // IPv4 by way of an IPv6 socket.
  if (hex.startsWith('0000000000000000FFFF0000')) return ipv4Of(hex.slice(24));
  return ipv6Of(hex);
};

/** Reads /proc/net/tcp or tcp6: the sockets that listen; of udp or udp6 with their state those that wait for anybody. */
export function parseListening(text: string, state = LISTEN): readonly ListeningSocket[] {
  const found: ListeningSocket[] = [];
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [address = '', port = ''] = (fields[1] ?? '').split(':');
    if (fields[3] !== state) continue;
    found.push({
      address: ipOfHex(address),
      port: Number.parseInt(port, 16),
      inode: fields[9] ?? '',
      uid: Number(fields[7]),
    });
  }
  return found;
}

/** All sockets that listen; undefined where this cannot be seen. A host without IPv6 has no table of it. */
export async function listeningSockets(host: Host): Promise<readonly ListeningSocket[] | undefined> {
  const [four, six] = await Promise.all([host.text('/proc/net/tcp'), host.text('/proc/net/tcp6')]);
  if (!four.ok && !six.ok) return undefined;
  return [...parseListening(four.ok ? four.value : ''), ...parseListening(six.ok ? six.value : '')];
}

/** Connections that have this local port, with the other end; those that nobody holds any more are left out. */
export async function connectionsFrom(
  host: Host,
  port: number,
): Promise<readonly { readonly inode: string; readonly to: string }[]> {
  const texts = await Promise.all([host.text('/proc/net/tcp'), host.text('/proc/net/tcp6')]);
  const lines = texts.flatMap((text) => (text.ok ? text.value.split('\n').slice(1) : []));
  return lines.flatMap((line) => {
    const [, local = '', remote = '', state, , , , , , inode = '0'] = line.trim().split(/\s+/);
    if (state === LISTEN || inode === '0' || Number.parseInt(local.split(':')[1] ?? '', 16) !== port) return [];
    const [address = '', far = ''] = remote.split(':');
    return [{ inode, to: `${ipOfHex(address)} port ${Number.parseInt(far, 16)}` }];
  });
}

/** The UDP sockets that are not connected; undefined where this cannot be seen. */
export async function udpSockets(host: Host): Promise<readonly ListeningSocket[] | undefined> {
  const [four, six] = await Promise.all([host.text('/proc/net/udp'), host.text('/proc/net/udp6')]);
  if (!four.ok && !six.ok) return undefined;
  return [
    ...parseListening(four.ok ? four.value : '', UNCONNECTED),
    ...parseListening(six.ok ? six.value : '', UNCONNECTED),
  ];
}

/** Whether a socket stands in the way of one at the address and port. One on every IPv6 address may take IPv4 too. */
export function standsInTheWay(socket: ListeningSocket, address: string, port: number): boolean {
  if (socket.port !== port) return false;
  const wanted6 = address.includes(':');
  if (socket.address === '::') return true;
  if (socket.address.includes(':') !== wanted6) return false;
  return socket.address === address || socket.address === '0.0.0.0' || address === '0.0.0.0' || address === '::';
}
