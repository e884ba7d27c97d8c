import { errnoOf } from '../../../events/fault.ts';
import { showSize } from '../../../settings/show.ts';
import { defineCheck, type Parts } from '../check.ts';
import { mountOf, realPath } from '../facts/mounts.ts';
import { mappedLayers, swallowsSync } from '../facts/preload.ts';
import { limitedProcesses, serviceIdentity } from '../facts/service-identity.ts';
import { identityOf, may, showMode } from '../facts/users.ts';
import { evidenceMax, inodesMin, ownersLookedAt, probeBytes, syncSlowMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

const MB = 1024 ** 2;

const MEANINGS: Readonly<Record<string, { readonly means: string; readonly cure: (path: string) => string }>> = {
  ENOSPC: {
    means: 'the file system is full (no space left on device)',
    cure: (path) => `Free space: du -xh ${path} | sort -h | tail; df -i ${path} shows inodes`,
  },
  EDQUOT: {
    means: 'the quota of its user is used up',
    cure: (path) => `quota -v; raise it, or free space below ${path}`,
  },
  EROFS: {
    means: 'the file system is mounted read-only',
    cure: (path) => `dmesg | tail -50 for disk errors, then mount -o remount,rw of what holds ${path}`,
  },
  EIO: {
    means: 'the disk does not work (input/output error)',
    cure: () => 'dmesg | tail -50, smartctl -a of the disk; replace it, nothing on it can be trusted',
  },
  EFBIG: {
    means: 'the size of files is limited (RLIMIT_FSIZE, ulimit -f)',
    cure: () => 'LimitFSIZE=infinity in the unit, or ulimit -f unlimited',
  },
  EMFILE: { means: 'no file descriptor is left', cure: () => 'LimitNOFILE=65536 in the unit' },
  ESTALE: { means: 'the network file system lost it', cure: (path) => `umount and mount what holds ${path} again` },
};

async function probe(disk: Parts['disk'], path: string): Promise<void> {
  const file = await disk.open(path, 'create', 0o600);
  try {
    await file.writev([Buffer.alloc(probeBytes, 0x2e)], 0);
    await file.sync();
  } finally {
    await file.close();
    await disk.unlink(path);
  }
}

/** A library that makes every sync do nothing: meant for tests and installers, and forgotten. */
async function syncSwallowed(parts: Pick<Parts, 'settings' | 'host' | 'service'>): Promise<Verdict | undefined> {
  for (const pid of await limitedProcesses(parts)) {
    const library = (await mappedLayers(parts.host, pid))?.find(swallowsSync);
    if (library !== undefined)
      return unhealthy(
        `${library} makes every sync of the service do nothing: mail that was accepted is lost when the host stops.`,
        { cure: `Start the service without it: take ${library} out of LD_PRELOAD or /etc/ld.so.preload` },
        [row(`libraries of process ${pid}`, 'none that swallows syncs', library)],
      );
  }
  return undefined;
}

/** Acceptance is a promise that a sync makes. */
export const syncWorks = defineCheck({
  id: 'storage.sync',
  number: 208,
  title: 'Writing to stable storage works, and is quick',
  why: 'A message is acknowledged when its sync has ended: a slow disk makes every session slow, and one that fails stops them.',
  needs: ['settings', 'disk', 'host', 'clock', 'random', 'service'],
  after: ['storage.data-directory', 'storage.file-system-writable', 'storage.space'],
  cost: 'host',
  deadlineMs: 6000,
  async look({ settings, disk, host, clock, random, service }) {
    const swallowed = await syncSwallowed({ settings, host, service });
    if (swallowed !== undefined) return swallowed;
    const directory = settings.server.data;
    const path = `${directory}/.probe-${random.bytes(6).toString('hex')}`;
    const began = clock.now();
    try {
      await probe(disk, path);
    } catch (error) {
      const errno = errnoOf(error);
      const evidence = [row(`write, sync and remove a file in ${directory}`, 'works', errno)];
      if ((errno === 'EACCES' || errno === 'EPERM') && host.self.uid !== 0)
        return unknown(`this user may not write in ${directory}; run it as root or as the service user`, evidence);
      const known = MEANINGS[errno];
      return unhealthy(
        `Nothing can be written and synced in ${directory}: ${known?.means ?? 'the system refuses it'} (${errno}). No mail can be accepted.`,
        { cure: known?.cure(directory) ?? `ls -ld ${directory}; dmesg | tail -50`, event: 4900 },
        evidence,
      );
    }
    const ms = Math.round(clock.now() - began);
    const evidence = [row(`write, sync and remove a file in ${directory}`, `within ${syncSlowMs} ms`, `${ms} ms`)];
    if (ms <= syncSlowMs) return healthy(evidence);
    return unhealthy(
      `A sync of a small file in ${directory} takes ${ms} ms: every message that is accepted waits for one.`,
      { cure: 'iostat -x 1 shows what keeps the disk busy; move other load away, or server.data to a quicker disk' },
      evidence,
    );
  },
});

/** Entries below the data directory that the service writes to. */
const OURS = ['queue', 'run', 'events', 'tracking', 'tls', 'mail', 'snapshots'];

/** A volume that was restored brings foreign numbers. */
export const ownersOne = defineCheck({
  id: 'storage.owner',
  number: 209,
  title: 'Everything in the data directory belongs to the user of the service',
  why: 'Files that were restored or moved from another host, or made by root, belong to numbers that mean somebody else here: the service may not write them (EACCES).',
  needs: ['settings', 'host', 'service'],
  after: ['configuration.loads', 'host.service-user'],
  cost: 'host',
  async look({ settings, host, service }) {
    const { data } = settings.server;
    const top = await host.file(data);
    if (!top.ok)
      return top.errno === 'ENOENT'
        ? notApplicable('there is no data directory yet')
        : unknown(`${data}: ${top.errno}`);
    const who = await serviceIdentity({ settings, host, service });
    if (who === undefined) return unknown('it cannot be seen which user the service works as');
    const paths = [data, ...OURS.map((name) => `${data}/${name}`)];
    const shards = await host.names(`${data}/queue`);
    for (const shard of (shards.ok ? shards.value : []).slice(0, ownersLookedAt)) {
      paths.push(`${data}/queue/${shard}`);
      const files = await host.names(`${data}/queue/${shard}`);
      for (const name of (files.ok ? files.value : []).slice(0, ownersLookedAt))
        paths.push(`${data}/queue/${shard}/${name}`);
    }
    const foreign: { readonly path: string; readonly uid: number; readonly mode: number }[] = [];
    let looked = 0;
    for (const path of paths) {
      const file = await host.file(path);
      if (!file.ok || file.value.kind === 'socket') continue;
      looked += 1;
      const { uid, mode } = file.value;
      // The supervisor writes its own part as root.
      if (uid === who.uid || uid === 0 || may(who, 2, file.value)) continue;
      foreign.push({ path, uid, mode });
    }
    const evidence: Evidence[] = [
      row('looked at', 'files and directories', String(looked)),
      ...foreign
        .slice(0, evidenceMax)
        .map(({ path, uid, mode }) => row(path, who.words, `uid ${uid}, mode ${showMode(mode)}`)),
    ];
    const first = foreign[0];
    if (first === undefined) return healthy(evidence);
    const owner = await identityOf(host, String(first.uid));
    const known = owner?.words.includes('(') === true ? owner.words : `uid ${first.uid} (no such user)`;
    return unhealthy(
      `${first.path === data ? 'The data directory' : first.path} ${foreign.length === 1 ? '' : `and ${foreign.length - 1} more `}${foreign.length === 1 ? 'belongs' : 'belong'} to ${known}, and the service works as ${who.words}, who may not write there (EACCES): restored from elsewhere, or made by another user.`,
      { cure: `chown -R ${who.uid}:${who.gids[0] ?? who.uid} ${data}`, event: 4752 },
      evidence,
    );
  },
});

/** Parts of the data directory may be volumes of their own. */
export const logSpace = defineCheck({
  id: 'storage.log-space',
  number: 210,
  title: 'There is space for the event log, the tracking log and mailboxes on volumes of their own',
  why: 'A full log disk stops no mail, but its history is lost from then on.',
  needs: ['settings', 'host', 'disk'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, disk }) {
    const { data } = settings.server;
    const mounts = await host.text('/proc/self/mountinfo');
    if (!mounts.ok) return unknown('/proc/self/mountinfo cannot be read');
    const main = mountOf(mounts.value, await realPath(host, data));
    const evidence: Evidence[] = [];
    const found: { readonly path: string; readonly full: string }[] = [];
    for (const path of [`${data}/events`, `${data}/tracking`, '/tmp', '/var/log', '/run']) {
      const mount = mountOf(mounts.value, await realPath(host, path));
      const file = await host.file(path);
      // What nobody writes to, such as an image of the system, is full by nature.
      if (!file.ok || mount === undefined || mount.at === main?.at || mount.readOnly) continue;
      const { freeBytes, totalBytes, freeInodes } = await disk.space(path);
      const inodes = freeInodes === 0 && freeBytes > 0 ? 'none counted' : String(freeInodes);
      evidence.push(
        row(
          `free at ${path} (${mount.at})`,
          `${showSize(MB)} and ${inodesMin} inodes or more`,
          `${showSize(freeBytes)} of ${showSize(totalBytes)}, ${inodes} inodes`,
        ),
      );
      if (totalBytes > 0 && freeBytes < Math.min(MB, totalBytes / 50)) found.push({ path, full: 'full (ENOSPC)' });
      else if (freeInodes > 0 && freeInodes < 16) found.push({ path, full: `out of inodes (${freeInodes} left)` });
    }
    if (evidence.length === 0) return notApplicable('they are on the file system of the data directory');
    const first = found.find(({ path }) => path.startsWith(data)) ?? found[0];
    if (first === undefined) return healthy(evidence);
    const log = first.path.startsWith(data);
    return unhealthy(
      `The file system of ${log ? 'the log directory ' : ''}${first.path} is ${first.full}: ${log ? 'events and the history of messages are lost while mail flows' : 'logs and programs of this host that write there fail'}.`,
      {
        cure: `du -xh ${first.path} | sort -h | tail shows what is large there; remove it, or give the file system more room${log ? '; events.retention and events.sizeMax keep it small' : ''}`,
        event: 3511,
      },
      evidence,
    );
  },
});
