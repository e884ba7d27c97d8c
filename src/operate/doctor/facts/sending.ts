/** Where our mail leaves: at addresses of this host, or somewhere else. */
import { isInside } from '../../../base/address-kinds.ts';
import { canonicalIp, parseIp } from '../../../base/ip.ts';
import type { Settings } from '../../../settings/index.ts';
import type { Host } from '../../../world/ports/host.ts';

/** One address that mail is sent from. */
export interface SendingAddress {
  readonly address: string;
  readonly family: 4 | 6;
  /** How that is known: 'routing.source4', or the interface of the default route. */
  readonly how: string;
  /** It is of a private network: others see another one, which cannot be seen from here. */
  readonly inside: boolean;
}

/** Where mail leaves; `elsewhere` says where the address is that others see. */
export type Sending =
  | { readonly kind: 'here'; readonly addresses: readonly SendingAddress[] }
  | { readonly kind: 'elsewhere'; readonly because: string };

const ROUTE_REJECT = 0x200;

/** The interface of the IPv4 default route in the text of /proc/net/route: that with the lowest metric. */
export function defaultInterface4(text: string): string | undefined {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, destination, , flags = '0', , , , mask]) =>
        destination === '00000000' && mask === '00000000' && (Number.parseInt(flags, 16) & ROUTE_REJECT) === 0,
    )
    .sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0];
}

/** The same in that of /proc/net/ipv6_route. */
export function defaultInterface6(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([destination, length, , , , , , , flags = '0', name]) =>
        destination === '0'.repeat(32) &&
        length === '00' &&
        name !== 'lo' &&
        (Number.parseInt(flags, 16) & ROUTE_REJECT) === 0,
    )
    .sort((a, b) => Number.parseInt(a[5] ?? '0', 16) - Number.parseInt(b[5] ?? '0', 16))[0]?.[9];
}

function leavesElsewhere({ routing }: Pick<Settings, 'routing'>): string | undefined {
  const everything = routing.addressSpaces.find(({ match, senders }) => match === '*' && senders === undefined);
  const byMx = routing.addressSpaces.some(({ via }) => via === 'mx');
  if (everything !== undefined && everything.via !== 'mx' && !byMx)
    return everything.via === 'hold' ? 'mail for elsewhere is held' : `mail leaves by the smart host ${everything.via}`;
  const ways = [everything?.proxy ?? routing.proxy ?? 'direct'].flat();
  return ways[0] === 'direct' ? undefined : `mail leaves by ${ways[0]}`;
}

/** Finds the addresses that others see our mail come from, as far as this host knows. */
export async function sendingFrom(settings: Pick<Settings, 'routing'>, host: Host): Promise<Sending> {
  const because = leavesElsewhere(settings);
  if (because !== undefined) return { kind: 'elsewhere', because };
  const { source4, source6, ipVersions } = settings.routing;
  const [four, six] = await Promise.all([host.text('/proc/net/route'), host.text('/proc/net/ipv6_route')]);
  const found = [
    ...(ipVersions === '6' ? [] : sourceOf(host, 4, source4, four.ok ? defaultInterface4(four.value) : undefined)),
    ...(ipVersions === '4' ? [] : sourceOf(host, 6, source6, six.ok ? defaultInterface6(six.value) : undefined)),
  ];
  return { kind: 'here', addresses: found };
}

function sourceOf(
  host: Host,
  family: 4 | 6,
  configured: string | undefined,
  through: string | undefined,
): readonly SendingAddress[] {
  const own = host.addresses();
  const first =
    own.ok && through !== undefined
      ? own.value.find((one) => one.interface === through && one.family === family && !one.address.startsWith('fe80:'))
          ?.address
      : undefined;
  const address = canonicalIp(configured ?? first ?? '');
  const ip = address === undefined ? undefined : parseIp(address);
  if (address === undefined || ip === undefined) return [];
  const how = configured === undefined ? `the default route by ${through}` : `routing.source${family}`;
  return [{ address, family, how, inside: isInside(ip) }];
}
