import type { Clock } from '../../world/ports/clock.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { resolvConfLookMs } from './limits.ts';
import { namesServers, parseResolvConf, printNameServer, type NameServer } from './name-servers.ts';
import type { StubResolver } from './resolver.ts';

/** What following needs. */
export interface FollowingOptions {
  /** The servers that the file named when it was read last. */
  readonly first: readonly NameServer[];
  readonly make: (servers: readonly NameServer[]) => StubResolver;
  /** The text of the file as it is now. */
  readonly read: () => Promise<string>;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * A resolver that asks the servers which resolv.conf names now: a lease of DHCP or another network brings others, and at the start of a
 * host there may be none yet. It looks again while names are asked for, every few seconds; a file that names none, or cannot be
 * read, changes nothing.
 */
export function followResolvConf({ first, make, read, clock }: FollowingOptions): StubResolver {
  let servers = list(first);
  let inner = make(first);
  let nextLookMs = clock.now() + resolvConfLookMs;
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    const text = await read().catch(() => '');
    const now = parseResolvConf(text);
    looking = undefined;
    if (!namesServers(text) || list(now) === servers) return;
    servers = list(now);
    const before = inner;
    inner = make(now);
    before.replaced();
  };
  const query: Resolver['query'] = async (name, type) => {
    const now = clock.now();
    if (now >= nextLookMs) {
      nextLookMs = now + resolvConfLookMs;
      looking = look();
    }
    if (looking !== undefined) await looking;
    return inner.query(name, type);
  };
  return { query, replaced: () => inner.replaced() };
}

const list = (servers: readonly NameServer[]): string => servers.map(printNameServer).join(' ');
