import type { Host } from '../../../world/ports/host.ts';
import { defineCheck } from '../check.ts';
import { onLoopback } from '../facts/usage.ts';
import { showMode } from '../facts/users.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

const OTHERS_READ = 0o004;
const READ_WRITE_ALL = 0o666;

/** What a line of such a file says: its words without the comment. */
const wordsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .map((line) => line.replace(/#.*$/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/));

/** Whether a package of this host should have brought the file: minimal containers do without. */
async function broughtByPackage(host: Host): Promise<boolean> {
  const lists = ['/var/lib/dpkg/info/netbase.list', '/var/lib/rpm/rpmdb.sqlite', '/var/lib/pacman/local'];
  return (await Promise.all(lists.map((path) => host.file(path)))).some(({ ok }) => ok);
}

/** What is wrong with a table of names that programs look up. */
async function tableFault(
  host: Host,
  path: string,
  has: { readonly words: string; readonly holds: (line: readonly string[]) => boolean },
): Promise<{ readonly seen: string; readonly fault?: string }> {
  const [text, file] = await Promise.all([host.text(path), host.file(path)]);
  if (!text.ok) {
    if (text.errno !== 'ENOENT') return { seen: text.errno, fault: `${path} cannot be read (${text.errno})` };
    return (await broughtByPackage(host))
      ? { seen: 'does not exist', fault: `${path} does not exist` }
      : { seen: 'does not exist, nor the package that brings it: this service does without' };
  }
  if (file.ok && (file.value.mode & OTHERS_READ) === 0)
    return {
      seen: `mode ${showMode(file.value.mode)}`,
      fault: `${path} has mode ${showMode(file.value.mode)}: only its owner can read it`,
    };
  if (wordsOf(text.value).some(has.holds)) return { seen: `has ${has.words}` };
  return {
    seen: `has no ${has.words}`,
    fault: `${path} has no line for ${has.words}: it is empty, cut off or not the original`,
  };
}

/** The tables that broke a mail service once: programs look up the names of protocols and ports there. */
export const serviceTables = defineCheck({
  id: 'host.service-tables',
  number: 609,
  title: '/etc/services and /etc/protocols are whole',
  why: 'This service needs neither, but others on this host do (mail stores, tunnels, filters): without them they cannot name smtp, tcp or lmtp, and fail with "unknown service" or "protocol not supported".',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const tables = await Promise.all([
      tableFault(host, '/etc/services', {
        words: 'smtp 25/tcp',
        holds: ([name, port]) => name === 'smtp' && port === '25/tcp',
      }),
      tableFault(host, '/etc/protocols', {
        words: 'tcp 6',
        holds: ([name, number]) => name === 'tcp' && number === '6',
      }),
    ]);
    const evidence = tables.map(({ seen }, index) =>
      row(index === 0 ? '/etc/services' : '/etc/protocols', index === 0 ? 'smtp 25/tcp' : 'tcp 6', seen),
    );
    const faults = tables.flatMap(({ fault }) => fault ?? []);
    if (faults.length === 0) return healthy(evidence);
    const onlyMode = faults.every((fault) => fault.includes('has mode'));
    return unhealthy(
      `${faults.join('; ')}. This service runs without; other programs of this host may not.`,
      {
        cure: onlyMode
          ? 'chmod 644 /etc/services /etc/protocols'
          : 'apt-get install --reinstall -o Dpkg::Options::=--force-confmiss netbase (or: dnf reinstall setup), or copy the files from a host of the same kind',
      },
      evidence,
    );
  },
});

/** localhost must be this host for every program. */
export const hostsFile = defineCheck({
  id: 'host.hosts-file',
  number: 610,
  title: 'localhost is this host',
  why: 'Programs find localhost by /etc/hosts. Where it leads elsewhere or nowhere, mail stores, filters and tools on this host do not find each other.',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const [text, file] = await Promise.all([host.text('/etc/hosts'), host.file('/etc/hosts')]);
    const cure = "Write into /etc/hosts: '127.0.0.1 localhost' and '::1 localhost'; chmod 644 /etc/hosts";
    if (!text.ok)
      return unhealthy(
        `/etc/hosts ${text.errno === 'ENOENT' ? 'does not exist' : `cannot be read (${text.errno})`}: programs do not find localhost.`,
        { cure },
        [row('/etc/hosts', '127.0.0.1 localhost', text.errno)],
      );
    const nss = await host.text('/etc/nsswitch.conf');
    // Some systems leave the file empty: a module of the C library answers for localhost.
    const byModule = nss.ok && /^\s*hosts\s*:.*\b(?:myhostname|resolve)\b/m.test(nss.value);
    const lines = wordsOf(text.value);
    const addresses = lines.filter(([, ...names]) => names.includes('localhost')).map(([address = '']) => address);
    const evidence: Evidence[] = [
      row('localhost in /etc/hosts', '127.0.0.1, ::1', addresses.join(', ') || 'not there'),
    ];
    const stray = addresses.find((address) => !onLoopback(address));
    if (stray !== undefined)
      return unhealthy(
        `/etc/hosts says that localhost is ${stray}, which is not this host's loopback.`,
        { cure },
        evidence,
      );
    if (addresses.length === 0 && byModule)
      return healthy([...evidence, row('localhost by /etc/nsswitch.conf', 'myhostname or resolve', 'there')]);
    if (addresses.length === 0)
      return unhealthy('/etc/hosts has no line for localhost: programs may not find it.', { cure }, evidence);
    if (file.ok && (file.value.mode & OTHERS_READ) === 0)
      return unhealthy(
        `/etc/hosts has mode ${showMode(file.value.mode)}: programs of other users do not find localhost.`,
        { cure: 'chmod 644 /etc/hosts' },
        [...evidence, row('mode of /etc/hosts', '644', showMode(file.value.mode))],
      );
    return healthy(evidence);
  },
});

const DEVICES: readonly { readonly path: string; readonly make: string; readonly mode: number }[] = [
  { path: '/dev/null', make: 'mknod -m 666 /dev/null c 1 3', mode: READ_WRITE_ALL },
  { path: '/dev/urandom', make: 'mknod -m 666 /dev/urandom c 1 9', mode: 0o444 },
  { path: '/dev/random', make: 'mknod -m 666 /dev/random c 1 8', mode: 0o444 },
];

/** Devices that every program takes for granted. */
export const devices = defineCheck({
  id: 'host.devices',
  number: 611,
  title: '/dev/null and the random devices are there',
  why: 'A /dev/null that became a file fills the disk or stops programs; without random numbers no TLS connection begins.',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const seen = await Promise.all(DEVICES.map(({ path }) => host.file(path)));
    const evidence = DEVICES.map(({ path, mode }, index) => {
      const file = seen[index];
      const is = file?.ok === true ? `${file.value.kind}, mode ${showMode(file.value.mode)}` : (file?.errno ?? '');
      return row(path, `a device, at least mode ${showMode(mode)}`, is);
    });
    if (seen.every((file) => !file.ok && file.errno === 'EACCES'))
      return unknown('/dev may not be looked at', evidence);
    for (const [index, { path, make, mode }] of DEVICES.entries()) {
      const file = seen[index];
      if (file === undefined) continue;
      if (!file.ok) return unhealthy(`${path} does not exist (${file.errno}).`, { cure: make }, evidence);
      if (file.value.kind !== 'device')
        return unhealthy(
          `${path} is a ${file.value.kind}, not a device: a program has replaced it.`,
          { cure: `rm ${path} && ${make}` },
          evidence,
        );
      if ((file.value.mode & mode) !== mode)
        return unhealthy(
          `${path} has mode ${showMode(file.value.mode)}: programs without root cannot use it.`,
          { cure: `chmod 666 ${path}` },
          evidence,
        );
    }
    return healthy(evidence);
  },
});

const ZONES = '/usr/share/zoneinfo';

/** Times of logs and of Received fields are written in the zone of the host. */
export const timeZone = defineCheck({
  id: 'host.time-zone',
  number: 612,
  title: 'The time zone is one that this host knows',
  why: 'With a zone that is not there programs silently take UTC: times of their logs then do not fit together.',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const zone = (host.environment['TZ'] ?? '').replace(/^:/, '');
    const [known, link, local] = await Promise.all([
      host.names(ZONES),
      host.link('/etc/localtime'),
      host.file('/etc/localtime'),
    ]);
    const evidence = [
      row('TZ', 'not set, or a zone of this host', zone || 'not set'),
      row('/etc/localtime', 'a zone of this host', link.ok ? link.value : local.ok ? 'a file' : 'not there: UTC'),
    ];
    if (/^[A-Za-z_]+(?:\/[A-Za-z_+\-0-9]+)*$/.test(zone) && known.ok && !/^[A-Z]{3,5}\d*$/.test(zone)) {
      const file = await host.file(`${ZONES}/${zone}`);
      if (!file.ok)
        return unhealthy(
          `TZ is '${zone}', which is no time zone of this host: programs take UTC instead.`,
          { cure: `Set TZ to a name below ${ZONES} (timedatectl list-timezones), or unset it` },
          evidence,
        );
    }
    if (zone === '' && link.ok && !local.ok)
      return known.ok
        ? unhealthy(
            `/etc/localtime leads to ${link.value}, which does not exist: programs take UTC instead.`,
            { cure: 'timedatectl set-timezone ZONE, or: ln -sf /usr/share/zoneinfo/ZONE /etc/localtime' },
            evidence,
          )
        : notApplicable('this host has no time zones: everything is in UTC');
    return healthy(evidence);
  },
});
