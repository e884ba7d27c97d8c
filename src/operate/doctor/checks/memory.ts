import type { Host } from '../../../world/ports/host.ts';
import { defineCheck, type Parts } from '../check.ts';
import { limitedProcesses, serviceIdentity, workersOf } from '../facts/service-identity.ts';
import { memoryMin, memoryShareMax, threadsOfProcess, threadsSpare } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

const MB = 1024 ** 2;
const mb = (bytes: number): string => (Number.isFinite(bytes) ? `${Math.floor(bytes / MB)}MB` : 'unlimited');

const meminfo = (text: string, key: string): number | undefined => {
  const kb = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return kb === undefined ? undefined : Number(kb) * 1024;
};

const CGROUPS = '/sys/fs/cgroup';

/** The control groups of a process, the innermost first: each of them may set a limit. */
async function groupsOf(host: Host, pid: number | 'self'): Promise<readonly string[]> {
  const text = await host.text(`/proc/${pid}/cgroup`);
  const path = text.ok ? /^0::(\/.*)$/m.exec(text.value)?.[1] : undefined;
  if (path === undefined) return [];
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, index) => {
    const inner = parts.slice(0, parts.length - index).join('/');
    return inner === '' ? CGROUPS : `${CGROUPS}/${inner}`;
  });
}

async function numberIn(host: Host, path: string): Promise<number | undefined> {
  const text = await host.text(path);
  if (!text.ok) return undefined;
  return text.value.trim() === 'max' ? Number.POSITIVE_INFINITY : Number(text.value.trim());
}

interface GroupMemory {
  readonly group: string;
  readonly max: number;
  /** Without what the system can take back at once. */
  readonly used: number;
  readonly kills: number;
}

async function tightest(host: Host, pid: number | 'self'): Promise<GroupMemory | undefined> {
  let found: GroupMemory | undefined;
  for (const group of await groupsOf(host, pid)) {
    const max = await numberIn(host, `${group}/memory.max`);
    if (max === undefined || !Number.isFinite(max) || max >= (found?.max ?? Number.POSITIVE_INFINITY)) continue;
    const [current, stat, events] = await Promise.all([
      numberIn(host, `${group}/memory.current`),
      host.text(`${group}/memory.stat`),
      host.text(`${group}/memory.events`),
    ]);
    const of = (key: string): number =>
      Number(new RegExp(`^${key} (\\d+)`, 'm').exec(stat.ok ? stat.value : '')?.[1] ?? 0);
    const cache = of('inactive_file') + of('active_file') + of('slab_reclaimable');
    const kills = Number(/^oom_kill (\d+)/m.exec(events.ok ? events.value : '')?.[1] ?? 0);
    found = { group, max, used: Math.max(0, (current ?? 0) - cache), kills };
  }
  return found;
}

/** The cache of ZFS, which it gives back and the system counts as used. */
async function givenBackByZfs(host: Host): Promise<number> {
  const text = await host.text('/proc/spl/kstat/zfs/arcstats');
  const of = (key: string): number =>
    Number(new RegExp(`^${key}\\s+\\d+\\s+(\\d+)`, 'm').exec(text.ok ? text.value : '')?.[1] ?? 0);
  return Math.max(0, of('size') - of('c_min'));
}

/** Without memory the system ends processes, and chooses which. */
export const memoryThere = defineCheck({
  id: 'host.memory',
  number: 616,
  title: 'There is enough memory for the service',
  why: 'Where memory ends the system kills a process: a worker dies without a word, and its sessions with it.',
  needs: ['host', 'service'],
  after: [],
  cost: 'host',
  async look({ host, service }) {
    const info = await host.text('/proc/meminfo');
    const workers = await workersOf({ service });
    const group = await tightest(host, workers[0] ?? 'self');
    const evidence: Evidence[] = [];
    if (info.ok) {
      const shown = meminfo(info.value, 'MemAvailable');
      const available = shown === undefined ? undefined : shown + (await givenBackByZfs(host));
      const swap = meminfo(info.value, 'SwapFree') ?? 0;
      evidence.push(
        row(
          'memory that can be had',
          `${mb(memoryMin)} or more`,
          available === undefined ? 'not shown' : `${mb(available)}, and ${mb(swap)} swap`,
        ),
      );
      // What runs already has its share.
      if (available !== undefined && available + swap < (workers.length > 0 ? memoryMin / 4 : memoryMin))
        return unhealthy(
          `Only ${mb(available + swap)} of memory are left on this host: the system may end a process of the service at any time.`,
          { cure: 'ps aux --sort=-rss | head shows who has it; stop what is not needed, or add memory or swap' },
          evidence,
        );
    }
    if (group !== undefined) {
      evidence.push(
        row(`memory.max of ${group.group}`, `${mb(memoryMin)} or more`, `${mb(group.max)}, ${mb(group.used)} in use`),
      );
      if (group.kills > 0) evidence.push(row('processes that the system has killed there', '0', String(group.kills)));
      const cure = {
        cure: `Raise the limit: MemoryMax= in the unit (systemctl edit ims), --memory of the container, or ${group.group}/memory.max`,
      };
      if (group.max < memoryMin)
        return unhealthy(
          `The control group ${group.group} allows ${mb(group.max)} of memory, and the service needs ${mb(memoryMin)}: the system ends its processes.`,
          cure,
          evidence,
        );
      if (group.used > group.max * memoryShareMax)
        return unhealthy(
          `The control group ${group.group} has used ${mb(group.used)} of its ${mb(group.max)} of memory${group.kills > 0 ? `, and the system has killed ${group.kills} processes there` : ''}.`,
          cure,
          evidence,
        );
    }
    return evidence.length === 0
      ? unknown('neither /proc/meminfo nor the control groups can be read')
      : healthy(evidence);
  },
});

/** Processes and threads of the service at the least. */
function threadsNeeded({ settings }: Pick<Parts, 'settings'>): number {
  return ((settings.server.workers ?? 1) + 2) * threadsOfProcess;
}

/** Each worker is a process with threads. */
export const processesAllowed = defineCheck({
  id: 'host.processes',
  number: 617,
  title: 'The service may have as many processes and threads as it needs',
  why: 'Node starts threads with every process; where no more are allowed a worker ends at its start, or hangs.',
  needs: ['settings', 'host', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, service }) {
    const workers = await workersOf({ service });
    const [pid = 'self'] = await limitedProcesses({ settings, host, service });
    const needed = threadsNeeded({ settings });
    const evidence: Evidence[] = [];
    const limits = await host.text(`/proc/${pid}/limits`);
    const [, soft = ''] = /^Max processes\s+(\S+)/m.exec(limits.ok ? limits.value : '') ?? [];
    const who = await serviceIdentity({ settings, host, service });
    if (soft !== '' && who !== undefined) {
      const allowed = soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
      evidence.push(row(`processes and threads of ${who.words}`, `${needed} or more`, soft));
      // The limit does not bind root.
      if (who.uid !== 0 && allowed < needed)
        return unhealthy(
          `${who.words} may have ${soft} processes and threads (RLIMIT_NPROC, ulimit -u), and the service needs ${needed}.`,
          {
            cure: `LimitNPROC=${needed * 4} in the unit, or ulimit -u ${needed * 4}, or a line in /etc/security/limits.conf`,
          },
          evidence,
        );
    }
    for (const group of await groupsOf(host, pid)) {
      const [max, current] = await Promise.all([
        numberIn(host, `${group}/pids.max`),
        numberIn(host, `${group}/pids.current`),
      ]);
      if (max === undefined || !Number.isFinite(max)) continue;
      const wanted = workers.length > 0 ? (current ?? 0) + threadsOfProcess : (current ?? 0) + needed;
      evidence.push(row(`pids.max of ${group}`, `${wanted} or more`, `${max}, ${current ?? 'unknown'} in use`));
      if (max < wanted)
        return unhealthy(
          `The control group ${group} allows ${max} processes and threads, and ${current ?? 'some'} are in use: a worker that ends cannot be started again.`,
          {
            cure: `Raise it: TasksMax= in the unit (systemctl edit ims), --pids-limit of the container, or ${group}/pids.max`,
          },
          evidence,
        );
    }
    return evidence.length === 0 ? unknown('the limits cannot be read') : healthy(evidence);
  },
});

/** Files and threads of the whole host. */
export const hostTables = defineCheck({
  id: 'host.tables',
  number: 618,
  title: 'The host has files and threads left',
  why: 'Where fs.file-max or kernel.threads-max is reached every program of the host fails (ENFILE, EAGAIN).',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const [files, load, threads] = await Promise.all([
      host.text('/proc/sys/fs/file-nr'),
      host.text('/proc/loadavg'),
      host.text('/proc/sys/kernel/threads-max'),
    ]);
    if (!files.ok && !threads.ok) return notApplicable('this system shows no such tables');
    const evidence: Evidence[] = [];
    if (files.ok) {
      const [used = 0, , most = 0] = files.value.trim().split(/\s+/).map(Number);
      evidence.push(row('open files of the host', `well below ${most} (fs.file-max)`, String(used)));
      if (most > 0 && used > most * memoryShareMax)
        return unhealthy(
          `This host has ${used} of ${most} files open (fs.file-max): soon no program can open one.`,
          {
            cure: `sysctl -w fs.file-max=${most * 4}; lsof | awk '{print $1}' | sort | uniq -c | sort -n | tail shows who has them`,
          },
          evidence,
        );
    }
    const total = Number(/\d+\/(\d+)/.exec(load.ok ? load.value : '')?.[1] ?? 0);
    const most = threads.ok ? Number(threads.value.trim()) : 0;
    if (most > 0) {
      evidence.push(row('threads of the host', `well below ${most} (kernel.threads-max)`, String(total)));
      if (total + threadsSpare > most)
        return unhealthy(
          `This host has ${total} of ${most} threads (kernel.threads-max): soon no program can start one.`,
          {
            cure: `sysctl -w kernel.threads-max=${most * 4}; ps -eLf | awk '{print $1}' | sort | uniq -c shows who has them`,
          },
          evidence,
        );
    }
    const [tracked, trackable] = await Promise.all(
      ['count', 'max'].map((fact) => numberIn(host, `/proc/sys/net/netfilter/nf_conntrack_${fact}`)),
    );
    if (tracked !== undefined && trackable !== undefined) {
      evidence.push(row('connections that the firewall tracks', `well below ${trackable}`, String(tracked)));
      if (tracked > trackable * memoryShareMax)
        return unhealthy(
          `The firewall of this host tracks ${tracked} of ${trackable} connections (nf_conntrack_max): new ones are dropped silently.`,
          {
            cure: `sysctl -w net.netfilter.nf_conntrack_max=${trackable * 4}; conntrack -S and conntrack -L show what fills it`,
          },
          evidence,
        );
    }
    return healthy(evidence);
  },
});
