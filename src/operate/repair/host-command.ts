/** A command of the host that a repair may run: one of a closed list, made by the functions here, with the one that undoes it. */
export interface HostCommand {
  readonly program: 'ip' | 'sysctl';
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
