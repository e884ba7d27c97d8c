import { defineCheck, type Parts } from '../check.ts';
import { type ForbiddingRoute, forbiddingRoutes, takeAway } from '../facts/forbidding-routes.ts';
import { isForTrying } from '../facts/usage.ts';
import { healthy, notApplicable, row, unhealthy } from '../verdict.ts';
import { dialsTheWorld } from './routes.ts';

/** Stands for everything outside: only a route for all of it says something. */
const ANYWHERE = '8.8.8.8';

/** What the service has to reach whose address needs no look-up. */
function targets({
  settings,
  nameServers,
}: Pick<Parts, 'settings' | 'nameServers'>): readonly (readonly [string, string])[] {
  const { smartHosts, proxies } = settings.routing;
  return [
    ...nameServers.servers.map(({ address }) => [`the name server ${address}`, address] as const),
    ...Object.entries(smartHosts).flatMap(([name, { hosts }]) =>
      hosts.map(({ host }) => [`${host} of routing.smartHosts.${name}`, host] as const),
    ),
    ...Object.entries(proxies).map(([name, { host }]) => [`${host} of routing.proxies.${name}`, host] as const),
  ];
}

/** A route of this host in words. */
export const routeInWords = ({ kind, prefix, rule }: ForbiddingRoute): string =>
  `the routing table of this host forbids it by the ${rule === true ? 'rule' : 'route'} '${kind} ${prefix}'`;

/** A route may lead nowhere on purpose; what must be reached then seems dead. */
export const routesOpen = defineCheck({
  id: 'host.routes',
  number: 621,
  title: 'No route of this host forbids the way to what is configured',
  why: 'A blackhole, prohibit or unreachable route ends a connection on this host, with words (EINVAL, EACCES, EHOSTUNREACH) that do not say so.',
  needs: ['settings', 'nameServers', 'host'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, nameServers, host }) {
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const table = await host.text('/proc/net/fib_trie');
    if (!table.ok) return notApplicable(`the routes of this host cannot be read (${table.errno})`);
    const forbids = await forbiddingRoutes(host);
    const found = targets({ settings, nameServers }).map(([what, address]) => ({ what, route: forbids(address) }));
    const everything = dialsTheWorld(settings) ? forbids(ANYWHERE) : undefined;
    if (everything?.length === 0) found.push({ what: 'everything outside', route: everything });
    const evidence = found.map(({ what, route }) =>
      row(`way to ${what}`, 'not forbidden', route === undefined ? 'open' : `${route.kind} route ${route.prefix}`),
    );
    const bad = found.find(({ route }) => route !== undefined);
    if (bad?.route === undefined) return healthy(evidence);
    const { what, route } = bad;
    return unhealthy(
      `The way to ${what} is closed on this host itself: its routing table has the ${route.rule === true ? 'rule' : 'route'} '${route.kind} ${route.prefix}' (${route.shownBy} shows it).`,
      { cure: takeAway(route), event: 3350 },
      evidence,
    );
  },
});
