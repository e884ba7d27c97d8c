import type { QueueCounts } from '../../flow/queue/port.ts';
import type { SessionSummary } from '../../flow/reception/reception.ts';
import type { TransportState } from '../actions/transports.ts';
import type { CountRecord } from './counts.ts';

/** What one worker measures at a moment. */
export interface WorkerMeasure {
  readonly worker: number;
  /** How late its event loop came to what it does every few seconds. */
  readonly lateMs: number;
  /** Sessions that are open, by listener. */
  readonly open: Readonly<Record<string, number>>;
  readonly counts: CountRecord;
  readonly sessions: SessionSummary;
  readonly transports: readonly TransportState[];
  readonly queue: QueueCounts;
  readonly attempts: number;
  readonly resting: number;
}

/** What all processes measure. */
export interface Measures {
  /** The counters of all, also of those that ended. */
  readonly counts: CountRecord;
  readonly workers: readonly WorkerMeasure[];
  /** Workers that did not answer. */
  readonly silent: number;
}
