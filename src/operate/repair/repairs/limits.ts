import { UNIT } from '../../doctor/checks/unit.ts';
import { processFacts, statusNumbers } from '../../doctor/facts/processes.ts';
import { isEnough, type LimitName, limitOf, processLimit, readUnits, unitCommand } from '../host-command.ts';
import { cureOf, hasRight, nothing, person, steps, type Repair, type RepairParts } from '../repair.ts';
import type { Plan, Step } from '../step.ts';

const SYS_RESOURCE = 24n;
const FILES_USUAL = '65536';
const DROP_IN = `/etc/systemd/system/${UNIT}.d`;

type Wanted = Readonly<Partial<Record<LimitName, string>>>;

/** The processes of the running service. */
interface Running {
  readonly supervisor: number | undefined;
  /** All of them, those that start others first. */
  readonly all: readonly number[];
}

async function processesOf({ parts: { service, host } }: RepairParts): Promise<Running> {
  const answer = await service?.ask();
  const processes = answer?.kind === 'running' ? answer.status.processes : [];
  const children = processes.flatMap(({ role, pid }) => (role === 'supervisor' ? [] : (pid ?? [])));
  const parents = await Promise.all(children.map((pid) => host?.text(`/proc/${pid}/status`)));
  const above = parents.flatMap((one) => (one?.ok === true ? statusNumbers(one.value, 'PPid') : []));
  const all = [...new Set([...above, ...children])].filter((pid) => pid > 1);
  return { supervisor: above.find((pid) => pid > 1), all };
}

/** What raises limits of processes that run. */
async function raising(given: RepairParts, { all }: Running, wanted: Wanted): Promise<readonly Step[]> {
  const list: Step[] = [];
  for (const pid of all) {
    const limits = await given.parts.host?.text(`/proc/${pid}/limits`);
    for (const [name, value] of Object.entries(wanted) as [LimitName, string][]) {
      const command = limits?.ok === true ? processLimit(pid, limits.value, name, value) : undefined;
      if (command !== undefined) list.push({ do: 'run', command });
    }
  }
  return list;
}

/** What systemd gives at the next start. */
const unitText = (files: string): string =>
  [
    '[Service]',
    `LimitNOFILE=${files}`,
    'LimitNPROC=4096',
    'LimitAS=infinity',
    'LimitFSIZE=infinity',
    'LimitDATA=infinity',
    'LimitSTACK=8M',
    'LimitCPU=infinity',
  ].join('\n');

const byHand = (files: string): string =>
  [
    'systemctl edit ims   # and put in:',
    unitText(files),
    `# then: systemctl restart ims. Without systemd, before ims run: ulimit -n ${files}; ulimit -v unlimited; ulimit -f unlimited; ulimit -d unlimited; ulimit -s 8192; ulimit -t unlimited`,
  ].join('\n');

/** Writes the limits beside the unit. */
async function dropIn(given: RepairParts, files: string): Promise<readonly Step[]> {
  const made = await given.changes.entry(DROP_IN);
  return [
    ...(made.ok ? [] : [{ do: 'make-directory' as const, path: DROP_IN, mode: 0o755 }]),
    { do: 'write-file', path: `${DROP_IN}/limits.conf`, content: `${unitText(files)}\n`, mode: 0o644 },
    { do: 'run', command: readUnits },
  ];
}

/** The number of the terminal that a process was started from; 0 where there is none (proc(5)). */
async function terminalOf({ parts: { host } }: RepairParts, pid: number): Promise<number> {
  const stat = await host?.text(`/proc/${pid}/stat`);
  const after = stat?.ok === true ? stat.value.slice(stat.value.lastIndexOf(')') + 2) : '';
  return Number(after.split(' ')[4] ?? 0);
}

/** Nobody may raise a hard limit here; a process that is started without it has none. */
async function startedAnew(given: RepairParts, { supervisor }: Running, files: string, wanted: Wanted): Promise<Plan> {
  const { host } = given.parts;
  if (host === undefined || supervisor === undefined) return person(byHand(files));
  const { self } = host;
  const status = await host.text(`/proc/${supervisor}/status`);
  const owner = status.ok ? statusNumbers(status.value, 'Uid')[0] : undefined;
  const facts = await processFacts(host, supervisor);
  const restart = unitCommand('restart', UNIT);
  if (facts?.unit === UNIT && restart !== undefined) {
    if (self.uid !== 0) return person(byHand(files));
    const list = await dropIn(given, files);
    return steps(`${UNIT} gets the limits it needs, and starts again with them.`, ...list, {
      do: 'run',
      command: restart,
    });
  }
  const own = await host.text('/proc/self/limits');
  const isFree =
    own.ok &&
    (Object.entries(wanted) as [LimitName, string][]).every(([name, value]) => {
      const hard = limitOf(own.value, name)?.hard;
      return hard !== undefined && isEnough(hard, name === 'Max open files' ? String(Number(value) / 4) : value);
    });
  // What a manager or a container started would be started again by that, with the same limits.
  if (!isFree || (self.uid !== 0 && self.uid !== owner) || (await terminalOf(given, supervisor)) === 0)
    return person(byHand(files));
  return steps(
    `The service, which was started by hand on a terminal under these limits, stops in order and starts again in the background without them. For later: ulimit -n ${files}; ulimit -f unlimited before ims run.`,
    { do: 'ask-service', action: 'stop' },
    { do: 'start-service', configuration: given.configuration.path },
  );
}

/** Limits belong to whoever starts the service; who has the right raises those of one that runs. */
export const raiseLimits: Repair = {
  id: 'host.limits',
  title: 'Raises limits of the running service, or starts it anew without them, and keeps that for the next start',
  checks: ['host.file-descriptors', 'host.process-limits', 'host.processes'],
  provenBy: 'host.process-limits',
  async plan(given) {
    const { finding } = given;
    if (finding === undefined) return nothing('the checks of the host find no limit that is too low');
    const files = /LimitNOFILE=(\d+)/.exec(cureOf(given))?.[1] ?? FILES_USUAL;
    const wanted: Wanted =
      finding.id === 'host.file-descriptors'
        ? { 'Max open files': files }
        : { 'Max address space': 'unlimited', 'Max file size': 'unlimited', 'Max data size': 'unlimited' };
    const running = await processesOf(given);
    const list = finding.id === 'host.processes' ? [] : await raising(given, running, wanted);
    if (list.length === 0) return person(byHand(files));
    if (!(await hasRight(given, SYS_RESOURCE))) return startedAnew(given, running, files, wanted);
    const facts =
      running.supervisor === undefined || given.parts.host === undefined
        ? undefined
        : await processFacts(given.parts.host, running.supervisor);
    const lasting = facts?.unit === UNIT && given.parts.host?.self.uid === 0 ? await dropIn(given, files) : [];
    const later =
      lasting.length > 0
        ? `${UNIT} gets them at its next start, too.`
        : `For the next start put LimitNOFILE=${files}, LimitAS=infinity and LimitFSIZE=infinity into the unit (systemctl edit ims).`;
    return steps(`The processes that run have the limits they need. ${later}`, ...list, ...lasting);
  },
};
