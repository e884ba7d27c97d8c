import { runDirectoryOf } from '../../doctor/parts.ts';
import { nothing, person, steps, type Repair } from '../repair.ts';
import type { Step } from '../step.ts';

/** Sockets of a service that was killed. A start removes them by itself; this does it for a host that cannot wait. */
export const dropDeadSockets: Repair = {
  id: 'service.dead-sockets',
  title: 'Removes locks and sockets that a killed service left behind',
  checks: ['service.instance-lock'],
  provenBy: 'service.instance-lock',
  async plan({ parts: { settings, disk, service }, changes }) {
    if (settings === undefined || disk === undefined)
      return person('ims config check says why the settings do not load');
    if ((await service?.ask())?.kind === 'running') return nothing('the service runs, and they are its own');
    const directory = runDirectoryOf(settings);
    const names = (await disk.entry(directory)) === undefined ? [] : await disk.list(directory);
    const paths = [
      ...names.map((name) => `${directory}/${name}`),
      ...Object.values(settings.listeners).flatMap(({ address }) =>
        [address].flat().filter((one) => one.startsWith('/')),
      ),
    ];
    const list: Step[] = [];
    for (const path of paths) {
      const entry = await changes.entry(path);
      if (entry.ok && entry.value.kind === 'socket' && !(await changes.socketAnswers(path)))
        list.push({ do: 'remove-dead-socket', path });
    }
    return list.length === 0
      ? nothing('no dead socket is there')
      : steps('What a killed service left behind goes.', ...list);
  },
};
