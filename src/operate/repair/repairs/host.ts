import { looksLikeElf } from '../../doctor/facts/elf-symbols.ts';
import { kernelParameter, loopbackUp } from '../host-command.ts';
import { cureOf, hasRight, person, steps, type Repair, type RepairParts } from '../repair.ts';
import type { Plan, Step } from '../step.ts';

const NET_ADMIN = 12n;
const PRELOAD = '/etc/ld.so.preload';

/** Containers sometimes start without it. */
export const raiseLoopback: Repair = {
  id: 'host.loopback',
  title: 'Sets the loopback interface up',
  checks: ['listeners.loopback'],
  provenBy: 'listeners.loopback',
  async plan(given) {
    if (!(await hasRight(given, NET_ADMIN))) return person('As root: ip link set lo up');
    return steps('The loopback interface is set up.', { do: 'run', command: loopbackUp });
  },
};

/** Sets kernel parameters by their names, until the next start of the host. */
async function parameters(
  given: RepairParts,
  wanted: readonly (readonly [name: string, value: string])[],
  summary: string,
): Promise<Plan> {
  const list: Step[] = [];
  for (const [name, value] of wanted) {
    const before = await given.parts.host?.text(`/proc/sys/${name.replaceAll('.', '/')}`);
    if (before?.ok !== true) return person(cureOf(given));
    if (before.value.trim().replace(/\s+/g, ' ') === value) continue;
    const command = kernelParameter(name, value, before.value);
    if (command === undefined) return person(cureOf(given));
    list.push({ do: 'run', command });
  }
  if (list.length === 0) return person(cureOf(given));
  const lines = wanted.map(([name, value]) => `${name} = ${value}`).join('\\n');
  const lasting = `printf '${lines}\\n' >/etc/sysctl.d/ims.conf`;
  if (given.parts.host?.self.uid !== 0) return person(`As root: ${lasting} && sysctl --system`);
  return steps(`${summary} To keep it over a restart of the host: ${lasting}`, ...list);
}

/** Too few ports for connections outwards. */
export const morePorts: Repair = {
  id: 'host.ephemeral-ports',
  title: 'Gives connections outwards the usual range of ports',
  checks: ['host.ephemeral-ports'],
  provenBy: 'host.ephemeral-ports',
  plan: (given) =>
    parameters(
      given,
      [['net.ipv4.ip_local_port_range', '32768 60999']],
      'Ports 32768 to 60999 are for connections outwards.',
    ),
};

/** Large packets vanish on the way and nobody says so. */
export const probeMtu: Repair = {
  id: 'host.mtu-probing',
  title: 'Lets TCP find the largest packet that passes',
  checks: ['ways.path-mtu'],
  provenBy: 'ways.path-mtu',
  // A connection that stalls tries smaller packets when it sends again, and waits twice as long each time.
  patienceMs: 60_000,
  plan: (given) =>
    parameters(
      given,
      [
        ['net.ipv4.tcp_base_mss', '512'],
        ['net.ipv4.tcp_mtu_probing', '1'],
      ],
      'TCP finds the largest packet that passes by itself; it may take a minute until connections that stall have.',
    ),
};

async function isNoLibrary(host: NonNullable<RepairParts['parts']['host']>, path: string): Promise<boolean> {
  const text = path.startsWith('/') ? await host.text(path) : undefined;
  return text?.ok === true && !looksLikeElf(text.value);
}

/** A library that is named and is not there. */
export const dropDeadPreload: Repair = {
  id: 'host.preload-line',
  title: 'Takes libraries that do not exist out of /etc/ld.so.preload',
  checks: ['host.preload-present'],
  provenBy: 'host.preload-present',
  async plan(given) {
    const { host } = given.parts;
    const text = await host?.text(PRELOAD);
    if (host === undefined || text?.ok !== true) return person(cureOf(given));
    const kept: string[] = [];
    const gone: string[] = [];
    for (const line of text.value.split('\n')) {
      const words = line
        .replace(/#.*$/, '')
        .split(/[\s:]+/)
        .filter((word) => word !== '');
      const missing: string[] = [];
      for (const word of words) {
        const there = await host.file(word);
        // A name without a path is looked for by the loader, not here.
        const gone = there.ok ? await isNoLibrary(host, word) : there.errno === 'ENOENT';
        if (gone && word.startsWith('/') && !word.includes('$')) missing.push(word);
      }
      gone.push(...missing);
      if (missing.length === 0) kept.push(line);
      else if (missing.length < words.length) kept.push(words.filter((word) => !missing.includes(word)).join(' '));
    }
    if (gone.length === 0) return person(cureOf(given));
    if (host.self.uid !== 0) return person(`As root, take ${gone.join(', ')} out of ${PRELOAD}`);
    const content = kept.join('\n');
    return steps(`${gone.join(', ')}, which does not exist or is no library, is not asked for any more.`, {
      do: 'write-file',
      path: PRELOAD,
      content,
    });
  },
};
