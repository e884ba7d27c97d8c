import { printInstant } from '../../../base/calendar.ts';
import { mailboxPlaces } from '../../actions/maildirs.ts';
import { holdsSpool, readSpoolMarker, spoolMarkerName } from '../../config/spool-marker.ts';
import { serviceIdentity } from '../../doctor/facts/service-identity.ts';
import { type Identity, may } from '../../doctor/facts/users.ts';
import { runDirectoryOf } from '../../doctor/parts.ts';
import { foreignBelow } from '../foreign-entries.ts';
import { cureOf, nothing, person, steps, type Repair, type RepairParts } from '../repair.ts';
import type { Plan, Step } from '../step.ts';

const OTHERS_WRITE = 0o022;
const OTHERS = 0o077;
/** The check that looks at what is in the data directory, too. */
const OWNERS = 'storage.owner';

async function identity({ parts: { settings, host, service } }: RepairParts): Promise<Identity | undefined> {
  if (settings === undefined || host === undefined || service === undefined) return undefined;
  return serviceIdentity({ settings, host, service });
}

/** Gives what belongs to one foreign user to the service: nothing where it belongs to several, or has names elsewhere. */
async function ownerStep(given: RepairParts, path: string, who: Identity): Promise<Step | string> {
  const gid = who.gids[0] ?? who.uid;
  const foreign = await foreignBelow(given, path, who.uid);
  if (typeof foreign === 'string') return foreign;
  return { do: 'set-owner', path, uid: who.uid, gid, within: foreign.below };
}

/** When the spool was made that the sign beside the configuration speaks of. */
async function spoolWasHere({ parts: { settings, disk }, configuration }: RepairParts): Promise<number | undefined> {
  if (settings === undefined || disk === undefined) return undefined;
  const marker = await readSpoolMarker(disk, spoolMarkerName(configuration.path)).catch(() => undefined); // unreadable: as if there were none
  return marker?.data === settings.server.data ? marker.madeAtMs : undefined;
}

async function planData(given: RepairParts): Promise<Plan> {
  const { settings, host } = given.parts;
  const who = await identity(given);
  if (settings === undefined || host === undefined || who === undefined) return person(cureOf(given));
  const path = settings.server.data;
  const entry = await given.changes.entry(path);
  // What is not there, is a link or is no directory needs somebody who knows why.
  if (!entry.ok && entry.errno === 'ENOENT' && (await spoolWasHere(given)) !== undefined)
    return person(`${cureOf(given)}\nOnly where that spool is given up: ims repair storage.unmounted --preview`);
  if (!entry.ok || entry.value.kind !== 'directory') return person(cureOf(given));
  const { mode, uid } = entry.value;
  const list: Step[] = [];
  if ((mode & OTHERS_WRITE) !== 0) list.push({ do: 'set-mode', path, from: mode, mode: mode & ~OTHERS_WRITE });
  else if (!may(who, 2, entry.value) || !may(who, 1, entry.value) || given.finding?.id === OWNERS) {
    if (uid === who.uid && given.finding?.id !== OWNERS)
      list.push({ do: 'set-mode', path, from: mode, mode: mode | 0o700 });
    else if (host.self.uid !== 0) return person(`As root: ${cureOf(given)}`);
    else {
      const step = await ownerStep(given, path, who);
      if (typeof step === 'string') return person(`${cureOf(given)} (not done by itself: ${step})`);
      list.push(step);
    }
  }
  return list.length === 0
    ? person(cureOf(given))
    : steps(`The data directory becomes one that ${who.words} alone writes in.`, ...list);
}

/** The directory, or the first one above it that is there. */
async function nearestThere({ changes }: RepairParts, path: string): Promise<string> {
  let at = path;
  while (at.length > 1 && !(await changes.entry(at)).ok) at = at.slice(0, at.lastIndexOf('/')) || '/';
  return at;
}

async function planMailboxes(given: RepairParts): Promise<Plan> {
  const { settings, host } = given.parts;
  const who = await identity(given);
  if (settings === undefined || host === undefined || who === undefined) return person(cureOf(given));
  if (host.self.uid !== 0) return person(`As root: ${cureOf(given)}`);
  const list = new Map<string, Step>();
  for (const { maildir } of mailboxPlaces(settings)) {
    if (maildir === undefined) continue;
    const path = await nearestThere(given, maildir);
    const entry = await given.changes.entry(path);
    if (!entry.ok || list.has(path) || (may(who, 2, entry.value) && may(who, 1, entry.value))) continue;
    // Directories outside may belong to somebody for a good reason.
    if (!path.startsWith(`${settings.server.data}/`) || entry.value.kind !== 'directory') return person(cureOf(given));
    const step = await ownerStep(given, path, who);
    if (typeof step === 'string') return person(`${cureOf(given)} (not done by itself: ${step})`);
    list.set(path, step);
  }
  return list.size === 0
    ? person(cureOf(given))
    : steps(`The mailboxes become writable for ${who.words}.`, ...list.values());
}

/** Wrong owner or mode of the data directory. */
export const ownData: Repair = {
  id: 'storage.owner',
  title: 'Gives the data directory to the user of the service, and to nobody else',
  checks: ['storage.data-directory', OWNERS],
  provenBy: 'storage.data-directory',
  plan: planData,
};

/** Mailboxes that somebody else made. */
export const ownMailboxes: Repair = {
  id: 'storage.mailbox-owner',
  title: 'Gives mailboxes below the data directory to the user of the service',
  checks: ['storage.mailboxes-writable'],
  provenBy: 'storage.mailboxes-writable',
  plan: planMailboxes,
};

/** Directories that others may enter. */
export const closePrivate: Repair = {
  id: 'storage.mode',
  title: 'Closes the queue and the directory of the control socket to other users',
  checks: ['storage.private'],
  provenBy: 'storage.private',
  async plan(given) {
    const { settings } = given.parts;
    if (settings === undefined) return person(cureOf(given));
    const list: Step[] = [];
    for (const path of [runDirectoryOf(settings), `${settings.server.data}/queue`]) {
      const entry = await given.changes.entry(path);
      if (entry.ok && entry.value.kind === 'directory' && (entry.value.mode & OTHERS) !== 0)
        list.push({ do: 'set-mode', path, from: entry.value.mode, mode: entry.value.mode & ~OTHERS });
    }
    return list.length === 0
      ? nothing('nobody else may enter them')
      : steps('Other users may not enter any more.', ...list);
  },
};

/** The sign says that there was a spool, and it is gone for good. */
export const beginNewSpool: Repair = {
  id: 'storage.unmounted',
  title: 'Gives up a spool that is gone and lets a new one begin in its place',
  checks: [],
  provenBy: 'storage.data-directory',
  events: [4753],
  onlyByName: 'Mount the volume that holds the spool (findmnt, /etc/fstab); the service goes on by itself.',
  async plan(given) {
    const { settings, disk } = given.parts;
    if (settings === undefined || disk === undefined)
      return person('ims config check says why the settings do not load');
    const { data } = settings.server;
    const sign = spoolMarkerName(given.configuration.path);
    const madeAtMs = await spoolWasHere(given);
    if (madeAtMs === undefined) return nothing(`no sign says that a spool was in ${data}`);
    if (await holdsSpool(disk, data)) return nothing(`the spool is in ${data}`);
    const who = await identity(given);
    const there = await given.changes.entry(data);
    const owner = who === undefined ? {} : { owner: { uid: who.uid, gid: who.gids[0] ?? who.uid } };
    const list: Step[] = [{ do: 'remove-file', path: sign }];
    if (!there.ok) list.push({ do: 'make-directory', path: data, mode: 0o700, ...owner });
    return steps(
      `A NEW, EMPTY spool may begin in ${data}. The one that was made there on ${printInstant(madeAtMs)} is given up: its mail is not delivered. Where its volume is only not mounted, mount it instead.`,
      ...list,
    );
  },
};
