/** What all sessions of a worker share. */
import type { Timeline } from '../../mail/timeline.ts';
import type { Journal } from '../../events/journal.ts';
import type { ReceptionSettings } from '../../settings/reception.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { TlsServerOptions } from '../../world/ports/network.ts';
import type { Policy } from '../policy/policy.ts';
import type { Preparation } from '../preparation/preparation.ts';
import type { Queue } from '../queue/port.ts';
import type { Introductions } from './introductions.ts';
import type { ProxyHeaders } from './proxy-headers.ts';
import type { Storing } from './storing.ts';
import type { TimerWheel } from './timer-wheel.ts';

/** The parts that a session works with; those of its beginning, so that a reload meets new sessions only. */
export interface Room {
  readonly clock: Pick<Clock, 'now' | 'wall' | 'after'>;
  readonly wheel: TimerWheel;
  readonly proxyHeaders: ProxyHeaders;
  readonly settings: ReceptionSettings;
  readonly policy: Policy;
  readonly preparation: Preparation;
  readonly queue: Pick<Queue, 'condition' | 'begin'>;
  readonly journal: Journal;
  readonly storing: Storing;
  readonly timeline: Timeline;
  readonly serverName: string;
  /** How to be a TLS server now; undefined while there is no certificate. */
  readonly tls: () => TlsServerOptions | undefined;
  /** By which the service recognises itself; without them nothing is announced. */
  readonly introductions?: Introductions;
  /** Hears of each connection that became a session or was turned away, and of each that came under TLS; for the metrics. */
  readonly counted?: (what: 'accepted' | 'refused' | 'encrypted', listener: string) => void;
}
