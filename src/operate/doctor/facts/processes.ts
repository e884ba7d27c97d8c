import type { Host } from '../../../world/ports/host.ts';
import { descriptorsMax, processesMax } from '../limits.ts';

/** A process of this host, as people know it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly program: string;
  /** The unit of systemd that it belongs to. */
  readonly unit?: string;
}

/** The unit in the text of /proc/PID/cgroup: the innermost .service or .scope. */
export function unitOf(cgroup: string): string | undefined {
  for (const line of cgroup.split('\n')) {
    const path = line.split(':').slice(2).join(':');
    const unit = path
      .split('/')
      .reverse()
      .find((part) => /\.(?:service|socket)$/.test(part));
    if (unit !== undefined) return unit.replace(/\\x2d/g, '-');
  }
  return undefined;
}

/** Names that runtimes give to their first thread. */
const THREAD_NAMES = /main ?thread|^(?:node|v8)/i;

/** The name that a process has given itself, where it is another than that of its program. */
function calledItself(program: string, comm: string): string | undefined {
  const name = comm.trim();
  // The kernel keeps 15 octets of it.
  return name === '' || THREAD_NAMES.test(name) || program.split(' ').some((word) => word.startsWith(name))
    ? undefined
    : name;
}

/** The program in the text of /proc/PID/cmdline: its name, and with an interpreter the script too. */
export function programOf(cmdline: string, comm: string): string {
  const words = cmdline.split('\0').filter((word) => word !== '');
  const base = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  const first = base(words[0] ?? comm.trim());
  if (!/^(?:node|python[\d.]*|perl|ruby|java|bash|sh)$/.test(first)) return first;
  const script = words.slice(1).find((word) => !word.startsWith('-'));
  return script === undefined || /\s/.test(script) ? first : `${first} ${base(script)}`;
}

/** What a process is; undefined where it has ended. */
export async function processFacts(host: Host, pid: number): Promise<ProcessFacts | undefined> {
  const [cmdline, comm, cgroup] = await Promise.all([
    host.text(`/proc/${pid}/cmdline`),
    host.text(`/proc/${pid}/comm`),
    host.text(`/proc/${pid}/cgroup`),
  ]);
  if (!comm.ok) return undefined;
  const unit = cgroup.ok ? unitOf(cgroup.value) : undefined;
  const program = programOf(cmdline.ok ? cmdline.value : '', comm.value);
  const name = calledItself(program, comm.value);
  return {
    pid,
    program: name === undefined ? program : `${name}, started as ${program}`,
    ...(unit === undefined ? {} : { unit }),
  };
}

/** Says a process in words. */
export function processInWords({ pid, program, unit }: ProcessFacts): string {
  return `${program} (pid ${pid}${unit === undefined ? '' : `, unit ${unit}`})`;
}

const SOCKET = /^socket:\[(\d+)\]$/;

/**
 * The process ids that hold sockets, by their inodes: those given first are asked first, and nobody more once every socket has a holder.
 * Processes of other users stay unseen without root.
 */
export async function holdersOf(
  host: Host,
  inodes: ReadonlySet<string>,
  first: ReadonlySet<number> = new Set(),
): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>();
  const names = await host.names('/proc');
  if (!names.ok || inodes.size === 0) return found;
  const all = names.value.filter((name) => /^\d+$/.test(name)).slice(0, processesMax);
  const pids = [...first].map(String).concat(all.filter((name) => !first.has(Number(name))));
  for (const pid of pids) {
    if (found.size === inodes.size) break;
    const descriptors = await host.names(`/proc/${pid}/fd`);
    if (!descriptors.ok) continue;
    const links = await Promise.all(
      descriptors.value.slice(0, descriptorsMax).map((name) => host.link(`/proc/${pid}/fd/${name}`)),
    );
    for (const link of links) {
      const inode = link.ok ? SOCKET.exec(link.value)?.[1] : undefined;
      if (inode === undefined || !inodes.has(inode)) continue;
      const holders = found.get(inode) ?? [];
      if (!holders.includes(Number(pid))) holders.push(Number(pid));
      found.set(inode, holders);
    }
  }
  return found;
}

/** The numbers that /proc/PID/status has of the key, in its order. */
export function statusNumbers(status: string, key: string, radix = 10): readonly number[] {
  const line = status.split('\n').find((one) => one.startsWith(`${key}:`));
  return (
    line
      ?.slice(key.length + 1)
      .trim()
      .split(/\s+/) ?? []
  ).map((text) => Number.parseInt(text, radix));
}
