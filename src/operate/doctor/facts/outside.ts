/** Mail hosts outside, to see what becomes of connections to them. */
import { parseIp } from '../../../base/ip.ts';
import { errnoOf } from '../../../events/fault.ts';
import type { Network } from '../../../world/ports/network.ts';
import type { Parts } from '../check.ts';
import { bannerMs, compareDialMs, outsideMax } from '../limits.ts';
import { Dialogue } from './dialogue.ts';
import { routesOut } from './routes.ts';
import { isReservedName } from './usage.ts';
import { waitingDomains, waitingMail } from './waiting.ts';

/** A mail host of somebody else. */
export interface OutsideHost {
  readonly domain: string;
  readonly name: string;
  readonly address: string;
}

/** An address of documentation, which no host has (RFC 5737 §3). */
export const NOBODY = '203.0.113.25';

/** Domains whose mail hosts are always there, for a host whose queue is empty. */
const ALWAYS_THERE = ['gmail.com', 'outlook.com'];

type Look = Pick<Parts, 'settings' | 'host' | 'resolver' | 'service'>;

async function hostsOf(domain: string, { resolver, settings, host }: Look): Promise<readonly OutsideHost[]> {
  const answer = await resolver.query(domain, 'MX');
  const names =
    answer.kind === 'records'
      ? [...answer.records].sort((a, b) => a.preference - b.preference).map(({ exchange }) => exchange)
      : answer.kind === 'no-data'
        ? [domain]
        : [];
  const found: OutsideHost[] = [];
  for (const name of names.filter((one) => one !== '').slice(0, 1)) {
    const { ipVersions } = settings.routing;
    const routes = await routesOut(host);
    const six = ipVersions === '6' || (ipVersions === 'both' && routes.six.byDefault);
    // A host with IPv6 alone has no way to the others.
    const four = ipVersions === '4' || (ipVersions === 'both' && (!six || !routes.four.seen || routes.four.byDefault));
    const types = [...(four ? (['A'] as const) : []), ...(six ? (['AAAA'] as const) : [])];
    for (const addresses of await Promise.all(types.map((type) => resolver.query(name, type)))) {
      const address = addresses.kind === 'records' ? addresses.records[0] : undefined;
      if (address !== undefined) found.push({ domain, name, address });
    }
  }
  return found;
}

/** Hosts that mail waits for; where none waits, some that are always there. */
export async function outsideHosts(parts: Look): Promise<readonly OutsideHost[]> {
  const waiting = await waitingMail(parts);
  const domains = waitingDomains(waiting?.rows ?? [], outsideMax);
  // A network of its own does not lead to the public one.
  const some = domains.length > 0 ? domains : isReservedName(parts.settings.server.name) ? [] : ALWAYS_THERE;
  const found = await Promise.all(some.map((domain) => hostsOf(domain, parts)));
  const seen = new Set<string>();
  return found.flat().filter(({ address }) => {
    const fresh = !seen.has(address);
    seen.add(address);
    return fresh && parseIp(address) !== undefined;
  });
}

/** What became of one connection. */
export type Dialled =
  | { readonly kind: 'open'; readonly banner: string; readonly offers: readonly string[] }
  | { readonly kind: 'closed'; readonly errno: string };

type Sockets = {
  readonly network: Pick<Network, 'dial'>;
  readonly clock: Parts['clock'];
  readonly settings: Parts['settings'];
};

/** Connects and, where asked to, reads the banner and what is offered. */
export async function dialOutside(
  { network, clock, settings }: Sockets,
  where: { readonly address: string; readonly port: number },
  talk: boolean,
): Promise<Dialled> {
  const source = where.address.includes(':') ? settings.routing.source6 : settings.routing.source4;
  try {
    const stream = await network.dial({
      ...where,
      timeoutMs: compareDialMs,
      ...(source === undefined ? {} : { localAddress: source }),
    });
    try {
      if (!talk) return { kind: 'open', banner: '', offers: [] };
      const dialogue = new Dialogue(stream, clock, bannerMs);
      const banner = await dialogue.reply();
      if (typeof banner === 'string') return { kind: 'open', banner: '', offers: [] };
      const hello = await dialogue.ask(`EHLO ${settings.routing.heloName ?? settings.server.name}`);
      const offers = typeof hello === 'string' ? [] : hello.lines.map((line) => line.slice(4).toUpperCase());
      stream.write('QUIT\r\n');
      return { kind: 'open', banner: banner.lines[0] ?? '', offers };
    } finally {
      stream.destroy();
    }
  } catch (error) {
    return { kind: 'closed', errno: errnoOf(error) || 'EUNKNOWN' };
  }
}
