import { defineCheck } from '../check.ts';
import { workersOf } from '../facts/service-identity.ts';
import { identityOf } from '../facts/users.ts';
import { clockAheadMs, clockEarliestMs, clockLatestMs, descriptorsSpare, ephemeralPortsMin } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

/** The user to work as. */
export const serviceUser = defineCheck({
  id: 'host.service-user',
  number: 601,
  title: 'The user of the service exists',
  why: 'A service that is started as root gives up its rights for those of server.user, and does not start without it.',
  needs: ['settings', 'host'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host }) {
    const { user, group } = settings.server;
    if (user === undefined) return notApplicable('server.user is not set');
    const [identity, passwd] = await Promise.all([identityOf(host, user, group), host.text('/etc/passwd')]);
    if (!passwd.ok) return unknown(`/etc/passwd: ${passwd.errno}`);
    const evidence = [
      row(
        `user ${user}${group === undefined ? '' : `, group ${group}`}`,
        'known to this host',
        identity?.words ?? 'unknown',
      ),
    ];
    if (identity !== undefined) return healthy(evidence);
    return unhealthy(
      `This host has no user ${user}${group === undefined ? '' : `, or no group ${group}`}.`,
      { cure: `useradd --system --no-create-home --shell /usr/sbin/nologin ${user}` },
      evidence,
    );
  },
});

/** Connections outwards need ports. */
export const ephemeralPorts = defineCheck({
  id: 'host.ephemeral-ports',
  number: 602,
  title: 'There are enough ports for connections outwards',
  why: 'Each connection to one and the same host takes a port of net.ipv4.ip_local_port_range, and keeps it for a minute after its end.',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const text = await host.text('/proc/sys/net/ipv4/ip_local_port_range');
    if (!text.ok) return unknown(`net.ipv4.ip_local_port_range: ${text.errno}`);
    const [first = 0, last = 0] = text.value.trim().split(/\s+/).map(Number);
    const evidence = [row('net.ipv4.ip_local_port_range', `${ephemeralPortsMin} ports or more`, `${first} to ${last}`)];
    if (last - first + 1 >= ephemeralPortsMin) return healthy(evidence);
    return unhealthy(
      `Only ${last - first + 1} ports are there for connections outwards; they run out under load.`,
      { cure: 'sysctl -w net.ipv4.ip_local_port_range="32768 60999"' },
      evidence,
    );
  },
});

/** Every connection is a descriptor. */
export const fileDescriptors = defineCheck({
  id: 'host.file-descriptors',
  number: 603,
  title: 'There are enough file descriptors for the connections that are allowed',
  why: 'A worker without descriptors can accept no connection, and open no file of its queue.',
  needs: ['settings', 'host', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, service }) {
    const workers = await workersOf({ service });
    const share = Math.ceil(settings.reception.connectionsMax / Math.max(1, workers.length));
    const needed = share + settings.delivery.attemptsMax + descriptorsSpare;
    const evidence: Evidence[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (const pid of workers.length === 0 ? ['self'] : workers) {
      const text = await host.text(`/proc/${pid}/limits`);
      // Node raises the soft limit of its process to the hard one by itself.
      const [, soft = '', hard = ''] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text.ok ? text.value : '') ?? [];
      if (hard === '') continue;
      const limit = Math.max(
        soft === 'unlimited' ? needed : Number(soft),
        hard === 'unlimited' ? needed : Number(hard),
      );
      least = Math.min(least, limit);
      evidence.push(
        row(
          `open files of ${pid === 'self' ? 'a process started here' : `worker ${pid}`}`,
          `${needed} or more`,
          String(limit),
        ),
      );
    }
    if (evidence.length === 0) return unknown('the limits of the processes cannot be read');
    if (least >= needed) return healthy(evidence);
    return unhealthy(
      `A worker may open ${least} files, fewer than the ${needed} that reception.connectionsMax and delivery.attemptsMax allow for.`,
      {
        cure: `LimitNOFILE=${2 ** Math.ceil(Math.log2(needed))} in the unit (or ulimit -n), or lower reception.connectionsMax`,
      },
      evidence,
    );
  },
});

const INTERPOSERS = /proxychains|libtsocks|torsocks|socksify|libdante|libdsocks|libsocks|graftcp/i;

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
    const evidence: Evidence[] = [];
    const found: string[] = [];
    const preload = await host.text('/etc/ld.so.preload');
    const libraries = (preload.ok ? preload.value : '').split(/[\s:]+/).filter((word) => word.startsWith('/'));
    for (const library of libraries) {
      const file = await host.file(library);
      evidence.push(
        row(
          '/etc/ld.so.preload',
          'no library that is missing or takes over sockets',
          file.ok ? library : `${library}: ${file.errno}`,
        ),
      );
      if (!file.ok && file.errno === 'ENOENT')
        found.push(`/etc/ld.so.preload names ${library}, which does not exist: every program prints an error`);
      else if (INTERPOSERS.test(library)) found.push(`/etc/ld.so.preload puts ${library} before every program`);
    }
    const own = host.environment['LD_PRELOAD'] ?? '';
    if (own !== '') evidence.push(row('LD_PRELOAD here', 'not set', own));
    for (const pid of await workersOf({ service })) {
      const maps = await host.text(`/proc/${pid}/maps`);
      if (!maps.ok) continue;
      const library = maps.value
        .split('\n')
        .map((line) => line.slice(line.indexOf('/')))
        .find((path) => INTERPOSERS.test(path));
      evidence.push(row(`libraries of worker ${pid}`, 'none that takes over sockets', library ?? 'none'));
      if (library !== undefined) found.push(`worker ${pid} runs with ${library}`);
    }
    if (INTERPOSERS.test(own)) found.push(`LD_PRELOAD is ${own}`);
    if (found.length === 0) return healthy(evidence);
    return unhealthy(
      `A layer takes over the sockets: ${found.join('; ')}.`,
      {
        cure: 'Take the line out of /etc/ld.so.preload (or unset LD_PRELOAD), restart, and give proxies to the service itself: routing.proxies',
      },
      evidence,
    );
  },
});

const PROXY_VARIABLES = [
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'SOCKS_SERVER',
  'TSOCKS_CONF_FILE',
  'PROXYCHAINS_CONF_FILE',
];

const withoutLogin = (text: string): string => text.replace(/\/\/[^@/]*@/, '//***@');

/** Variables that other programs obey; we do not, and people wonder. */
export const proxyVariables = defineCheck({
  id: 'host.proxy-variables',
  number: 605,
  title: 'Proxy variables of the environment are known',
  why: 'The service ignores them: its proxies are set in routing.proxies. They tell that this network may let nothing out directly.',
  needs: ['host'],
  after: [],
  cost: 'host',
  look({ host }) {
    const set = PROXY_VARIABLES.filter((name) => (host.environment[name] ?? '') !== '');
    return healthy(
      set.map((name) => row(name, 'obeyed by other programs only', withoutLogin(host.environment[name] ?? ''))),
    );
  },
});

/** Certificates, expiry and retries depend on the time. */
export const clockPlausible = defineCheck({
  id: 'host.clock',
  number: 606,
  title: 'The clock is plausible',
  why: 'With a wrong clock certificates seem expired and mail is returned too early.',
  needs: ['settings', 'host', 'clock'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, clock }) {
    const now = clock.wall();
    const show = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
    const evidence = [
      row('time of this host', `after ${show(clockEarliestMs)}, before ${show(clockLatestMs)}`, show(now)),
    ];
    const cure = { cure: 'timedatectl set-ntp true (or: chronyc makestep), then look with: date -u' };
    if (now < clockEarliestMs || now > clockLatestMs)
      return unhealthy(`The clock says ${show(now)}, which cannot be.`, cure, evidence);
    for (const path of [
      `${settings.server.data}/events`,
      `${settings.server.data}/queue`,
      settings.server.data,
      '/etc/resolv.conf',
      '/var/log',
    ]) {
      const file = await host.file(path);
      if (!file.ok) continue;
      evidence.push(row(`changed: ${path}`, 'not after now', show(file.value.modifiedMs)));
      if (file.value.modifiedMs > now + clockAheadMs)
        return unhealthy(
          `The clock is behind: ${path} was changed at ${show(file.value.modifiedMs)}, after its now (${show(now)}).`,
          cure,
          evidence,
        );
    }
    return healthy(evidence);
  },
});
