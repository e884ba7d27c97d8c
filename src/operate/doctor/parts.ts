import type { Settings } from '../../settings/index.ts';
import { waysOf } from '../../flow/routing/ways.ts';
import { byProxies } from '../../transport/resolver/by-proxies.ts';
import { parseNameServer, parseResolvConf, type NameServer } from '../../transport/resolver/name-servers.ts';
import { createResolver } from '../../transport/resolver/resolver.ts';
import type { Host } from '../../world/ports/host.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { World } from '../../world/world.ts';
import type { ServiceStatus } from '../actions/context.ts';
import { askService, isUnreachable, type Unreachable } from '../control/client.ts';
import type { ActionEnd } from '../control/server.ts';
import { trustedFallbacks } from '../control/fallback.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import type { LoadedFile } from '../config/index.ts';
import type { Parts } from './check.ts';
import { runResolver } from './facts/run-resolver.ts';
import { answersKeptMs, nameServerLongestMs, nameServerMs, serviceMs, serviceOutsideMs } from './limits.ts';

/** What the running service answered, or why it did not. */
export type ServiceAnswer =
  | { readonly kind: 'running'; readonly path: string; readonly status: ServiceStatus }
  | { readonly kind: 'not-running'; readonly path: string; readonly why: string }
  /** Something is there, and does not answer as it should. */
  | { readonly kind: 'silent'; readonly path: string; readonly why: string }
  | { readonly kind: 'not-permitted'; readonly path: string };

/** The name servers that the service asks. */
export interface NameServersFound {
  readonly servers: readonly NameServer[];
  /** Whether the settings name them, or /etc/resolv.conf. */
  readonly from: 'settings' | 'resolv.conf';
  /** Whether anybody names them; else it is the one on this host that is asked. */
  readonly named: boolean;
}

const RESOLV_CONF = '/etc/resolv.conf';
const NAMED = /^\s*nameserver\s+\S/m;

/** Where the control socket and the locks are. */
export function runDirectoryOf({ server }: Pick<Settings, 'server'>): string {
  return server.run ?? `${server.data}/run`;
}

/** Finds the name servers as the service does at its start. */
export async function findNameServers(host: Host, names: Settings['names'] | undefined): Promise<NameServersFound> {
  const configured = names?.servers;
  if (configured !== undefined && configured.length > 0)
    return { servers: configured.flatMap((text) => parseNameServer(text) ?? []), from: 'settings', named: true };
  const text = await host.text(RESOLV_CONF);
  const servers = parseResolvConf(text.ok ? text.value : '');
  return { servers, from: 'resolv.conf', named: text.ok && NAMED.test(text.value) };
}

/** Asks the service, each thing at most once. */
function serviceAt(
  path: string,
  world: Pick<World, 'network' | 'clock'>,
  otherPlaces: () => Promise<readonly string[]>,
): Parts['service'] {
  const answers = new Map<string, Promise<ActionEnd | Unreachable | 'late'>>();
  const exchange = async (action: string, input: unknown): Promise<ActionEnd | Unreachable | 'late'> => {
    let end: () => void = () => undefined;
    let late = false;
    const timer = world.clock.after(action === 'outside.look' ? serviceOutsideMs : serviceMs, () => {
      late = true;
      end();
    });
    const cancel = (fn: () => void): void => {
      end = fn;
      if (late) fn();
    };
    let got = await askService({ network: world.network, path, action, input, cancel });
    // While its storage is away, the service answers at another place.
    for (const other of isUnreachable(got) && got.kind !== 'other-version' ? await otherPlaces() : []) {
      const there = await askService({ network: world.network, path: other, action, input, cancel });
      if (!isUnreachable(there)) got = there;
    }
    timer.cancel();
    return late ? 'late' : got;
  };
  const once = (action: string, input: unknown): Promise<ActionEnd | Unreachable | 'late'> => {
    const key = `${action} ${JSON.stringify(input)}`;
    const known = answers.get(key) ?? exchange(action, input);
    answers.set(key, known);
    return known;
  };
  return {
    async ask() {
      const got = await once('status', {});
      if (got === 'late') return { kind: 'silent', path, why: `it did not answer within ${serviceMs / 1000} s` };
      if (isUnreachable(got)) {
        if (got.kind === 'no-service') return { kind: 'not-running', path, why: got.why };
        if (got.kind === 'not-permitted') return { kind: 'not-permitted', path };
        return { kind: 'silent', path, why: `it is version ${got.version}, with another control protocol` };
      }
      if (!got.ok) return { kind: 'silent', path, why: got.error.message };
      return { kind: 'running', path, status: got.result as ServiceStatus };
    },
    async request(action, input) {
      const got = await once(action, input);
      return got === 'late' || isUnreachable(got) || !got.ok ? undefined : got.result;
    },
    afresh: () => serviceAt(path, world, otherPlaces),
  };
}

/** What the running service knows of itself, where the checks run inside it. */
export interface InForce {
  readonly settings: Settings;
  readonly service: Parts['service'];
}

/** The network as the service sees it: where names.via says so, name servers are behind proxies. */
function namesNetwork(
  world: Pick<World, 'network' | 'clock'>,
  settings: Settings | undefined,
  servers: readonly NameServer[],
): World['network'] {
  if (settings?.names.via === undefined) return world.network;
  const found = waysOf(settings.names.via, settings.routing);
  if (found.kind === 'missing' || found.ways.length === 0) return world.network;
  return byProxies({ world, ways: found.ways, servers, timeoutMs: nameServerLongestMs, journal: { emit() {} } });
}

/** Joins what checks look at. Without settings those that need them stay away. */
export async function makeParts(
  file: LoadedFile,
  host: Host,
  world: Pick<World, 'network' | 'disk' | 'clock' | 'random'>,
  more: { readonly socket?: string | undefined; readonly running?: InForce } = {},
): Promise<Partial<Parts>> {
  const { loaded, path } = file;
  const { socket, running } = more;
  const settings = running?.settings ?? (loaded.ok ? loaded.settings : undefined);
  const nameServers = await findNameServers(host, settings?.names);
  const network = namesNetwork(world, settings, nameServers.servers);
  const make = (): Resolver =>
    createResolver({
      world: { ...world, network },
      servers: nameServers.servers,
      settings: { timeout: nameServerLongestMs, tries: 2, cacheMax: 1000 },
      overlapMs: nameServerMs,
      keepMs: answersKeptMs,
      ...(settings?.names.zones === undefined ? {} : { zones: settings.names.zones }),
    });
  const resolver = runResolver(make);
  const configuration = { path, ok: loaded.ok, problems: loaded.ok ? loaded.warnings : loaded.problems };
  const { disk, clock, random } = world;
  const always = { configuration, host, network, disk, clock, random, nameServers, resolver };
  if (running !== undefined) return { ...always, ...running };
  const place =
    socket !== undefined
      ? { ok: true as const, path: socket }
      : settings === undefined
        ? { ok: false as const, why: 'the configuration, which says where it is, does not load' }
        : controlSocketPath(runDirectoryOf(settings));
  const service: Parts['service'] = place.ok
    ? serviceAt(place.path, world, () => trustedFallbacks(host, path))
    : { ask: async () => ({ kind: 'silent', path: '', why: place.why }), request: async () => undefined };
  return { ...always, service, ...(settings === undefined ? {} : { settings }) };
}
