/** The door of the scheduler: when attempts are made. */
import type { NextHop } from '../../mail/next-hop.ts';
import type { HeldBack } from './hold-back.ts';
import type { QueueFilter } from '../queue/port.ts';

/** What it is doing, for status and metrics. */
export interface SchedulerStatus {
  readonly attempts: number;
  readonly slowAttempts: number;
  /** Next hops that rest because they cannot be reached, the longest failing first, at most 100. */
  readonly resting: readonly {
    readonly nextHop: NextHop;
    readonly failures: number;
    readonly untilMs: number;
    readonly reason: string;
  }[];
}

export interface Scheduler {
  /** Begins to make attempts. */
  start(): void;
  /** Ends rests, so that a retry ordered by the operator is made at once. Without a next hop: of all. */
  wake(nextHop?: NextHop): void;
  /** Lets mail held for a domain go for a while (ETRN). Resolves with the number of deliveries that became due. */
  flush(domain: string): Promise<number>;
  /** Lets the next hops go on whose last attempt failed for a cause that is over now, by words of it. */
  again(cause: string): Promise<void>;
  /** Makes no attempts for mail of that kind until told otherwise; its clocks go on. Resolves when what may go again is due. */
  holdBack(what: HeldBack): Promise<void>;
  /** Returns matching mail to its senders now. Resolves with the number of deliveries. */
  returnNow(filter: QueueFilter, text: string): Promise<number>;
  /** Claims nothing more; resolves when the attempts under way have ended, or after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Attempts under way to a next hop. */
  active(nextHop: NextHop): number;
  status(): SchedulerStatus;
}
