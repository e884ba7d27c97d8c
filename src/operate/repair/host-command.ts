/** A command of the host that a repair may run: one of a closed list, made by the functions here, with the one that undoes it. */
export interface HostCommand {
  readonly program: 'ip' | 'sysctl' | 'prlimit' | 'systemctl';
  readonly arguments: readonly string[];
  readonly undo: readonly string[];
}

/** Sets the loopback interface up. */
export const loopbackUp: HostCommand = {
  program: 'ip',
  arguments: ['link', 'set', 'lo', 'up'],
  undo: ['link', 'set', 'lo', 'down'],
};

/** Kernel parameters that a repair may set, with the values that it may give them. */
const PARAMETERS: Readonly<Record<string, RegExp>> = {
  'net.ipv4.tcp_mtu_probing': /^[012]$/,
  'net.ipv4.tcp_base_mss': /^\d{3,4}$/,
  'net.ipv4.ip_local_port_range': /^\d{4,5} \d{4,5}$/,
};

/** Sets a kernel parameter until the next start of the host; undefined where it, or the value, is not on the list. */
export function kernelParameter(name: string, value: string, before: string): HostCommand | undefined {
  const allowed = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
  const old = before.trim().replace(/\s+/g, ' ');
  if (allowed?.test(value) !== true || !allowed.test(old)) return undefined;
  return { program: 'sysctl', arguments: ['-q', '-w', `${name}=${value}`], undo: ['-q', '-w', `${name}=${old}`] };
}

/** Limits of processes by the names that /proc and prlimit(1) have for them. */
const LIMITS = {
  'Max open files': 'nofile',
  'Max address space': 'as',
  'Max file size': 'fsize',
  'Max data size': 'data',
} as const;

/** A limit of a process, as /proc/PID/limits names it. */
export type LimitName = keyof typeof LIMITS;

/** A limit of a process, soft and hard, from the text of /proc/PID/limits. */
export function limitOf(limits: string, name: LimitName): { readonly soft: string; readonly hard: string } | undefined {
  const line = limits.split('\n').find((one) => one.startsWith(name));
  const [soft = '', hard = ''] = line?.slice(name.length).trim().split(/\s+/) ?? [];
  return hard === '' ? undefined : { soft, hard };
}

/** Whether a limit is at least another one. */
export const isEnough = (limit: string, wanted: string): boolean =>
  limit === 'unlimited' || (wanted !== 'unlimited' && Number(limit) >= Number(wanted));

const isLimit = (text: string): boolean => /^(?:\d{1,19}|unlimited)$/.test(text);

/**
 * Raises a limit of a running process to a value, soft and hard, where it is lower; undefined where it is not. Whatever the
 * process starts later has the same.
 */
export function processLimit(pid: number, limits: string, name: LimitName, value: string): HostCommand | undefined {
  const { soft = '', hard = '' } = limitOf(limits, name) ?? {};
  if (!isLimit(value) || !isLimit(soft) || !isLimit(hard) || !Number.isSafeInteger(pid) || pid < 2) return undefined;
  if (isEnough(soft, value) && isEnough(hard, value)) return undefined;
  const set = (to: string): readonly string[] => ['--pid', String(pid), `--${LIMITS[name]}=${to}`];
  return { program: 'prlimit', arguments: set(`${value}:${value}`), undo: set(`${soft}:${hard}`) };
}

const UNIT = /^ims[\w@.-]*\.service$/;

/** Lets systemd read its units anew. */
export const readUnits: HostCommand = { program: 'systemctl', arguments: ['daemon-reload'], undo: ['daemon-reload'] };

/** Starts or restarts a unit of ours; undefined for one of somebody else. */
export function unitCommand(what: 'start' | 'restart', unit: string): HostCommand | undefined {
  if (!UNIT.test(unit)) return undefined;
  // A service that runs is left running: what was changed before is put back, and counts at its next start.
  return { program: 'systemctl', arguments: [what, unit], undo: ['daemon-reload'] };
}
