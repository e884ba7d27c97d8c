import { canonicalIp } from '../../base/ip.ts';
import type { ListenersSettings } from '../../settings/listeners.ts';

/**
 * The addresses at which this host accepts mail on a port, from its listeners; `interfaces` gives the host's addresses, for listeners
 * on all of a family. A listener whose port the system chooses is not known here and cannot be the target of a route anyway.
 */
export function addressesByPort(
  listeners: ListenersSettings,
  interfaces: () => readonly string[],
): (port: number) => readonly string[] {
  const byPort = new Map<number, Set<string>>();
  for (const { address, port } of Object.values(listeners)) {
    for (const text of [address].flat()) {
      const own = canonicalIp(text);
      if (own === undefined || port === 0) continue;
      const known = byPort.get(port) ?? new Set();
      byPort.set(port, known.add(own));
    }
  }
  return (port) => {
    const own = byPort.get(port);
    if (own === undefined) return [];
    const all = own.has('0.0.0.0') || own.has('::') ? interfaces() : [];
    const covered = all.filter((address) => own.has(address.includes(':') ? '::' : '0.0.0.0'));
    return [...own, ...covered];
  };
}
