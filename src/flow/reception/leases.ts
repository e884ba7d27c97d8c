/**
 * How many sessions may be open at once. Each worker holds a share of what the settings allow; the supervisor moves
 * shares between workers, and their sum never exceeds the setting.
 */

import { parseIp, withoutZone } from '../../base/ip.ts';

/** What one worker may have open. */
export interface LeaseShare {
  readonly connections: number;
  readonly perAddress: number;
}

/** Whether a session may be opened. */
export type Lease = 'granted' | 'too-many' | 'too-many-from-address';

/** The places of one worker. */
export interface Leases {
  /** Takes a place for a client; every 'granted' is given back by one `give`. */
  take(address: string): Lease;
  give(address: string): void;
  /** Places taken. */
  readonly taken: number;
  readonly share: LeaseShare;
  /**
   * Changes the share and returns what is in force: never less than what is taken, so that whoever lends the rest
   * to another worker lends nothing twice. Ask again when sessions have ended.
   */
  resize(share: LeaseShare): LeaseShare;
}

/** What counts as one client: an IPv4 address, an IPv6 /64, or a UNIX socket. */
export function clientKey(address: string): string {
  const ip = address.includes(':') ? parseIp(withoutZone(address)) : undefined;
  return ip?.family === 6 ? `${(ip.value >> 64n).toString(16)}/64` : address;
}

/** The leases of one worker, counted in its own memory. */
export function localLeases(initial: LeaseShare): Leases {
  let share = initial;
  let taken = 0;
  const byClient = new Map<string, number>();
  return {
    take(address) {
      if (taken >= share.connections) return 'too-many';
      const key = clientKey(address);
      const count = byClient.get(key) ?? 0;
      // A client behind a proxy that does not tell its address: one address would be all of them.
      if (key !== '' && count >= share.perAddress) return 'too-many-from-address';
      byClient.set(key, count + 1);
      taken += 1;
      return 'granted';
    },
    give(address) {
      const key = clientKey(address);
      const count = byClient.get(key) ?? 0;
      if (count === 0) return;
      taken -= 1;
      if (count === 1) byClient.delete(key);
      else byClient.set(key, count - 1);
    },
    get taken() {
      return taken;
    },
    get share() {
      return share;
    },
    resize(next) {
      share = { connections: Math.max(next.connections, taken), perAddress: next.perAddress };
      return share;
    },
  };
}
