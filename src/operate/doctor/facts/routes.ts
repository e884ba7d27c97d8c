/** Interfaces and routes of this host, as the kernel shows them. */
import type { Host } from '../../../world/ports/host.ts';

/** What leads out of this host in one family. */
export interface RoutesOut {
  /** Whether the table could be read. */
  readonly seen: boolean;
  readonly byDefault: boolean;
  /** Routes by way of another host. */
  readonly gateways: number;
}

const GATEWAY = 0x2;
const REJECT = 0x200;

/** Reads /proc/net/route. */
export function ipv4Routes(text: string | undefined): RoutesOut {
  if (text === undefined) return { seen: false, byDefault: false, gateways: 0 };
  const rows = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([name, , , flags]) => name !== undefined && flags !== undefined && (Number.parseInt(flags, 16) & REJECT) === 0,
    );
  return {
    seen: true,
    byDefault: rows.some(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000'),
    gateways: rows.filter(([, , , flags = '0']) => (Number.parseInt(flags, 16) & GATEWAY) !== 0).length,
  };
}

/** Reads /proc/net/ipv6_route. */
export function ipv6Routes(text: string | undefined): RoutesOut {
  if (text === undefined) return { seen: false, byDefault: false, gateways: 0 };
  const rows = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([destination, , , , , , , , flags = '0', name]) => {
      return (
        destination !== undefined && name !== undefined && name !== 'lo' && (Number.parseInt(flags, 16) & REJECT) === 0
      );
    });
  return {
    seen: true,
    byDefault: rows.some(([destination, length]) => destination === '0'.repeat(32) && length === '00'),
    gateways: rows.filter(([, , , , , , , , flags = '0']) => (Number.parseInt(flags, 16) & GATEWAY) !== 0).length,
  };
}

/** Both tables. */
export async function routesOut(host: Host): Promise<{ readonly four: RoutesOut; readonly six: RoutesOut }> {
  const [four, six] = await Promise.all([host.text('/proc/net/route'), host.text('/proc/net/ipv6_route')]);
  return { four: ipv4Routes(four.ok ? four.value : undefined), six: ipv6Routes(six.ok ? six.value : undefined) };
}

/** An interface as the kernel shows it. */
export interface Interface {
  readonly name: string;
  readonly up: boolean;
  /** Whether a cable, or what stands for one, is there. */
  readonly carrier: boolean;
  readonly mtu: number | undefined;
}

const UP = 0x1;

/** What `ip -j link` prints. */
function linksOf(json: string): readonly Interface[] | undefined {
  try {
    const links = JSON.parse(json) as readonly { ifname?: string; flags?: readonly string[]; mtu?: number }[];
    return links.map(({ ifname = '', flags = [], mtu }) => ({
      name: ifname,
      up: flags.includes('UP'),
      carrier: !flags.includes('NO-CARRIER'),
      mtu,
    }));
  } catch {
    return undefined; // a smaller ip, which knows no JSON
  }
}

/**
 * All interfaces, also those that are down; undefined where they cannot be seen. /sys comes second: in a container it may show those
 * of another network namespace.
 */
export async function interfaces(host: Host): Promise<readonly Interface[] | undefined> {
  const shown = await host.output('ip', '-j', 'link');
  const links = shown.ok ? linksOf(shown.value) : undefined;
  if (links !== undefined) return links;
  const names = await host.names('/sys/class/net');
  if (!names.ok) return undefined;
  return Promise.all(
    names.value.map(async (name) => {
      const [flags, carrier, mtu] = await Promise.all(
        ['flags', 'carrier', 'mtu'].map((fact) => host.text(`/sys/class/net/${name}/${fact}`)),
      );
      return {
        name,
        up: flags?.ok !== true || (Number.parseInt(flags.value, 16) & UP) !== 0,
        carrier: carrier?.ok !== true || carrier.value.trim() === '1',
        mtu: mtu?.ok === true ? Number(mtu.value.trim()) : undefined,
      };
    }),
  );
}

/** An interface in words: 'eth0 is down'. */
export const interfaceInWords = ({ name, up, carrier }: Interface): string =>
  `${name} ${up ? (carrier ? 'is up' : 'has no carrier (cable or peer)') : 'is down'}`;
