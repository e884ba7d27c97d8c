import type { Journal } from '../../events/journal.ts';
import { domainKey } from '../../mail/mailbox.ts';
import { waysOf } from '../../flow/routing/ways.ts';
import { byProxies } from '../../transport/resolver/by-proxies.ts';
import type { ProxyHealth } from '../../transport/proxy-health.ts';
import { withHostsFile } from '../../transport/resolver/hosts-file.ts';
import { parseNameServer, type NameServer } from '../../transport/resolver/name-servers.ts';
import { followResolvConf } from '../../transport/resolver/resolv-conf.ts';
import { createResolver, type StubResolver } from '../../transport/resolver/resolver.ts';
import type { Timer } from '../../world/ports/clock.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { World } from '../../world/world.ts';
import type { Briefing } from '../messages.ts';
import type { Tally } from './tally.ts';

/** The name service of one configuration. */
export interface Names {
  /** What is said of senders and clients: the name service alone. */
  readonly asked: Resolver;
  /** For hosts to connect to: the hosts file goes before it. */
  readonly connecting: Resolver;
  /** Another configuration takes its place. */
  replaced(): void;
  close(): void;
}

/** What the name service of a configuration needs. */
export interface NamesParts {
  readonly world: Pick<World, 'network' | 'clock' | 'random' | 'disk'>;
  readonly journal: Journal;
  readonly proxies: ProxyHealth;
  readonly tally: Pick<Tally, 'resolver' | 'asked' | 'dialled'>;
  /** Names can be looked up that could not: mail that waits for one may go. */
  readonly goOn: () => void;
}

/** First and longest wait until name servers that are all silent are tried again, whether mail asks or not. */
const PROBE_MS = 5_000;
const PROBE_MS_MAX = 60_000;
/** Servers that come and go let mail go on at most so often. */
const GO_ON_MS = 60_000;

/** Makes it. While no server answers it asks again by itself, and lets mail go on once one does. */
export function openNames({ settings, nameServers }: Briefing, parts: NamesParts): Names {
  const { world, journal, tally, goOn, proxies: health } = parts;
  const { server, domains, names, routing } = settings;
  const { hostsFile, zones } = names;
  let probe: Timer | undefined;
  let release: Timer | undefined;
  let wentOnAtMs = Number.NEGATIVE_INFINITY;
  const again = (ms: number): void => {
    probe?.cancel();
    probe = world.clock.after(ms, () => {
      void asked.query(server.name, 'A');
      again(Math.min(ms * 2, PROBE_MS_MAX));
    });
  };
  const letGo = (): void => {
    const now = world.clock.now();
    if (now - wentOnAtMs < GO_ON_MS) {
      release ??= world.clock.after(wentOnAtMs + GO_ON_MS - now, letGo);
      return;
    }
    release?.cancel();
    release = undefined;
    wentOnAtMs = now;
    goOn();
  };
  const calm = (): void => {
    probe?.cancel();
    probe = undefined;
  };
  const heard: Journal = {
    emit(name, data) {
      journal.emit(name, data);
      if (name === 'names.unavailable') again(PROBE_MS);
      if (name !== 'names.available' && name !== 'names.server-dropped') return;
      calm();
      letGo();
    },
  };
  const found = names.via === undefined ? undefined : waysOf(names.via, routing);
  const networkTo = (servers: readonly NameServer[]): World['network'] =>
    found?.kind !== 'ways' || found.ways.length === 0
      ? world.network
      : byProxies({
          world,
          ways: found.ways,
          servers,
          timeoutMs: names.timeout,
          journal,
          health,
          dialled: tally.dialled,
        });
  const make = (servers: readonly NameServer[]): StubResolver =>
    createResolver({
      world: { ...world, network: networkTo(servers) },
      servers,
      settings: names,
      ...(zones === undefined ? {} : { zones }),
      doubting: { own: [server.name, ...Object.keys(domains)].map((name) => domainKey(name.toLowerCase())) },
      journal: heard,
      asked: tally.asked,
    });
  const text = async (path: string): Promise<string> => (await world.disk.readFile(path)).toString('latin1');
  const first = nameServers.flatMap((one) => parseNameServer(one) ?? []);
  const stub =
    names.servers === undefined
      ? followResolvConf({ first, make, read: () => text('/etc/resolv.conf'), clock: world.clock })
      : make(first);
  const asked = tally.resolver(stub);
  const connecting = hostsFile === '' ? asked : withHostsFile(asked, () => text(hostsFile), world.clock);
  return {
    asked,
    connecting,
    replaced() {
      wentOnAtMs = Number.NEGATIVE_INFINITY;
      stub.replaced();
      calm();
    },
    close() {
      calm();
      release?.cancel();
    },
  };
}
