import { printInstant } from '../../../base/calendar.ts';
import { findUnit, UNIT } from '../../doctor/checks/unit.ts';
import { runDirectoryOf } from '../../doctor/parts.ts';
import { listEvents } from '../../journal/event-log.ts';
import { unitCommand } from '../host-command.ts';
import { cureOf, hasSystemd, nothing, person, steps, type Repair, type RepairParts } from '../repair.ts';

const STARTING = 1002;
const STOPPED = 1001;

/** When the service was stopped in order; undefined where it was started since, or never ran. */
async function stoppedAt({ parts: { settings, disk } }: RepairParts): Promise<number | undefined> {
  if (settings === undefined || disk === undefined) return undefined;
  const sources = { disk, directories: [`${settings.server.data}/events/supervisor`] };
  // A log that cannot be read says nothing of it.
  const last = async (number: number): Promise<number> =>
    (await listEvents(sources, { number }, 1).catch(() => []))[0]?.atMs ?? 0;
  const [started, stopped] = await Promise.all([last(STARTING), last(STOPPED)]);
  return stopped > started ? stopped : undefined;
}

/** Starts a service that does not run: by systemd where that has its unit, else in the background. */
export const startAgain: Repair = {
  id: 'service.start',
  title: 'Starts the service where it does not run',
  checks: ['service.answers'],
  provenBy: 'service.answers',
  last: true,
  async plan(given) {
    const { settings, service, host, disk } = given.parts;
    if (settings === undefined || host === undefined || disk === undefined) return person(cureOf(given));
    const answer = await service?.ask();
    if (answer?.kind === 'running') return nothing('the service runs');
    if (answer?.kind !== 'not-running') return person(cureOf(given));
    // Who holds the lock and does not answer is a finding of its own.
    if (await given.changes.socketAnswers(`${runDirectoryOf(settings)}/lock`)) return person(cureOf(given));
    const stopped = given.byName === true ? undefined : await stoppedAt(given);
    if (stopped !== undefined)
      return person(
        `${cureOf(given)}\nIt was stopped in order at ${printInstant(stopped)}; to start it in the background: ims repair service.start`,
      );
    const self = host.self.uid;
    if ((await findUnit(host)) !== undefined && (await hasSystemd(given))) {
      const command = unitCommand('start', UNIT);
      if (self !== 0 || command === undefined) return person(`As root: systemctl start ${UNIT}`);
      return steps(`systemd starts ${UNIT}.`, { do: 'run', command });
    }
    const data = await given.changes.entry(settings.server.data);
    // A spool that is not where it was is a matter of its own, and a start without it would be no cure.
    if (!data.ok) return person(cureOf(given));
    if (self !== 0 && self !== data.value.uid) return person(`As root: ${cureOf(given)}`);
    return steps(
      'The service runs in the background, without this terminal, until ims stop. What it says: ims events. Where something starts it with the host, let that do it instead.',
      { do: 'start-service', configuration: given.configuration.path },
    );
  },
};
