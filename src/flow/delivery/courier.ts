import { assert } from '../../base/assert.ts';
import type { Journal } from '../../events/journal.ts';
import type { DeliverySettings } from '../../settings/delivery.ts';
import type { Dialer } from '../../transport/port.ts';
import type { World } from '../../world/world.ts';
import type { Directory } from '../recipients/port.ts';
import { LocalCourier } from './local/courier.ts';
import type { Courier } from './port.ts';
import { RelayCourier } from './smtp/courier.ts';

/** What delivery works with. */
export interface DeliveryRooms {
  readonly world: Pick<World, 'clock' | 'disk' | 'programs'>;
  readonly dialer: Dialer;
  readonly settings: DeliverySettings;
  readonly directory: Pick<Directory, 'mailbox'>;
  readonly journal: Journal;
  /** Hears how each TLS handshake with another host ended; for the metrics. */
  readonly encrypted?: (done: boolean) => void;
}

/** The courier for every route that is delivered: to other hosts by SMTP or LMTP, to mailboxes here. */
export function createCourier(rooms: DeliveryRooms): Courier {
  const relay = new RelayCourier(rooms);
  const local = new LocalCourier(rooms);
  return {
    attempt(claim, route) {
      assert(route.kind === 'relay' || route.kind === 'local', 'only routes with a destination are attempted');
      return route.kind === 'relay' ? relay.attempt(claim, route) : local.attempt(claim);
    },
    async close() {
      relay.close();
    },
  };
}
