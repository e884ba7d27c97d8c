import type { NextHop } from '../../mail/next-hop.ts';
import type { SchedulerSettings } from '../../settings/scheduler.ts';
import { NextHopState } from './next-hop-state.ts';

/** What a scheduler remembers of a next hop. */
export interface Known {
  readonly nextHop: NextHop;
  readonly state: NextHopState;
  /** Taken from the queue and not given back: it has more mail than room. */
  owned: boolean;
  serving: boolean;
  /** Somebody wanted it served while it was. */
  again: boolean;
  /** Attempts that begin as soon as the queue has read what it leases: their room is in use already. */
  claiming: number;
  /** When mail that waits to be asked for is looked at next; undefined before the first look is planned. */
  looksAt: number | undefined;
  reason: string;
}

/** Whether mail for it stays on this host or goes to the mail store behind it. */
export function isLocal(nextHop: NextHop): boolean {
  return nextHop === 'local' || nextHop.startsWith('lmtp:');
}

/** A next hop of which nothing is known yet. */
export function newlyKnown(nextHop: NextHop, breaker: SchedulerSettings['breaker']): Known {
  return {
    nextHop,
    state: new NextHopState(breaker, isLocal(nextHop)),
    owned: false,
    serving: false,
    again: false,
    claiming: 0,
    looksAt: undefined,
    reason: '',
  };
}
