import { defineCheck } from '../check.ts';
import { environmentValue } from '../facts/preload.ts';
import { limitedProcesses, workersOf } from '../facts/service-identity.ts';
import { identityOf } from '../facts/users.ts';
import { backlogMin, descriptorsSpare, ephemeralPortsMin } from '../limits.ts';
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
    if (group !== undefined && (await identityOf(host, user)) !== undefined)
      return unhealthy(
        `This host has no group ${group} (server.group); the user ${user} is there.`,
        { cure: `groupadd --system ${group}, or correct server.group`, event: 4020 },
        evidence,
      );
    return unhealthy(
      `This host has no user ${user}.`,
      { cure: `useradd --system --no-create-home --shell /usr/sbin/nologin ${user}`, event: 4020 },
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

/** Clients that come at once wait to be accepted. */
export const clientsMayWait = defineCheck({
  id: 'host.backlog',
  number: 622,
  title: 'Clients that come at once may wait to be accepted',
  why: 'net.core.somaxconn bounds how many finished connections wait at a listener; beyond it the system drops them, and clients try again after seconds.',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const text = await host.text('/proc/sys/net/core/somaxconn');
    if (!text.ok) return notApplicable(`net.core.somaxconn cannot be read (${text.errno})`);
    const most = Number(text.value.trim());
    const evidence = [row('net.core.somaxconn', `${backlogMin} or more`, String(most))];
    if (most >= backlogMin) return healthy(evidence);
    return unhealthy(
      `Only ${most} ${most === 1 ? 'connection' : 'connections'} may wait at a listener (net.core.somaxconn): under load the system drops further ones.`,
      {
        cure: 'sysctl -w net.core.somaxconn=4096 (and in /etc/sysctl.d, then restart the service: a listener keeps what it was made with)',
      },
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
    for (const pid of await limitedProcesses({ settings, host, service })) {
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
          `open files of ${pid === 'self' ? 'a process started here' : `process ${pid}`}`,
          `${needed} or more`,
          String(limit),
        ),
      );
    }
    if (evidence.length === 0) return unknown('the limits of the processes cannot be read');
    if (least >= needed) return healthy(evidence);
    return unhealthy(
      `A worker may open ${least} files (RLIMIT_NOFILE), fewer than the ${needed} that reception.connectionsMax and delivery.attemptsMax allow for.`,
      {
        cure: `LimitNOFILE=${2 ** Math.ceil(Math.log2(needed))} in the unit (or ulimit -n), or lower reception.connectionsMax`,
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
  'no_proxy',
  'NO_PROXY',
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
  needs: ['host', 'service'],
  after: [],
  cost: 'host',
  async look({ host, service }) {
    const expected = 'obeyed by other programs only';
    const own = PROXY_VARIABLES.flatMap((name) => {
      const value = host.environment[name] ?? '';
      return value === '' ? [] : [row(name, expected, withoutLogin(value))];
    });
    // The service may have been started with others than this command.
    const [worker] = await workersOf({ service });
    const theirs = await Promise.all(
      PROXY_VARIABLES.map(async (name) => {
        const value = worker === undefined ? '' : ((await environmentValue(host, worker, name)) ?? '');
        return value === '' || value === host.environment[name]
          ? []
          : [row(`${name} of the service`, expected, withoutLogin(value))];
      }),
    );
    return healthy([...own, ...theirs.flat()]);
  },
});
