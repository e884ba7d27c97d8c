import { cureOf, nothing, person, steps, type Repair, type RepairParts } from '../repair.ts';
import type { Plan, Step } from '../step.ts';

const EVERYBODY_READS = 0o444;
const EVERYBODY_USES = 0o666;

/** Gives back the bits that every user must have; of what is a link or not there nothing is changed. */
async function giveBits(
  given: RepairParts,
  paths: readonly string[],
  kind: 'file' | 'other',
  bits: number,
  summary: string,
): Promise<Plan> {
  const list: Step[] = [];
  for (const path of paths) {
    const entry = await given.changes.entry(path);
    if (!entry.ok || entry.value.kind !== kind) return person(cureOf(given));
    const { mode } = entry.value;
    if ((mode & bits) !== bits) list.push({ do: 'set-mode', path, from: mode, mode: mode | bits });
  }
  if (list.length === 0)
    return given.finding === undefined ? nothing('every user may use them') : person(cureOf(given));
  return given.parts.host?.self.uid === 0 ? steps(summary, ...list) : person(`As root: ${cureOf(given)}`);
}

/** Tables that every program reads. */
export const openTables: Repair = {
  id: 'host.table-modes',
  title: 'Lets every user read /etc/hosts, /etc/services and /etc/protocols',
  checks: ['host.service-tables', 'host.hosts-file'],
  provenBy: 'host.service-tables',
  plan: (given) => {
    const paths = given.finding?.id === 'host.hosts-file' ? ['/etc/hosts'] : ['/etc/services', '/etc/protocols'];
    return giveBits(given, paths, 'file', EVERYBODY_READS, `Every user may read ${paths.join(' and ')}.`);
  },
};

/** Devices that every program uses. */
export const openDevices: Repair = {
  id: 'host.device-modes',
  title: 'Lets every user use /dev/null, /dev/zero, /dev/random and /dev/urandom',
  checks: ['host.devices'],
  provenBy: 'host.devices',
  plan: (given) =>
    giveBits(
      given,
      ['/dev/null', '/dev/random', '/dev/urandom'],
      'other',
      EVERYBODY_USES,
      'Every user may use the devices.',
    ),
};
