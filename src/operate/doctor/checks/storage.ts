import { spoolMarkerName } from '../../config/spool-marker.ts';
import { showSize } from '../../../settings/show.ts';
import { defineCheck, type Parts } from '../check.ts';
import { isNetworkFileSystem, mountOf, realPath, type Mount } from '../facts/mounts.ts';
import { serviceIdentity } from '../facts/service-identity.ts';
import { closedAbove, mayMakeIn, modeItself, showMode } from '../facts/users.ts';
import { inodesMin } from '../limits.ts';
import { runDirectoryOf } from '../parts.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

const OTHERS_WRITE = 0o022;
const OTHERS = 0o077;
const MB = 1024 ** 2;

/** What the sign beside the configuration says of an earlier spool; undefined where there is none. */
async function spoolBefore(
  { configuration, host }: Pick<Parts, 'configuration' | 'host'>,
  data: string,
): Promise<string | undefined> {
  const name = spoolMarkerName(configuration.path);
  const text = await host.text(name);
  return text.ok && text.value.split('\n').includes(`data ${data}`) ? `says ${name}` : undefined;
}

/** The directory that everything is kept in. */
export const dataDirectory = defineCheck({
  id: 'storage.data-directory',
  number: 201,
  title: 'The data directory is there, and the service may write in it',
  why: 'Queue, events and mailboxes are kept there. Without it nothing may be accepted, because it could be lost.',
  needs: ['configuration', 'settings', 'host', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ configuration, settings, host, service }) {
    const path = settings.server.data;
    const read = await host.file(path);
    const who = await serviceIdentity({ settings, host, service });
    if (!read.ok && read.errno === 'EACCES')
      return unknown(`this user may not look at ${path}; run it as root or as the service user`);
    if (!read.ok && (read.errno === 'ELOOP' || read.errno === 'ENOTDIR'))
      return unhealthy(
        read.errno === 'ELOOP'
          ? `The data directory ${path} is behind symbolic links that lead round in a circle (ELOOP).`
          : `The way to the data directory ${path} leads through something that is no directory (ENOTDIR).`,
        { cure: `namei -l ${path} shows each step of the way; correct the link that is wrong`, event: 4754 },
        [row(path, 'a directory', read.errno)],
      );
    if (!read.ok) {
      const before = await spoolBefore({ configuration, host }, path);
      const link = await host.link(path);
      if (link.ok)
        return unhealthy(
          `The data directory ${path} is a symbolic link to ${link.value}, and nothing is there.`,
          {
            cure: `namei -l ${path} shows each step of the way; mount the volume that holds ${link.value}, or correct the link`,
            event: before === undefined ? 4754 : 4753,
          },
          [row(path, 'a directory', `a link to ${link.value}`), row(link.value, 'there', read.errno)],
        );
      const seen = [
        row(path, 'a directory', read.errno),
        row('a spool was here before', 'no, or it is there', before ?? 'nothing says so'),
      ];
      return before === undefined
        ? unhealthy(
            `The data directory ${path} does not exist: either the service was never started here, or a volume is not mounted.`,
            { cure: `Mount the volume that holds ${path}; for a first start: mkdir -m 700 ${path}`, event: 4752 },
            seen,
          )
        : unhealthy(
            `The data directory ${path}, which held a spool (${before}), does not exist: its volume is not mounted. Nothing is made anew in its place.`,
            {
              cure: `findmnt -T ${path} shows what is mounted; mount the volume that holds ${path} (mount -a, systemctl status '*.mount')`,
              event: 4753,
            },
            seen,
          );
    }
    const { value: file } = read;
    const evidence = [
      row(path, 'a directory', file.kind),
      row(`mode of ${path}`, 'writable by its owner only', showMode(file.mode)),
    ];
    if (file.kind !== 'directory')
      return unhealthy(
        `${path} is not a directory.`,
        { cure: `mv ${path} ${path}.old && mkdir -m 700 ${path}`, event: 4754 },
        evidence,
      );
    if ((file.mode & OTHERS_WRITE) !== 0 && ((await modeItself(host, path, file.mode)) & OTHERS_WRITE) !== 0)
      return unhealthy(
        `Other users may write in ${path}: they could put mail into the queue or take it away.`,
        { cure: `chmod go-w ${path}` },
        evidence,
      );
    if (who === undefined) return unknown('it cannot be seen which user the service works as', evidence);
    const closed = await closedAbove(host, who, path);
    if (closed !== undefined)
      return unhealthy(
        `${who.words} may not enter ${closed}, so that it does not reach its data directory.`,
        { cure: `chmod o+x ${closed}, or set server.data to a directory below /var/lib`, event: 4754 },
        [...evidence, row(closed, `${who.words} may enter`, 'it may not')],
      );
    evidence.push(row(`owner of ${path}`, who.words, `uid ${file.uid}`));
    // A start as root gives the directory to server.user by itself.
    const willBeGiven =
      settings.server.user !== undefined && host.self.uid === 0 && (await service.ask()).kind !== 'running';
    if (await mayMakeIn(host, who, path, file)) return healthy(evidence);
    if (willBeGiven) return healthy([...evidence, row('start as root', 'gives it to server.user', 'not started yet')]);
    return unhealthy(
      `The data directory belongs to uid ${file.uid}, and ${who.words} may not write in it.`,
      { cure: `chown -R ${who.uid}:${who.gids[0] ?? who.uid} ${path}`, event: 4754 },
      evidence,
    );
  },
});

/** Directories that hold mail, and the one whose socket commands the service, are for the service alone. */
export const privateDirectories = defineCheck({
  id: 'storage.private',
  number: 202,
  title: 'Nobody else enters the queue and the directory of the control socket',
  why: 'The queue holds the mail of everybody, and whoever may enter the run directory may command the service.',
  needs: ['settings', 'host'],
  after: ['storage.data-directory'],
  cost: 'host',
  async look({ settings, host }) {
    const evidence: Evidence[] = [];
    const open: string[] = [];
    const { data } = settings.server;
    const places = [runDirectoryOf(settings), `${data}/queue`];
    for (const path of [...places, `${data}/events`, `${data}/timeline`]) {
      const read = await host.file(path);
      if (!read.ok) continue;
      if (read.value.kind !== 'directory')
        return unhealthy(
          `${path} is a ${read.value.kind}, where a directory of the service belongs: it cannot run until that is gone.`,
          { cure: `mv ${path} ${path}.old (the service makes the directory)`, event: 4754 },
          [row(path, 'a directory', read.value.kind)],
        );
      if (!places.includes(path)) continue;
      evidence.push(row(`mode of ${path}`, '700', showMode(read.value.mode)));
      if ((read.value.mode & OTHERS) !== 0) open.push(path);
    }
    if (open.length === 0)
      return evidence.length === 0 ? notApplicable('they are made at the first start') : healthy(evidence);
    return unhealthy(`Other users may enter ${open.join(' and ')}.`, { cure: `chmod 700 ${open.join(' ')}` }, evidence);
  },
});

/** File systems that make inodes as they go, and count none. */
const MAKES_INODES = /^(?:btrfs|zfs|bcachefs|reiserfs|vfat|exfat|9p|virtiofs|fuse.*|nfs\d?|cifs|overlay)$/;

async function countsInodes(host: Parts['host'], path: string): Promise<boolean> {
  const text = await host.text('/proc/self/mountinfo');
  const mount = text.ok ? mountOf(text.value, await realPath(host, path)) : undefined;
  return mount !== undefined && !MAKES_INODES.test(mount.type);
}

/** Space and inodes. */
export const space = defineCheck({
  id: 'storage.space',
  number: 203,
  title: 'There is space for mail',
  why: 'Below queue.spaceFloor new mail is refused with 452 4.3.1, so that what was accepted can still be delivered.',
  needs: ['settings', 'disk', 'host'],
  after: ['storage.data-directory'],
  cost: 'host',
  async look({ settings, disk, host }) {
    const path = settings.server.data;
    const { freeBytes, totalBytes, freeInodes, totalInodes } = await disk.space(path);
    const { spaceFloor } = settings.queue;
    const countsNone = totalInodes === 0 || (freeInodes === 0 && !(await countsInodes(host, path)));
    const mb = (bytes: number): string => `${Math.floor(bytes / MB)}MB`;
    const evidence = [
      row(
        `free space at ${path}`,
        `at least ${showSize(spaceFloor)} (queue.spaceFloor)`,
        `${mb(freeBytes)} of ${mb(totalBytes)}`,
      ),
      // Some file systems make inodes as they go and count none.
      row(`free inodes at ${path}`, `at least ${inodesMin}`, countsNone ? 'none counted' : String(freeInodes)),
    ];
    if (freeBytes < spaceFloor)
      return unhealthy(
        `The file system of ${path} ${freeBytes < MB ? `is full (${mb(freeBytes)} of ${mb(totalBytes)} free, ENOSPC)` : `has ${mb(freeBytes)} left`}, less than queue.spaceFloor: new mail is refused with 452 4.3.1.`,
        {
          cure: `Free space there (du -xh ${path} | sort -h | tail shows where it went), or move server.data to a larger volume`,
          event: 3018,
        },
        evidence,
      );
    if (!countsNone && freeInodes < inodesMin)
      return unhealthy(
        `The file system of ${path} ${freeInodes === 0 ? 'has no inodes left (ENOSPC): no file can be made there' : `has only ${freeInodes} inodes left: soon no file can be made there`}, whatever the free space.`,
        {
          cure: `Remove files there that are not needed (find ${path} -xdev | wc -l), or make the file system anew with more inodes`,
        },
        evidence,
      );
    return healthy(evidence);
  },
});

async function mountUnder({ settings, host }: Pick<Parts, 'settings' | 'host'>): Promise<Mount | undefined> {
  const text = await host.text('/proc/self/mountinfo');
  return text.ok ? mountOf(text.value, await realPath(host, settings.server.data)) : undefined;
}

/** A file system turns read-only by itself after errors of its disk. */
export const writableFileSystem = defineCheck({
  id: 'storage.file-system-writable',
  number: 204,
  title: 'The file system of the queue is mounted for writing',
  why: 'Linux remounts a file system read-only when its disk fails; then nothing can be accepted or recorded.',
  needs: ['settings', 'host'],
  after: ['storage.data-directory'],
  cost: 'host',
  async look({ settings, host }) {
    const mount = await mountUnder({ settings, host });
    if (mount === undefined) return unknown('/proc/self/mountinfo cannot be read');
    const evidence = [row(`${mount.source} at ${mount.at}`, 'mounted rw', mount.readOnly ? 'ro' : 'rw')];
    if (!mount.readOnly) return healthy(evidence);
    return unhealthy(
      `The file system at ${mount.at}, which holds ${settings.server.data}, is mounted read-only.`,
      { cure: `Look for disk errors (dmesg | tail -50), then: mount -o remount,rw ${mount.at}`, event: 4754 },
      evidence,
    );
  },
});

/** Locks and syncs of network file systems do not promise enough. */
export const localFileSystem = defineCheck({
  id: 'storage.file-system-local',
  number: 205,
  title: 'The queue is on a disk of this host',
  why: 'Network file systems do not promise that a sync is on stable storage, nor that a lock excludes others.',
  needs: ['settings', 'host'],
  after: ['storage.data-directory'],
  cost: 'host',
  async look({ settings, host }) {
    const mount = await mountUnder({ settings, host });
    if (mount === undefined) return unknown('/proc/self/mountinfo cannot be read');
    const evidence = [row(`file system at ${mount.at}`, 'a local one', mount.type)];
    if (!isNetworkFileSystem(mount)) return healthy(evidence);
    return unhealthy(
      `The queue is on the network file system ${mount.source} (${mount.type}): accepted mail can be lost there.`,
      { cure: 'Set server.data to a directory on a local disk; mailboxes may stay where they are (delivery.maildir)' },
      evidence,
    );
  },
});
