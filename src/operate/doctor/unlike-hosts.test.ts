import assert from 'node:assert/strict';
import { test } from 'node:test';
import packet from 'dns-packet';
import { settingsOf, runningService } from '../../../test/support/doctor-parts.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { pretendedHost, type PretendedFacts } from '../../../test/support/pretended-host.ts';
import { zoneResolver } from '../../world/sim/resolver.ts';
import type { Parts } from './check.ts';
import { checks } from './checks/index.ts';
import { findNameServers } from './parts.ts';
import { runChecks } from './run.ts';

const NOW = Date.UTC(2026, 5, 1);
const DEVICE = { kind: 'device', mode: 0o666 } as const;
const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max file size             unlimited            unlimited            bytes
Max data size             unlimited            unlimited            bytes
Max stack size            8388608              unlimited            bytes
Max processes             60000                60000                processes
Max open files            1048576              1048576              files
Max address space         unlimited            unlimited            bytes
`;
const status = (ppid: number): string =>
  `Name:\tnode\nPPid:\t${ppid}\nUid:\t990\t990\t990\t990\nGid:\t990\t990\t990\t990\nGroups:\t990\nCapEff:\t0000000000000400\n`;
/** A table of listening sockets, all held by one inode. */
const tcp = (ports: readonly number[], ...addresses: readonly string[]): string =>
  [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    ...addresses.flatMap((address) =>
      ports.map((port) => {
        const at = `${address}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
        return `   0: ${at} ${'0'.repeat(address.length)}:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0`;
      }),
    ),
    '',
  ].join('\n');
const ROUTE4 =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\neth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n';
const ROUTE6 = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n`;
const MOUNTS = '22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n';

/** A server as Debian makes one. */
const DEBIAN: PretendedFacts = {
  uid: 990,
  addresses: ['127.0.0.1', '::1', '45.33.10.10', '2600:3c00::10'],
  texts: {
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nims:x:990:990::/srv/ims:/usr/sbin/nologin\n',
    '/etc/group': 'root:x:0:\nims:x:990:\n',
    '/etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
    '/etc/services': 'smtp 25/tcp mail\n',
    '/etc/protocols': 'tcp 6 TCP\n',
    '/etc/nsswitch.conf': 'hosts: files dns\n',
    '/etc/resolv.conf': 'nameserver 45.33.20.53\n',
    '/proc/self/mountinfo': MOUNTS,
    '/proc/self/status': status(90),
    '/proc/100/status': status(90),
    '/proc/100/limits': LIMITS,
    '/proc/self/limits': LIMITS,
    '/proc/meminfo': 'MemTotal: 4000000 kB\nMemAvailable: 2000000 kB\nSwapFree: 0 kB\n',
    '/proc/net/tcp': tcp([24, 25, 587, 2525], '00000000'),
    '/proc/net/tcp6': '',
    '/proc/net/route': ROUTE4,
    '/proc/net/ipv6_route': ROUTE6,
    '/proc/net/if_inet6': '00000000000000000000000000000001 01 80 10 80 lo\n',
    '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
    '/proc/sys/net/ipv4/ip_unprivileged_port_start': '1024\n',
    '/proc/sys/fs/file-nr': '3000\t0\t9000000\n',
    '/proc/sys/kernel/threads-max': '60000\n',
    '/proc/loadavg': '0.1 0.1 0.1 1/200 900\n',
    '/proc/stat': `btime ${NOW / 1000 - 1000}\n`,
    '/proc/uptime': '1000.00 900.00\n',
  },
  files: {
    '/': {},
    '/srv': {},
    '/srv/ims': { uid: 990, gid: 990, mode: 0o700 },
    '/srv/ims/queue': { uid: 990, gid: 990, mode: 0o700 },
    '/srv/ims/run': { uid: 990, gid: 990, mode: 0o700 },
    '/dev/null': DEVICE,
    '/dev/urandom': DEVICE,
    '/dev/random': DEVICE,
    '/etc/resolv.conf': { kind: 'file', mode: 0o644 },
  },
  names: { '/proc': ['1', '100'], '/proc/100/fd': ['7'], '/sys/class/net': ['lo', 'eth0'] },
  links: { '/proc/100/fd/7': 'socket:[77]' },
};

const ZONE = `company.com MX 10 mail.company.com
company.com TXT "v=spf1 mx -all"
mail.company.com A 45.33.10.10
mail.company.com AAAA 2600:3c00::10
10.10.33.45.in-addr.arpa PTR mail.company.com
0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.3.0.0.6.2.ip6.arpa PTR mail.company.com
`;
const DOMAINS = 'domains: { company.com: { mailboxes: { alice: {} } } }\n';
const REAL = `server: { name: mail.company.com, data: /srv/ims }\n${DOMAINS}listeners: { mx: { profile: mx, address: 0.0.0.0, port: 25, tls: none } }\n`;
/** What talks with others over TCP has tests of its own. */
const TALKS =
  /^(?:ways\.|listeners\.answer|tls\.handshake|names\.servers-answer-tcp|records\.mta-sts|records\.not-listed|storage\.sync|service\.answers)/;

interface Unlike {
  readonly host?: PretendedFacts;
  /** Texts of the usual host that this one has not. */
  readonly without?: readonly string[];
  readonly settings?: string;
  readonly space?: { readonly freeInodes: number; readonly totalInodes: number };
  readonly movement?: object;
  readonly rows?: readonly object[];
  readonly pids?: readonly number[];
  /** How the name server answers a question; by itself it knows the root. */
  readonly dns?: (name: string, type: string) => { readonly rcode: number; readonly address?: string };
}

function joined(more: PretendedFacts = {}, without: readonly string[] = []): PretendedFacts {
  const texts = Object.fromEntries(
    Object.entries({ ...DEBIAN.texts, ...more.texts }).filter(([path]) => !without.includes(path)),
  );
  return {
    ...DEBIAN,
    ...more,
    texts,
    files: { ...DEBIAN.files, ...more.files },
    names: { ...DEBIAN.names, ...more.names },
    links: { ...DEBIAN.links, ...more.links },
  };
}

const usualDns: NonNullable<Unlike['dns']> = (name) => ({ rcode: name === '' || name === 'com' ? 0 : 3 });

function network(dns: NonNullable<Unlike['dns']>): Parts['network'] {
  return {
    dial: () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
    datagram: async (_family, receive) => ({
      send(bytes, port, address) {
        const query = packet.decode(bytes);
        const [question] = query.questions ?? [];
        const { rcode, address: data } = dns(
          question?.name === '.' ? '' : (question?.name ?? ''),
          question?.type ?? '',
        );
        const answers: packet.Answer[] =
          data === undefined ? [] : [{ name: question?.name ?? '', type: 'A', ttl: 60, data }];
        const questions = query.questions ?? [];
        const message = packet.encode({ type: 'response', id: query.id ?? 0, flags: rcode, questions, answers });
        queueMicrotask(() => receive(message, { address, port }));
      },
      close: () => undefined,
    }),
  };
}

/** Everything that is not well on such a host, beside a service that runs there. */
async function alarms(unlike: Unlike): Promise<readonly string[]> {
  const settings = settingsOf(unlike.settings ?? REAL);
  const host = pretendedHost(joined(unlike.host, unlike.without));
  const listeners = Object.entries(settings.listeners).flatMap(([name, { address, port }]) =>
    [address].flat().map((one) => ({ name, address: one, port })),
  );
  const answer = runningService(listeners, unlike.pids ?? [100]);
  const absent = (path: string): Promise<never> => Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' }));
  const answers: Readonly<Record<string, unknown>> = {
    'queue.list': { rows: unlike.rows ?? [], total: unlike.rows?.length ?? 0, offset: 0, missing: [] },
    'queue.movement': { course: [], windowMs: 0, messages: 0, inPerHour: 0, outPerHour: 0, ...unlike.movement },
    'policy.explain': { recipient: { code: 550, text: ['5.7.1 no'] } },
  };
  let random = 0;
  const parts: Partial<Parts> = {
    configuration: { path: '/etc/ims/ims.yaml', ok: true, problems: [] },
    settings,
    host,
    disk: {
      open: absent,
      readFile: absent,
      list: async () => [],
      entry: async () => undefined,
      space: async () => ({ freeBytes: 1e10, totalBytes: 1e11, freeInodes: 1e6, totalInodes: 1e7, ...unlike.space }),
      unlink: absent,
    },
    network: network(unlike.dns ?? usualDns),
    clock: new ManualClock(NOW),
    random: {
      bytes(length) {
        random += 1;
        return Buffer.alloc(length, random);
      },
    } as Parts['random'],
    service: { ask: async () => answer, request: async (action) => answers[action] },
    nameServers: await findNameServers(host, settings.names),
    resolver: zoneResolver(ZONE),
  };
  const some = checks
    .filter(({ id }) => !TALKS.test(id))
    .map((check) => ({ ...check, after: check.after.filter((id) => !TALKS.test(id)) }));
  const findings = await runChecks(some, parts, new ManualClock(NOW));
  return findings.flatMap(({ id, verdict }) =>
    verdict.kind === 'unhealthy'
      ? [`${id}: ${verdict.cause}`]
      : verdict.kind === 'broken'
        ? [`${id} is broken: ${verdict.fault}`]
        : [],
  );
}

const SUBMISSION = `server: { name: mail.company.com, data: /srv/ims }\n${DOMAINS}listeners: { submission: { profile: submission, address: 0.0.0.0, port: 587 } }\n`;
const LMTP = `server: { name: mail.company.com, data: /srv/ims }\n${DOMAINS}listeners: { lmtp: { profile: lmtp, address: 127.0.0.1, port: 24 } }\n`;
const NO_IPV6 = ['/proc/net/ipv6_route', '/proc/net/if_inet6', '/proc/net/tcp6'];

const HOSTS: Readonly<Record<string, Unlike>> = {
  'the usual one': {},
  'one with IPv4 alone': {
    host: { addresses: ['127.0.0.1', '45.33.10.10'], texts: { '/etc/hosts': '127.0.0.1 localhost\n' } },
    without: NO_IPV6,
  },
  'one with IPv6 alone': {
    host: {
      addresses: ['::1', '2600:3c00::10'],
      texts: {
        '/etc/hosts': '::1 localhost\n',
        '/etc/resolv.conf': 'nameserver 2001:4860:4860::8888\n',
        '/proc/net/tcp': '',
        '/proc/net/tcp6': tcp([25], '0'.repeat(32)),
      },
    },
    without: ['/proc/net/route'],
    settings: REAL.replace('0.0.0.0', "'::'"),
  },
  'a Docker container whose first process is the service': {
    host: {
      addresses: ['127.0.0.1', '172.17.0.2'],
      texts: {
        '/etc/resolv.conf': 'nameserver 127.0.0.11\noptions ndots:0\n',
        '/etc/hosts': '127.0.0.1\tlocalhost\n172.17.0.2\tmail\n',
        '/proc/self/mountinfo':
          '500 400 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/a\n501 500 8:1 /v /srv/ims rw - ext4 /dev/sda1 rw\n',
        '/proc/1/status': status(0),
        '/proc/1/cmdline': '/usr/bin/node\0/app/main.js\0run\0',
        '/proc/100/status': status(1),
        '/proc/100/cmdline': '/usr/bin/node\0/app/main.js\0--role\0worker\0',
      },
      names: { '/proc': ['1', '100'], '/proc/1/fd': ['3'], '/proc/100/fd': [] },
      links: { '/proc/1/fd/3': 'socket:[77]' },
    },
    without: [...NO_IPV6, '/etc/services', '/etc/protocols', '/etc/nsswitch.conf'],
  },
  'one behind the stub of systemd-resolved': {
    host: {
      texts: {
        '/etc/resolv.conf': 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n',
        '/etc/nsswitch.conf': 'hosts: files mymachines resolve [!UNAVAIL=return] files myhostname dns\n',
        '/run/systemd/resolve/resolv.conf': 'nameserver 45.33.20.53\n',
        '/etc/hosts': '# localhost is known to nss-myhostname\n',
      },
    },
  },
  'Alpine with musl': {
    host: { texts: { '/lib/apk/db/installed': 'P:musl\n' } },
    without: ['/etc/nsswitch.conf', '/etc/services', '/etc/protocols'],
  },
  'one with a read-only root, images, and data on another disk by a link': {
    host: {
      texts: {
        '/proc/self/mountinfo':
          '22 1 8:1 / / ro,relatime - squashfs /dev/loop0 ro\n23 22 8:2 / /disk rw - ext4 /dev/sdb1 rw\n24 22 0:9 / /tmp rw - tmpfs tmpfs rw\n25 22 0:9 / /var/log ro - squashfs /dev/loop1 ro\n',
      },
      links: { '/srv/ims': '../disk/ims' },
      files: { '/var/log': {}, '/tmp': {} },
    },
  },
  'one whose file system counts no inodes': { space: { freeInodes: 0, totalInodes: 0 } },
  btrfs: {
    host: { texts: { '/proc/self/mountinfo': '22 1 0:20 / / rw - btrfs /dev/sda1 rw,space_cache\n' } },
    space: { freeInodes: 0, totalInodes: 0 },
  },
  'zfs, whose cache looks used': {
    host: {
      texts: {
        '/proc/self/mountinfo': '22 1 0:20 / / rw - zfs tank/root rw\n',
        '/proc/meminfo': 'MemTotal: 4000000 kB\nMemAvailable: 30000 kB\nSwapFree: 0 kB\n',
        '/proc/spl/kstat/zfs/arcstats': 'name type data\nsize 4 2000000000\nc_min 4 100000000\n',
      },
    },
  },
  'a control group full of pages of files': {
    host: {
      texts: {
        '/proc/100/cgroup': '0::/ims\n',
        '/sys/fs/cgroup/ims/memory.max': '1073741824\n',
        '/sys/fs/cgroup/ims/memory.current': '1073000000\n',
        '/sys/fs/cgroup/ims/memory.stat': 'inactive_file 200000000\nactive_file 500000000\nslab_reclaimable 10\n',
      },
    },
  },
  'one where other processes are hidden (hidepid)': {
    host: { names: { '/proc': ['100'], '/proc/100/fd': [] }, errors: { '/proc/100/status': 'ENOENT' } },
  },
  'a sandbox that tells no time of its start': { host: { texts: { '/proc/stat': 'btime 0\n' } } },
  'one whose users are kept in a directory': {
    host: {
      texts: { '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n' },
      outputs: { 'getent passwd mailer': 'mailer:*:990:990::/:/usr/sbin/nologin\n' },
    },
    settings: REAL.replace('data: /srv/ims', 'data: /srv/ims, user: mailer'),
  },
  'one with access lists beside the modes': {
    host: {
      files: { '/srv/ims': { uid: 0, gid: 0, mode: 0o770 }, '/srv': { mode: 0o700 } },
      outputs: {
        'getfacl -cpn -- /srv': 'user::rwx\nuser:990:--x\nmask::--x\n',
        'getfacl -cpn -- /srv/ims': 'user::rwx\nuser:990:rwx\t#effective:rwx\ngroup::r-x\nmask::rwx\n',
      },
    },
  },
  'a unit with a user of its own, changed beside it': {
    host: {
      texts: {
        '/etc/systemd/system/ims.service':
          '[Service]\nExecStart=/opt/old/ims run --config /etc/ims/ims.yaml\nUser=nobody-here\nDynamicUser=yes\n',
        '/etc/systemd/system/ims.service.d/override.conf':
          '[Service]\nExecStart=\nExecStart=/opt/new/ims run --config /etc/ims/ims.yaml\n',
      },
      names: { '/etc/systemd/system/ims.service.d': ['override.conf'] },
      files: { '/opt/new/ims': { kind: 'file' }, '/etc/ims/ims.yaml': { kind: 'file' } },
    },
  },
  'submission alone': { settings: SUBMISSION },
  'LMTP alone, at an address that no one knows by name': {
    host: { addresses: ['127.0.0.1', '45.33.10.99'] },
    without: ['/proc/net/ipv6_route'],
    settings: LMTP,
  },
  'relaying alone, with no domain of its own': { settings: REAL.replace(DOMAINS, '') },
  'a demonstration on loopback': {
    host: { addresses: ['127.0.0.1'], texts: { '/etc/resolv.conf': '' } },
    without: [...NO_IPV6, '/proc/net/route'],
    settings:
      'server: { name: mail.example.test, data: /srv/ims }\nlisteners: { mx: { profile: mx, address: 127.0.0.1, port: 2525 } }\n',
  },
  'high ports behind a redirection': { settings: REAL.replace('port: 25', 'port: 2525') },
  'one with a home router for name server, which answers for hosts only': {
    dns: (name, type) =>
      type === 'A' && name === 'gmail.com'
        ? { rcode: 0, address: '142.250.1.1' }
        : { rcode: type === 'A' && name !== '' ? 3 : 5 },
  },
  'a large queue of messages to many domains': {
    rows: Array.from({ length: 500 }, (_, n) => ({
      queueId: `${n}`,
      nextHop: `mx:d${n}.test`,
      attempts: 1,
      arrivedAtMs: NOW - 60_000,
      dueAtMs: NOW + 60_000,
      recipients: [],
    })),
    movement: { messages: 700_000, windowMs: 3_600_000, course: [700_000, 699_000, 701_000, 700_500, 700_000] },
  },
  'libraries that are preloaded for other reasons': {
    host: {
      texts: {
        '/etc/ld.so.preload': '/usr/lib/libjemalloc.so.2\n',
        '/usr/lib/libjemalloc.so.2': '\x7fELF\0dlsym\0malloc\0',
        '/proc/100/maps': '7f00 r-xp 00000000 08:01 12 /usr/lib/libjemalloc.so.2\n',
      },
      files: { '/usr/lib/libjemalloc.so.2': { kind: 'file', mode: 0o755 } },
    },
  },
};

for (const [name, unlike] of Object.entries(HOSTS))
  test(`no alarm on a host that is well: ${name}`, async () => assert.deepEqual(await alarms(unlike), []));
