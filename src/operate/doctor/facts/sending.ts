/** Where our mail leaves: at addresses of this host or a gateway, or somewhere else. */
import { isInside } from '../../../base/address-kinds.ts';
import { canonicalIp, parseIp } from '../../../base/ip.ts';
import type { Settings } from '../../../settings/index.ts';
import type { Host } from '../../../world/ports/host.ts';
import { addressOfGateway } from './helo-names.ts';

/** One address that mail is sent from. */
export interface SendingAddress {
  readonly address: string;
  readonly family: 4 | 6;
  /** How that is known: 'routing.source4', or the interface of the default route. */
  readonly how: string;
  /** It is of a private network: others see another one, which cannot be seen from here. */
  readonly inside: boolean;
  /** What mail from there greets with. */
  readonly greetingName: string;
  /** The domains of senders whose mail alone leaves there; undefined for all that have no address of their own. */
  readonly senders?: readonly string[];
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

type Space = Settings['routing']['addressSpaces'][number];
type Asked = Pick<Settings, 'routing' | 'gateways' | 'server'>;

function leavesElsewhere({ routing }: Asked, everything: Space | undefined): string | undefined {
  const byMx = routing.addressSpaces.some(({ via }) => via === 'mx');
  if (everything !== undefined && everything.via !== 'mx' && !byMx)
    return everything.via === 'hold' ? 'mail for elsewhere is held' : `mail leaves by the smart host ${everything.via}`;
  return undefined;
}

/** Finds the addresses that others see our mail come from, as far as this host knows. */
export async function sendingFrom(settings: Asked, host: Host): Promise<Sending> {
  const { addressSpaces } = settings.routing;
  const everything = addressSpaces.find(({ match, senders }) => match === '*' && senders === undefined);
  const because = leavesElsewhere(settings, everything);
  if (because !== undefined) return { kind: 'elsewhere', because };
  const [four, six] = await Promise.all([host.text('/proc/net/route'), host.text('/proc/net/ipv6_route')]);
  const through = {
    4: four.ok ? defaultInterface4(four.value) : undefined,
    6: six.ok ? defaultInterface6(six.value) : undefined,
  };
  const usual = facesOf(settings, host, through, everything?.via === 'mx' ? everything : undefined);
  if (typeof usual === 'string') return { kind: 'elsewhere', because: usual };
  const scoped = addressSpaces.flatMap((space, index): readonly SendingAddress[] => {
    const { match, senders, via, source4, source6, proxy } = space;
    const own = source4 !== undefined || source6 !== undefined || proxy !== undefined;
    if (match !== '*' || senders === undefined || via !== 'mx' || !own) return [];
    const faces = facesOf(settings, host, through, space, `routing.addressSpaces[${index}]`);
    // Those of a proxy cannot be seen from here.
    return typeof faces === 'string' ? [] : faces.map((face) => ({ ...face, senders }));
  });
  return { kind: 'here', addresses: [...usual, ...scoped] };
}

/** The addresses of mail that one rule sends, or why they cannot be seen from here. */
function facesOf(
  { routing, gateways, server }: Asked,
  host: Host,
  through: { readonly 4: string | undefined; readonly 6: string | undefined },
  space: Space | undefined,
  key = 'routing',
): readonly SendingAddress[] | string {
  const way = [space?.proxy ?? routing.proxy ?? 'direct'].flat()[0] ?? 'direct';
  const usualName = routing.heloName ?? server.name;
  if (way !== 'direct') {
    const gateway = Object.hasOwn(gateways, way) ? gateways[way] : undefined;
    const address = gateway === undefined ? undefined : addressOfGateway(gateway);
    const ip = address === undefined ? undefined : parseIp(address);
    if (address === undefined || ip === undefined) return `mail leaves by ${way}`;
    const greetingName = space?.heloName ?? gateway?.heloName ?? usualName;
    return [{ address, family: ip.family, how: `the gateway ${way}`, inside: isInside(ip), greetingName }];
  }
  const { ipVersions } = routing;
  const families = ipVersions === 'both' ? ([4, 6] as const) : ipVersions === '4' ? ([4] as const) : ([6] as const);
  const greetingName = space?.heloName ?? usualName;
  return families.flatMap((family) => {
    const own = family === 4 ? space?.source4 : space?.source6;
    const all = family === 4 ? routing.source4 : routing.source6;
    const setting = own === undefined ? `routing.source${family}` : `${key}.source${family}`;
    return sourceOf(host, family, own ?? all, through[family], setting).map((one) => ({ ...one, greetingName }));
  });
}

function sourceOf(
  host: Host,
  family: 4 | 6,
  configured: string | undefined,
  through: string | undefined,
  setting: string,
): readonly Omit<SendingAddress, 'greetingName'>[] {
  const own = host.addresses();
  const first =
    own.ok && through !== undefined
      ? own.value.find((one) => one.interface === through && one.family === family && !one.address.startsWith('fe80:'))
          ?.address
      : undefined;
  const address = canonicalIp(configured ?? first ?? '');
  const ip = address === undefined ? undefined : parseIp(address);
  if (address === undefined || ip === undefined) return [];
  const how = configured === undefined ? `the default route by ${through}` : setting;
  return [{ address, family, how, inside: isInside(ip) }];
}
