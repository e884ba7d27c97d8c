import { defineCheck, type Parts } from '../check.ts';
import {
  layerOf,
  layerTargets,
  mappedLayers,
  processPreload,
  systemPreload,
  type Preloaded,
} from '../facts/preload.ts';
import { listeningSockets } from '../facts/sockets.ts';
import { supervisorOf, workersOf } from '../facts/service-identity.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

const TWIN = 'ims kb behind-a-proxy-2001';

/** All processes of the service that are known, or this one. */
async function lookedAt({ service }: Pick<Parts, 'service'>): Promise<readonly (number | 'self')[]> {
  const answer = await service.ask();
  if (answer.kind !== 'running') return ['self'];
  return answer.status.processes.flatMap(({ pid }) => pid ?? []);
}

interface Layer {
  readonly library: string;
  readonly where: string;
  readonly files: readonly string[];
  readonly what: string;
}

function layersIn(preloaded: readonly Preloaded[], where: string): readonly Layer[] {
  return preloaded.flatMap(({ library, path, layer }) =>
    layer === undefined || path === undefined
      ? []
      : [{ library, where, files: layer.files, what: `${layer.name}, which ${layer.diverts}` }],
  );
}

/** A layer between us and the sockets of the system. */
export const noInterposer = defineCheck({
  id: 'host.no-interposer',
  number: 604,
  title: 'Nothing stands between the service and its sockets',
  why: 'Layers such as proxychains or socksify divert connects, and some also binds and look-ups: listeners seem bound and are not, and mail stores on this host seem gone.',
  needs: ['host', 'service'],
  after: [],
  cost: 'host',
  async look({ host, service }) {
    const system = await systemPreload(host);
    const layers: Layer[] = [...layersIn(system, '/etc/ld.so.preload')];
    const evidence: Evidence[] = system.map(({ library, path }) =>
      row(
        '/etc/ld.so.preload',
        'no library that takes over sockets',
        path === undefined ? `${library}: does not exist` : library,
      ),
    );
    for (const pid of await lookedAt({ service })) {
      const own = (await processPreload(host, pid)) ?? [];
      if (own.length > 0)
        evidence.push(
          row(
            `LD_PRELOAD of ${pid === 'self' ? 'this process' : `process ${pid}`}`,
            'not set',
            own.map(({ library }) => library).join(' '),
          ),
        );
      layers.push(...layersIn(own, 'LD_PRELOAD'));
      for (const library of (await mappedLayers(host, pid)) ?? []) {
        const layer = layerOf(library);
        if (layer === undefined) continue;
        evidence.push(row(`libraries of process ${pid}`, 'none that takes over sockets', library));
        layers.push({
          library,
          where: `process ${pid}`,
          files: layer.files,
          what: `${layer.name}, which ${layer.diverts}`,
        });
      }
    }
    const first = layers[0];
    if (first === undefined) return healthy(evidence);
    const target = await layerTargets(host, first.files);
    const wheres = [...new Set(layers.map(({ where }) => where))].slice(0, 3).join(', ');
    const inFile = layers.some(({ where }) => where === '/etc/ld.so.preload');
    const exempt =
      first.files[0] === undefined
        ? ''
        : ` or, where it must stay for others, exempt what is near (localnet in ${first.files[0]}),`;
    return unhealthy(
      `A layer takes over the sockets of this service: ${first.library} (${wheres}) is ${first.what}${target === undefined ? '' : ` (${target})`}. Listeners may not be bound here, and hosts that seem down may be up.`,
      {
        cure: `${inFile ? `Take ${first.library} out of /etc/ld.so.preload` : `Start without it (env -u LD_PRELOAD ims run, or take LD_PRELOAD or socksify/proxychains out of the unit)`},${exempt} restart, and give the proxy to the service itself: routing.proxies and routing.proxy (${TWIN})`,
      },
      [...evidence, ...(target === undefined ? [] : [row('it diverts to', 'nothing', target)])],
    );
  },
});

/** The leftover of a program that was removed. */
export const preloadThere = defineCheck({
  id: 'host.preload-present',
  number: 613,
  title: '/etc/ld.so.preload and LD_PRELOAD name only libraries that are there',
  why: 'A line for a library that is gone makes the loader print an error at the start of every program of this host.',
  needs: ['host', 'service'],
  after: [],
  cost: 'host',
  async look({ host, service }) {
    const pid = (await supervisorOf({ host, service })) ?? 'self';
    const places = [
      { where: '/etc/ld.so.preload', all: await systemPreload(host) },
      { where: 'LD_PRELOAD', all: (await processPreload(host, pid)) ?? [] },
    ];
    const evidence = places.flatMap(({ where, all }) =>
      all.map(({ library, path, junk }) =>
        row(
          where,
          'a library that is there',
          path === undefined ? `${library}: not there` : junk === undefined ? path : `${library}: ${junk}`,
        ),
      ),
    );
    if (evidence.length === 0) return notApplicable('nothing is preloaded');
    for (const { where, all } of places) {
      const bad = all.find(({ path, junk }) => path === undefined || junk !== undefined);
      if (bad === undefined) continue;
      const file = where.startsWith('/');
      const inFile = all.length === 1 ? `rm ${where}` : `sed -i '\\|${bad.library}|d' ${where}`;
      return unhealthy(
        `${where}${file ? '' : pid === 'self' ? ' of this shell' : ' of the service'} names ${bad.library}, which ${bad.path === undefined ? 'does not exist' : `is ${bad.junk}`}: the loader ignores it and prints an error at every start of a program; a client that was removed has left the line.`,
        {
          cure: file
            ? inFile
            : 'Take it out of LD_PRELOAD where that is set (unset LD_PRELOAD; Environment= of the unit), and start the service again',
        },
        evidence,
      );
    }
    return healthy(evidence);
  },
});

/** What the service believes to be bound, the system must know. */
export const reallyBound = defineCheck({
  id: 'listeners.really-bound',
  number: 407,
  title: 'The system knows every listener that the service believes to be bound',
  why: 'A layer that takes over bind() answers "done" and binds elsewhere, on a proxy: no connection arrives here.',
  needs: ['host', 'service'],
  after: ['service.answers', 'host.no-interposer'],
  cost: 'host',
  async look({ host, service }) {
    const answer = await service.ask();
    if (answer.kind !== 'running') return unknown('the service does not answer');
    const sockets = await listeningSockets(host);
    if (sockets === undefined) return unknown('/proc/net/tcp cannot be read');
    const bound = answer.status.listeners.filter(
      ({ state, address }) => state === 'listening' && !address.startsWith('/'),
    );
    if (bound.length === 0) return notApplicable('no TCP listener is bound');
    const missing = bound.filter(({ port }) => !sockets.some((socket) => socket.port === port));
    const evidence = bound.map((one) =>
      row(
        `${one.name} on port ${one.port}`,
        'in the table of the system',
        missing.includes(one) ? 'not there' : 'there',
      ),
    );
    const first = missing[0];
    if (first === undefined) return healthy(evidence);
    // Another network namespace than that of the service sees other sockets.
    const [mine, theirs] = await Promise.all([
      host.link('/proc/self/ns/net'),
      host.link(`/proc/${(await workersOf({ service }))[0] ?? 'self'}/ns/net`),
    ]);
    if (mine.ok && theirs.ok && mine.value !== theirs.value)
      return unknown('the service runs in another network namespace than this command', evidence);
    return unhealthy(
      `Listener ${first.name} believes to be bound to port ${first.port}, and the system has no such socket: bind() of the service is taken over by a layer.`,
      {
        cure: `ims doctor --only host.no-interposer; tr '\\0' '\\n' </proc/PID/environ | grep -i -e preload -e socks of the service; start it without that layer (${TWIN})`,
        event: 4007,
      },
      evidence,
    );
  },
});
