import { defineCheck, type Parts } from '../check.ts';
import { holdersOf, processFacts, processInWords, type ProcessFacts, statusNumbers } from '../facts/processes.ts';
import { connectionsFrom, listeningSockets, standsInTheWay } from '../facts/sockets.ts';
import { supervisorOf } from '../facts/service-identity.ts';
import { onLoopback, places, showPlace } from '../facts/usage.ts';
import { interfaces } from '../facts/routes.ts';
import { canonicalIp } from '../../../base/ip.ts';
import { errnoOf } from '../../../events/fault.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

/** Process ids of the service, its supervisor among them. */
export async function ourProcesses({ host, service }: Pick<Parts, 'host' | 'service'>): Promise<ReadonlySet<number>> {
  const answer = await service.ask();
  const pids = answer.kind === 'running' ? answer.status.processes.flatMap(({ pid }) => pid ?? []) : [];
  const parents = await Promise.all(pids.map((pid) => host.text(`/proc/${pid}/status`)));
  const above = parents.flatMap((one) => (one.ok ? statusNumbers(one.value, 'PPid') : []));
  // In a container the service may be the first process; systemd holds sockets for it; else that one adopts what has lost its parent.
  const first = (above.includes(1) && (await isOurProgram(host, 1, pids))) || (await hasSocketUnit(host));
  return new Set([...pids, ...above.filter((pid) => pid > 1), ...(first ? [1] : [])]);
}

/** Whether systemd binds the ports and hands them over at a start. */
async function hasSocketUnit(host: Parts['host']): Promise<boolean> {
  const units = await Promise.all(
    ['/etc/systemd/system', '/usr/lib/systemd/system'].map((place) => host.file(`${place}/ims.socket`)),
  );
  return units.some(({ ok }) => ok);
}

/** Whether a process runs the same program as those of the service. */
async function isOurProgram(host: Parts['host'], pid: number, ours: readonly number[]): Promise<boolean> {
  const programOf = async (one: number): Promise<string> => {
    const words = await host.text(`/proc/${one}/cmdline`);
    return words.ok ? (words.value.split('\0').find((word) => word.endsWith('.js')) ?? '') : '';
  };
  const [own, ...others] = await Promise.all([pid, ...ours.slice(0, 1)].map(programOf));
  return own !== undefined && own !== '' && others.includes(own);
}

/** Whether a socket takes connections to one address away from a listener on every address. */
const isMoreExact = (socket: string, listener: string): boolean =>
  (listener === '0.0.0.0' || listener === '::') && socket !== '0.0.0.0' && socket !== '::';

/** A port among those that the system hands out to connections may be that of a connection just when the listener is to be bound. */
async function usedByConnection(
  host: Parts['host'],
  answer: Awaited<ReturnType<Parts['service']['ask']>>,
  evidence: readonly Evidence[],
): Promise<Verdict | undefined> {
  const waiting =
    answer.kind === 'running'
      ? answer.status.listeners.find(({ state, why = '' }) => state === 'waiting' && why.includes('EADDRINUSE'))
      : undefined;
  if (waiting === undefined) return undefined;
  const { name, address, port } = waiting;
  const connections = await connectionsFrom(host, port);
  const [first] = connections;
  if (first === undefined) return undefined;
  const pids = (await holdersOf(host, new Set(connections.map(({ inode }) => inode)))).get(first.inode) ?? [];
  const holder = pids[0] === undefined ? undefined : await processFacts(host, pids[0]);
  const whose = holder === undefined ? 'another program' : processInWords(holder);
  const range = await host.text('/proc/sys/net/ipv4/ip_local_port_range');
  const ports = range.ok ? range.value.trim().split(/\s+/).join(' to ') : '32768 to 60999';
  return unhealthy(
    `Port ${showPlace(address, port)} of listener ${name} is used by a connection of ${whose} to ${first.to}: the system hands out ports from ${ports} to connections.`,
    {
      cure: `sysctl -w net.ipv4.ip_local_reserved_ports=${port} (and in /etc/sysctl.d), and end that connection, or wait for its end; or give the listener a port outside (listeners.${name}.port)`,
      event: 4007,
    },
    [...evidence, row(`connections from port ${port}`, 'none', `${connections.length}, to ${first.to}`)],
  );
}

/** Each port is free or ours. */
export const portsOurs = defineCheck({
  id: 'listeners.ports-ours',
  number: 401,
  title: "Each listener's port is free, or held by this service",
  why: 'A port that another program holds cannot be bound; mail for it goes to that program instead.',
  needs: ['settings', 'host', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, service }) {
    const sockets = await listeningSockets(host);
    if (sockets === undefined) return unknown('/proc/net/tcp cannot be read');
    const [ours, answer] = await Promise.all([ourProcesses({ host, service }), service.ask()]);
    const bound = answer.kind === 'running' ? answer.status.listeners.filter(({ state }) => state === 'listening') : [];
    const wanted = places(settings);
    const inTheWay = wanted.map((place) =>
      sockets.filter((socket) => standsInTheWay(socket, place.address, place.port)),
    );
    const holders = await holdersOf(host, new Set(inTheWay.flat().map(({ inode }) => inode)), ours);
    const evidence: Evidence[] = [];
    const taken: {
      readonly place: (typeof wanted)[number];
      readonly holder: ProcessFacts | undefined;
      readonly beside: boolean;
      readonly one: string | undefined;
    }[] = [];
    for (const [index, place] of wanted.entries()) {
      const where = `${place.name} at ${showPlace(place.address, place.port)}`;
      const found = inTheWay[index] ?? [];
      const listening = bound.some(
        (one) => one.name === place.name && one.port === place.port && one.address === place.address,
      );
      // Beside one of ours on every address another program may hold a single one: connections to that go there.
      const exact = listening ? found.filter((socket) => isMoreExact(socket.address, place.address)) : found;
      const pids = exact.flatMap(({ inode }) => holders.get(inode) ?? []);
      const foreign = pids.find((pid) => !ours.has(pid));
      if (exact.length === 0 || (listening && foreign === undefined) || (pids.length > 0 && foreign === undefined)) {
        evidence.push(row(where, 'free or ours', found.length === 0 ? 'free' : 'ours'));
        continue;
      }
      const holder = foreign === undefined ? undefined : await processFacts(host, foreign);
      const theirs =
        exact.find(({ inode }) => holders.get(inode)?.includes(foreign ?? -1))?.address ??
        exact[0]?.address ??
        place.address;
      const at = listening ? theirs : place.address;
      // One address that is taken keeps a listener on every address from all of them.
      const one = !listening && isMoreExact(theirs, place.address) ? theirs : undefined;
      taken.push({ place: { ...place, address: at }, holder, beside: listening, one });
      evidence.push(
        row(
          where,
          'free or ours',
          `held by ${holder === undefined ? `a process of uid ${found[0]?.uid} that cannot be seen from here` : processInWords(holder)}`,
        ),
      );
    }
    if (wanted.length === 0) return notApplicable('no listener has a fixed TCP port');
    const first = taken[0];
    const used = first === undefined ? await usedByConnection(host, answer, evidence) : undefined;
    if (used !== undefined) return used;
    if (first === undefined) return healthy(evidence);
    if (answer.kind === 'not-permitted' && taken.every(({ holder }) => holder === undefined))
      return unknown('ports are held by processes of other users; run it as root to see whose', evidence);
    const { place, holder, beside, one } = first;
    const free =
      holder?.unit?.endsWith('.service') === true
        ? `systemctl disable --now ${holder.unit}`
        : holder === undefined
          ? `ss -ltnp sport = :${place.port} (as root) names the program; stop it`
          : `kill ${holder.pid}`;
    return unhealthy(
      `Port ${showPlace(place.address, place.port)} of listener ${place.name} is held by ${holder === undefined ? 'another program' : processInWords(holder)}${beside ? ', on an address of its own: connections to that address go there, not to this service' : ''}${one === undefined ? '' : `, on ${showPlace(one, place.port)} only, which keeps the listener from every address`}.`,
      { cure: `${free}; or give the listener another port (listeners.${place.name}.port)`, event: 4007 },
      evidence,
    );
  },
});

/** A configured address must be one of this host. */
export const addressesPresent = defineCheck({
  id: 'listeners.addresses-present',
  number: 402,
  title: 'This host has the addresses that listeners are configured for',
  why: 'A listener can be bound to addresses of this host only; it waits until the address is there.',
  needs: ['settings', 'host'],
  // Without IPv6 none of its addresses is there, and none can be added.
  after: ['configuration.loads', 'listeners.ipv6'],
  cost: 'host',
  look({ settings, host }) {
    const read = host.addresses();
    if (!read.ok) return unknown(`the interfaces cannot be seen: ${read.errno}`);
    const own = new Set(read.value.map(({ address }) => canonicalIp(address) ?? address));
    const wanted = places(settings).filter(({ address }) => address !== '0.0.0.0' && address !== '::');
    if (wanted.length === 0) return notApplicable('every listener takes all addresses');
    const has = (address: string): boolean =>
      own.has(canonicalIp(address) ?? address) || (address.startsWith('127.') && own.has('127.0.0.1'));
    const evidence = wanted.map(({ name, address }) =>
      row(`${address} of ${name}`, 'an address of this host', has(address) ? 'there' : 'not there'),
    );
    const missing = wanted.find(({ address }) => !has(address));
    if (missing === undefined) return healthy(evidence);
    const all = read.value.map((one) => `${one.address} (${one.interface})`).join(', ');
    return unhealthy(
      `Listener ${missing.name} is configured for ${missing.address}, which is no address of this host; it has ${all}.`,
      {
        cure: `ip address add ${missing.address} dev INTERFACE, or correct listeners.${missing.name}.address`,
        event: 4007,
      },
      evidence,
    );
  },
});

/** What of the configuration is reached over loopback. */
function overLoopback({ settings, nameServers }: Pick<Parts, 'settings' | 'nameServers'>): readonly string[] {
  const local = (address: string): boolean =>
    address === 'localhost' || (!address.startsWith('/') && onLoopback(address));
  return [
    ...Object.entries(settings.routing.smartHosts).flatMap(([name, { hosts }]) =>
      hosts.filter(({ host }) => local(host)).map(({ host, port }) => `${name} (${showPlace(host, port)})`),
    ),
    ...nameServers.servers.filter(({ address }) => local(address)).map(({ address }) => `name server ${address}`),
    ...places(settings)
      .filter(({ address }) => local(address))
      .map(({ name, address, port }) => `listener ${name} (${showPlace(address, port)})`),
  ];
}

/** Much of a host depends on loopback. */
export const loopbackUp = defineCheck({
  id: 'listeners.loopback',
  number: 403,
  title: 'The loopback interface is up',
  why: 'A local name server, mail stores on this host and these checks use it; containers sometimes start without it.',
  needs: ['settings', 'host', 'nameServers'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, nameServers }) {
    const read = host.addresses();
    if (!read.ok) return unknown(`the interfaces cannot be seen: ${read.errno}`);
    const loopback = read.value.filter(({ internal }) => internal).map(({ address }) => address);
    const lo = (await interfaces(host))?.find(({ name }) => name === 'lo');
    const behind = overLoopback({ settings, nameServers });
    const evidence = [
      row(
        'interface lo',
        'up, with 127.0.0.1',
        `${lo === undefined || lo.up ? '' : 'down, '}${loopback.length === 0 ? 'no address' : loopback.join(', ')}`,
      ),
      ...behind.map((what) => row('over loopback', 'can be reached', what)),
    ];
    if (loopback.includes('127.0.0.1')) return healthy(evidence);
    // A host without IPv4 needs none there.
    const four = read.value.some(({ family, internal }) => family === 4 && !internal);
    if (loopback.includes('::1') && !four && behind.every((what) => !/\b127\.|localhost/.test(what)))
      return healthy(evidence);
    const down = lo === undefined || !lo.up;
    return unhealthy(
      `The loopback interface lo is ${down ? 'down' : 'up without 127.0.0.1'}: nothing on 127.0.0.1 or localhost can be reached${behind.length === 0 ? '' : `, and so not ${behind.slice(0, 3).join(', ')}, which may be well`}.`,
      { cure: down ? 'ip link set lo up' : 'ip address add 127.0.0.1/8 dev lo' },
      evidence,
    );
  },
});

/** Why the processes of the service have no IPv6; undefined where it cannot be told. */
async function familyTaken({ host, service }: Pick<Parts, 'host' | 'service'>): Promise<string | undefined> {
  const answer = await service.ask();
  if (answer.kind !== 'running') return undefined;
  const pid = answer.status.processes[0]?.pid;
  const status = pid === undefined ? undefined : await host.text(`/proc/${pid}/status`);
  const filters = status?.ok === true ? statusNumbers(status.value, 'Seccomp')[0] : undefined;
  return filters === 2
    ? 'a filter of system calls is on the service (RestrictAddressFamilies= of its unit, or a container)'
    : undefined;
}

/** '::' needs IPv6. */
export const ipv6Available = defineCheck({
  id: 'listeners.ipv6',
  number: 404,
  title: 'IPv6 is available where a listener asks for it',
  why: 'Without IPv6 an IPv6 address cannot be bound; the listener waits for ever.',
  needs: ['settings', 'host', 'service', 'network'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, service, network }) {
    const wanted = places(settings).filter(({ address }) => address.includes(':'));
    const first = wanted[0];
    if (first === undefined) return notApplicable('no listener has an IPv6 address');
    const [table, disabled, answer, here] = await Promise.all([
      host.text('/proc/net/if_inet6'),
      host.text('/proc/sys/net/ipv6/conf/all/disable_ipv6'),
      service.ask(),
      socketOf(network, 6),
    ]);
    const refused =
      answer.kind === 'running'
        ? answer.status.listeners.find((one) => one.address.includes(':') && (one.why ?? '').includes('EAFNOSUPPORT'))
        : undefined;
    const off = disabled.ok && disabled.value.trim() === '1';
    const there = table.ok && table.value.trim() !== '' && !off && here === undefined;
    const seen = there
      ? 'available'
      : here !== undefined
        ? `socket AF_INET6: ${here}`
        : off
          ? 'turned off (net.ipv6.conf.all.disable_ipv6 = 1)'
          : table.ok
            ? 'no interface has an IPv6 address'
            : 'the system has no IPv6';
    const evidence = [row('IPv6', 'available', seen)];
    const cure = {
      cure: `Take IPv6 out of listeners.${(refused ?? first).name}.address: 0.0.0.0; or turn it on: sysctl -w net.ipv6.conf.all.disable_ipv6=0, ipv6.disable=0 at boot, AF_INET6 in RestrictAddressFamilies= of the unit`,
      event: 4007,
    };
    if (refused !== undefined) {
      const taken = await familyTaken({ host, service });
      return unhealthy(
        `IPv6 is not available to the service (socket AF_INET6: EAFNOSUPPORT), and listener ${refused.name} is configured for ${showPlace(refused.address, refused.port)}${taken === undefined ? '' : `: ${taken}`}.`,
        cure,
        [
          ...evidence,
          row(
            `listener ${refused.name} at ${showPlace(refused.address, refused.port)}`,
            'listening',
            refused.why ?? '',
          ),
        ],
      );
    }
    if (there) return healthy(evidence);
    // '::' can be bound where the kernel has IPv6, even while no interface uses it.
    if (here === undefined && table.ok && wanted.every(({ address }) => address === '::'))
      return healthy([...evidence, row(':: without addresses', 'can be bound', 'no client can reach it')]);
    // The usual pair: the IPv4 half takes all the mail that can come.
    return unhealthy(
      `Listener ${first.name} is configured for ${first.address}, and IPv6 is not available on this host (${seen}).`,
      cure,
      evidence,
    );
  },
});

/** Whether a socket of the family can be made; else the errno. */
async function socketOf(network: Pick<Parts['network'], 'datagram'>, family: 4 | 6): Promise<string | undefined> {
  try {
    (await network.datagram(family, () => undefined)).close();
    return undefined;
  } catch (error) {
    const errno = errnoOf(error);
    return errno === 'EADDRNOTAVAIL' ? undefined : errno;
  }
}

const NET_BIND_SERVICE = 10n;

/** Ports below 1024 are for privileged programs. */
export const mayBindLowPorts = defineCheck({
  id: 'listeners.may-bind-low-ports',
  number: 405,
  title: 'Ports below 1024 may be bound',
  why: 'Linux gives ports below 1024 to root and to programs with CAP_NET_BIND_SERVICE only.',
  needs: ['settings', 'host', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, service }) {
    const [answer, start] = await Promise.all([
      service.ask(),
      host.text('/proc/sys/net/ipv4/ip_unprivileged_port_start'),
    ]);
    const from = start.ok ? Number(start.value.trim()) : 1024;
    const low = places(settings).filter(({ port }) => port < from);
    const first = low[0];
    if (first === undefined) return notApplicable(`no listener has a port below ${from}`);
    if (answer.kind === 'running') {
      const waits = answer.status.listeners.find(
        (one) => one.state === 'waiting' && one.port < from && (one.why ?? '').includes('EACCES'),
      );
      if (waits === undefined)
        return healthy([row(`port ${first.port}`, 'may be bound', 'the service was allowed to')]);
    }
    // What binds is the process that started the workers; before a start, one like this.
    const binder = answer.kind === 'running' ? await supervisorOf({ host, service }) : undefined;
    const status = await host.text(`/proc/${binder ?? 'self'}/status`);
    const uid = status.ok ? (statusNumbers(status.value, 'Uid')[1] ?? host.self.uid) : host.self.uid;
    const effective = status.ok ? (/^CapEff:\s*([0-9a-f]+)/m.exec(status.value)?.[1] ?? '0') : '0';
    const capable = ((BigInt(`0x${effective}`) >> NET_BIND_SERVICE) & 1n) === 1n;
    const evidence = [
      row('ip_unprivileged_port_start', `at most ${first.port}, or CAP_NET_BIND_SERVICE`, String(from)),
      row(`uid ${uid}`, 'CAP_NET_BIND_SERVICE', capable ? 'has it' : 'has it not'),
    ];
    if (capable && answer.kind !== 'running') return healthy(evidence);
    if (answer.kind !== 'running')
      return unknown('this user may not; the service manager may start the service with more rights', evidence);
    return unhealthy(
      `Port ${first.port} of listener ${first.name} may not be bound by the service (EACCES, permission denied): ${capable ? 'a security module (AppArmor, SELinux) or a filter forbids it' : uid === 0 ? 'it runs as root without CAP_NET_BIND_SERVICE' : 'it has neither root nor CAP_NET_BIND_SERVICE'}.`,
      {
        cure: 'Start it by deploy/ims.service, which gives CAP_NET_BIND_SERVICE, or by deploy/ims.socket',
        event: 4007,
      },
      evidence,
    );
  },
});
