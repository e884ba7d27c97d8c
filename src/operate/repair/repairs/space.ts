import { showSize } from '../../../settings/show.ts';
import { mountOf, realPath } from '../../doctor/facts/mounts.ts';
import { largestShown } from '../limits.ts';
import { cureOf, nothing, person, type Repair, type RepairParts } from '../repair.ts';

const KB = 1024;
const DEPTH = 3;

/** The largest directories of the file system that holds a path, as du(1) counts them; none where it takes too long. */
async function largest({ parts: { host } }: RepairParts, path: string): Promise<readonly string[]> {
  const mounts = await host?.text('/proc/self/mountinfo');
  if (host === undefined || mounts?.ok !== true) return [];
  const at = mountOf(mounts.value, await realPath(host, path))?.at;
  if (at === undefined) return [];
  const counted = await host.output('du', '-a', '-x', '-k', '-d', String(DEPTH), at);
  const lines = counted.ok ? counted.value.split('\n') : [];
  const found = lines.flatMap((line) => {
    const [kb, name] = [Number.parseInt(line, 10), line.slice(line.indexOf('\t') + 1)];
    return Number.isSafeInteger(kb) && name !== at ? [{ bytes: kb * KB, name }] : [];
  });
  // What is in a directory that is shown says more than the directory.
  const telling = found.filter(
    (one) => !found.some(({ name, bytes }) => name.startsWith(`${one.name}/`) && bytes > one.bytes / 2),
  );
  return telling
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, largestShown)
    .map(({ bytes, name }) => `${showSize(bytes)} ${name}`);
}

/** What fills a file system is somebody's: only he may say what can go. */
export const nameTheLargest: Repair = {
  id: 'storage.room',
  title: 'Says what is largest on a file system that is full',
  checks: ['storage.space'],
  provenBy: 'storage.space',
  async plan(given) {
    const { settings } = given.parts;
    if (settings === undefined || given.finding === undefined) return nothing('there is space');
    const list = await largest(given, settings.server.data);
    return person(list.length === 0 ? cureOf(given) : `${cureOf(given)}\nLargest there: ${list.join(', ')}`);
  },
};
