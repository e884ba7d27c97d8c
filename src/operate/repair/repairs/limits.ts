import { statusNumbers } from '../../doctor/facts/processes.ts';
import { type LimitName, processLimit } from '../host-command.ts';
import { cureOf, hasRight, nothing, person, steps, type Repair, type RepairParts } from '../repair.ts';
import type { Step } from '../step.ts';

const SYS_RESOURCE = 24n;
const FILES_USUAL = '65536';

/** Processes of the running service, the supervisor among them. */
async function processesOf({ parts: { service, host } }: RepairParts): Promise<readonly number[]> {
  const answer = await service?.ask();
  const all = answer?.kind === 'running' ? answer.status.processes : [];
  const children = all.flatMap(({ role, pid }) => (role === 'supervisor' ? [] : (pid ?? [])));
  const parents = await Promise.all(children.map((pid) => host?.text(`/proc/${pid}/status`)));
  const above = parents.flatMap((one) => (one?.ok === true ? statusNumbers(one.value, 'PPid') : []));
  const pids = [...above, ...children];
  return [...new Set(pids)].filter((pid) => pid > 1);
}

/** What raises limits of processes that run, those that start others first. */
async function raising(
  given: RepairParts,
  wanted: Readonly<Partial<Record<LimitName, string>>>,
): Promise<readonly Step[]> {
  const list: Step[] = [];
  for (const pid of await processesOf(given)) {
    const limits = await given.parts.host?.text(`/proc/${pid}/limits`);
    for (const [name, value] of Object.entries(wanted) as [LimitName, string][]) {
      const command = limits?.ok === true ? processLimit(pid, limits.value, name, value) : undefined;
      if (command !== undefined) list.push({ do: 'run', command });
    }
  }
  return list;
}

/** Limits belong to whoever starts the service; root may raise those of one that runs. */
export const raiseLimits: Repair = {
  id: 'host.limits',
  title: 'Raises limits of the running service, and says what to put into the systemd unit',
  checks: ['host.file-descriptors', 'host.process-limits', 'host.processes'],
  provenBy: 'host.process-limits',
  async plan(given) {
    if (given.finding === undefined) return nothing('the checks of the host find no limit that is too low');
    const files = /LimitNOFILE=(\d+)/.exec(cureOf(given))?.[1] ?? FILES_USUAL;
    const lasting = [
      'systemctl edit ims   # and put in:',
      '[Service]',
      `LimitNOFILE=${files}`,
      'LimitNPROC=4096',
      'LimitAS=infinity',
      'LimitFSIZE=infinity',
      'LimitDATA=infinity',
      `# then: systemctl restart ims. Without systemd, before ims run: ulimit -n ${files}; ulimit -v unlimited; ulimit -f unlimited; ulimit -d unlimited`,
    ].join('\n');
    if (!(await hasRight(given, SYS_RESOURCE))) return person(lasting);
    const wanted: Readonly<Partial<Record<LimitName, string>>> =
      given.finding.id === 'host.file-descriptors'
        ? { 'Max open files': files }
        : { 'Max address space': 'unlimited', 'Max file size': 'unlimited', 'Max data size': 'unlimited' };
    const list = given.finding.id === 'host.processes' ? [] : await raising(given, wanted);
    if (list.length === 0) return person(lasting);
    const next = `LimitNOFILE=${files}, LimitAS=infinity and LimitFSIZE=infinity`;
    return steps(
      `The processes that run have the limits they need. For the next start put ${next} into the unit (systemctl edit ims).`,
      ...list,
    );
  },
};
