import { canonicalIp } from '../../../base/ip.ts';
import { printNameServer } from '../../../transport/resolver/name-servers.ts';
import { defineCheck, type Parts } from '../check.ts';
import { wrongNames } from '../facts/needs-names.ts';
import { serviceIdentity } from '../facts/service-identity.ts';
import { may, showMode } from '../facts/users.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

const RESOLV_CONF = '/etc/resolv.conf';
const READABLE = 'names.resolv-conf-mode';
const EXAMPLE = "names.servers: ['ADDRESS']";

/** The values behind a keyword of resolv.conf, line by line. */
const valuesOf = (text: string, keyword: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([first]) => first === keyword)
    .map(([, ...values]) => values);

/** resolv.conf is there for this user: is it for the service's? */
async function readableByService(parts: Pick<Parts, 'settings' | 'host' | 'service'>): Promise<Verdict | undefined> {
  const [file, who] = await Promise.all([parts.host.file(RESOLV_CONF), serviceIdentity(parts)]);
  if (!file.ok || who === undefined || may(who, 4, file.value)) return undefined;
  const mode = showMode(file.value.mode);
  return wrongNames(
    parts.settings,
    `${RESOLV_CONF} has mode ${mode}: ${who.words}, as which the service works, may not read it. What starts as that user asks 127.0.0.1 instead.`,
    { cure: `chmod 644 ${RESOLV_CONF}`, event: 3701, repair: READABLE },
    [row(`mode of ${RESOLV_CONF}`, '644: everybody may read it', `${mode}, of uid ${file.value.uid}`)],
  );
}

async function unreadable({ settings, host }: Pick<Parts, 'settings' | 'host'>, errno: string): Promise<Verdict> {
  const [file, link] = await Promise.all([host.file(RESOLV_CONF), host.link(RESOLV_CONF)]);
  const evidence = [
    row(RESOLV_CONF, 'nameserver lines', errno),
    ...(file.ok ? [row('its mode', '644', showMode(file.value.mode))] : []),
    ...(link.ok ? [row('its target', 'a file', link.value)] : []),
  ];
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    const what = link.ok ? `leads to ${link.value}, which is not there` : 'does not exist';
    // The default server may be there: whether it answers is for the next check.
    return healthy([...evidence, row(RESOLV_CONF, 'there', `${what}: the server on this host is asked (127.0.0.1)`)]);
  }
  if (file.ok && file.value.kind !== 'file') {
    const away = `mv ${RESOLV_CONF} ${RESOLV_CONF}.away (then write a file with a line 'nameserver ADDRESS' there, or set ${EXAMPLE}; then: ims reload)`;
    const cause = `${RESOLV_CONF} is a ${file.value.kind === 'other' ? 'device, pipe or socket' : file.value.kind}, not a file (${errno}).`;
    return wrongNames(settings, cause, { cure: away, event: 3701, repair: READABLE }, evidence);
  }
  return wrongNames(
    settings,
    `${RESOLV_CONF} cannot be read (${errno}${file.ok ? `, mode ${showMode(file.value.mode)}` : ''}).`,
    { cure: `chmod 644 ${RESOLV_CONF}, or set ${EXAMPLE}; then: ims reload`, event: 3701, repair: READABLE },
    evidence,
  );
}

/** Somebody must be asked. */
export const serversConfigured = defineCheck({
  id: 'names.servers-configured',
  number: 501,
  title: 'Name servers are configured',
  why: 'The service asks the name servers of names.servers, else those of /etc/resolv.conf, else one on this host.',
  needs: ['settings', 'nameServers', 'host', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, nameServers, host, service }) {
    const evidence = nameServers.servers.map((server) =>
      row(`from ${nameServers.from}`, 'a name server', printNameServer(server)),
    );
    if (nameServers.from === 'settings') return healthy(evidence);
    const text = await host.text(RESOLV_CONF);
    if (!text.ok) return unreadable({ settings, host }, text.errno);
    const closed = await readableByService({ settings, host, service });
    if (closed !== undefined) return closed;
    // Only the first value of a line is an address; what follows nobody reads.
    const named = valuesOf(text.value, 'nameserver').map(([first = '']) => first);
    const strange = named.filter((value) => canonicalIp(value) === undefined);
    const search = valuesOf(text.value, 'search').flat();
    const seen: Evidence[] = [
      ...evidence,
      ...strange.map((value) => row(`nameserver ${value}`, 'an IP address', 'none: it is not used')),
      row('search domains', 'not used: mail domains are whole', search.join(' ') || 'none'),
    ];
    if (named.length > 0 && strange.length === named.length)
      return wrongNames(
        settings,
        `${RESOLV_CONF} names no address of a name server, only ${strange.map((one) => `'${one}'`).join(', ')}: 127.0.0.1 is asked instead.`,
        {
          cure: `Write one line 'nameserver ADDRESS' for each server into ${RESOLV_CONF}, or set ${EXAMPLE}; then: ims reload`,
          event: 3701,
        },
        seen,
      );
    if (nameServers.named) return healthy(seen);
    return healthy([row(RESOLV_CONF, 'nameserver lines', 'none: the one on this host is asked (127.0.0.1)')]);
  },
});

const ASKS_DNS = /^(?:dns|resolve|mdns\w*)$/;

/** The system's own look-ups, which other programs on this host use. */
export const systemLooksUp = defineCheck({
  id: 'names.nsswitch',
  number: 507,
  title: 'Programs of this host ask the name service',
  why: 'The service asks name servers itself. Other programs here, such as those that a pipe delivery runs, find hosts by the line hosts: of /etc/nsswitch.conf.',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const text = await host.text('/etc/nsswitch.conf');
    if (!text.ok)
      return text.errno === 'ENOENT'
        ? notApplicable('without /etc/nsswitch.conf the system asks the name service')
        : unknown(`/etc/nsswitch.conf cannot be read (${text.errno})`);
    const line = text.value.split('\n').findLast((one) => /^\s*hosts\s*:/.test(one));
    const evidence = [row('hosts: in /etc/nsswitch.conf', 'files dns', line?.trim() ?? 'no such line: dns is asked')];
    const sources = (line ?? 'hosts: dns')
      .replace(/#.*/, '')
      .replace(/\[[^\]]*\]/g, ' ')
      .split(/[\s:]+/);
    if (sources.some((source) => ASKS_DNS.test(source))) return healthy(evidence);
    return unhealthy(
      `/etc/nsswitch.conf says '${line?.trim()}', without dns: no program on this host that asks the system finds another host. This service asks the name servers itself, and is not hindered.`,
      { cure: "Change the line in /etc/nsswitch.conf to 'hosts: files dns'" },
      evidence,
    );
  },
});
