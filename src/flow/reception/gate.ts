/** Whether one more session may be opened, decided before anything is built for it. */
import type { Journal } from '../../events/journal.ts';
import type { Reply } from '../../mail/reply.ts';
import { replies } from '../../protocol/smtp/replies.ts';
import type { Clock } from '../../world/ports/clock.ts';
import { clientKey } from './leases.ts';
import type { Leases } from './leases.ts';
import { descriptorsReserveOf, limitedAddressesMax } from './limits.ts';

/** File descriptors of the process. Node closes connections beyond the limit without a word, so we say 421 before. */
export interface Descriptors {
  used(): number;
  readonly limit: number;
}

/** An event of one refused scope is not told more often. */
const SILENCE_MS = 60_000;
const ALL = 'all clients';
const DESCRIPTORS = 'descriptors';

/** What the gate is made of. */
export interface GateOptions {
  readonly leases: Leases;
  readonly descriptors: Descriptors;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
}

/** The door between the listeners and the sessions. */
export interface Gate {
  /** Takes a place for the client, or says why not; a place is given back with `leave`. */
  enter(address: string): Reply | undefined;
  leave(address: string): void;
  /** Connections refused since the start. */
  readonly refused: number;
}

interface Refusals {
  count: number;
  toldMs: number;
}

/** Makes the gate of a worker. */
export function createGate(options: GateOptions): Gate {
  const { leases, descriptors, journal, clock } = options;
  const refusals = new Map<string, Refusals>();
  let refused = 0;

  /** Counts a refusal; true where it is time to tell of it. */
  const note = (scope: string): boolean => {
    refused += 1;
    const now = clock.now();
    const known = refusals.get(scope);
    if (known !== undefined) {
      known.count += 1;
      if (now - known.toldMs < SILENCE_MS) return false;
      known.toldMs = now;
      return true;
    }
    if (refusals.size >= limitedAddressesMax) {
      const oldest = refusals.keys().next();
      if (oldest.done !== true) refusals.delete(oldest.value);
    }
    refusals.set(scope, { count: 1, toldMs: now });
    return true;
  };

  /** A scope that has room again, for longer than a moment. */
  const recovered = (scope: string): void => {
    const known = refusals.get(scope);
    if (known === undefined || clock.now() - known.toldMs < SILENCE_MS) return;
    refusals.delete(scope);
    if (scope === ALL || scope === DESCRIPTORS)
      journal.emit('reception.connections-taken-again', { refused: known.count });
  };

  const enter = (address: string): Reply | undefined => {
    const used = descriptors.used();
    const { limit } = descriptors;
    const reserve = descriptorsReserveOf(limit);
    if (used > limit - reserve) {
      if (note(DESCRIPTORS)) journal.emit('reception.descriptors-short', { used, limit, reserve });
      return replies.outOfDescriptors;
    }
    const lease = leases.take(address);
    if (lease === 'granted') {
      if (refusals.size > 0) {
        recovered(DESCRIPTORS);
        recovered(ALL);
        recovered(clientKey(address));
      }
      return undefined;
    }
    const scope = lease === 'too-many' ? ALL : clientKey(address);
    if (note(scope)) {
      const limit = lease === 'too-many' ? leases.share.connections : leases.share.perAddress;
      const open = lease === 'too-many' ? leases.taken : limit;
      journal.emit('reception.connections-limited', { scope, open, limit });
    }
    return replies.tooManyConnections;
  };

  return {
    enter,
    leave: (address) => leases.give(address),
    get refused() {
      return refused;
    },
  };
}
