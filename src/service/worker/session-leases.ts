/** A worker's part of the sessions that may be open at once. */
import type { LeaseShare, Leases } from '../../flow/reception/leases.ts';
import type { Settings } from '../../settings/index.ts';
import type { Shares } from './shares.ts';

/** The name of the limit that all workers' sessions have together. */
export const SESSIONS = 'sessions';

/** The share of one worker in the sessions that may be open at once. */
export function shareOf({ reception }: Settings, workers: number, shares: Shares): LeaseShare {
  return {
    connections: shares.of(SESSIONS, reception.connectionsMax),
    perAddress: Math.max(1, Math.floor(reception.connectionsPerAddressMax / workers)),
  };
}

/** Leases that ask for a larger share of the sessions when this worker has used up its own. */
export function growing(leases: Leases, shares: Shares, settings: () => Settings, workers: number): Leases {
  return {
    take(address) {
      const lease = leases.take(address);
      if (lease === 'too-many') {
        const { connectionsMax } = settings().reception;
        shares.want(SESSIONS, connectionsMax, Math.ceil(connectionsMax / 10), () =>
          leases.resize(shareOf(settings(), workers, shares)),
        );
      }
      return lease;
    },
    give: (address) => leases.give(address),
    resize: (share) => leases.resize(share),
    get taken() {
      return leases.taken;
    },
    get share() {
      return leases.share;
    },
  };
}
