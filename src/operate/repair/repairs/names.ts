import { printNameServer } from '../../../transport/resolver/name-servers.ts';
import { otherServers } from '../known-name-servers.ts';
import { cureOf, nothing, person, reloadIfRunning, steps, type Repair, type RepairParts } from '../repair.ts';

const RESOLV_CONF = '/etc/resolv.conf';
const READABLE = 0o444;

/** The file itself, behind one symbolic link. */
async function fileBehind({ parts: { host } }: RepairParts, path: string): Promise<string> {
  const link = await host?.link(path);
  if (link?.ok !== true) return path;
  return link.value.startsWith('/') ? link.value : `/etc/${link.value}`.replace(/\/[^/]+\/\.\.(?=\/)/g, '');
}

/** Nobody but root may read the file that says whom to ask. */
export const openResolvConf: Repair = {
  id: 'names.resolv-conf-mode',
  title: 'Lets every user read /etc/resolv.conf, as usual',
  checks: ['names.servers-configured'],
  provenBy: 'names.servers-configured',
  async plan(given) {
    const path = await fileBehind(given, RESOLV_CONF);
    const entry = await given.changes.entry(path);
    if (!entry.ok || entry.value.kind !== 'file') return person(cureOf(given));
    const { mode, uid } = entry.value;
    if ((mode & READABLE) === READABLE) return nothing(`${path} may be read by everybody`);
    const self = given.parts.host?.self.uid;
    if (self !== 0 && self !== uid) return person(`As root: chmod 644 ${path}`);
    return steps(`${path} may be read by everybody.`, { do: 'set-mode', path, from: mode, mode: mode | READABLE });
  },
};

/** Those that are asked do not answer; the host knows of others that do. */
export const askOthers: Repair = {
  id: 'names.other-servers',
  title: 'Asks other name servers that this host knows of, and that answer',
  checks: ['names.servers-answer', 'names.servers-configured'],
  provenBy: 'names.servers-answer',
  async plan(given) {
    const { nameServers } = given.parts;
    const { path, text } = given.configuration;
    if (text === undefined) return person(cureOf(given));
    const inUse = (nameServers?.servers ?? []).map(printNameServer);
    const others = await otherServers(given);
    if (others.length === 0) return person(cureOf(given));
    const words = others.map(({ address, from }) => `${address} (of ${from})`).join(' and ');
    return steps(
      `The service asks ${words}${inUse.length === 0 ? '' : ` instead of ${inUse.join(' and ')}`}.`,
      {
        do: 'edit-configuration',
        path,
        changes: [{ key: ['names', 'servers'], value: others.map(({ address }) => address) }],
      },
      ...(await reloadIfRunning(given)),
    );
  },
};

const NSSWITCH = '/etc/nsswitch.conf';

/** The service asks by itself; other programs of the host find nobody. */
export const askDnsToo: Repair = {
  id: 'names.nsswitch-dns',
  title: 'Lets programs of this host ask the name service, too',
  checks: ['names.nsswitch'],
  provenBy: 'names.nsswitch',
  async plan(given) {
    const { host } = given.parts;
    const text = await host?.text(NSSWITCH);
    if (host === undefined || text?.ok !== true) return person(cureOf(given));
    const lines = text.value.split('\n');
    const at = lines.findLastIndex((line) => /^\s*hosts\s*:/.test(line));
    const [, sources = '', comment = ''] = /^([^#]*?)\s*(#.*)?$/.exec(lines[at] ?? '') ?? [];
    if (at === -1 || /\b(?:dns|resolve)\b/.test(sources)) return person(cureOf(given));
    if (host.self.uid !== 0) return person(`As root: ${cureOf(given)}`);
    const content = lines.with(at, `${sources} dns${comment === '' ? '' : ` ${comment}`}`).join('\n');
    return steps(`The line hosts: of ${NSSWITCH} names dns after what it names now.`, {
      do: 'write-file',
      path: NSSWITCH,
      content,
    });
  },
};
