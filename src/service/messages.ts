/** What supervisor, workers and operator say to each other. No message per mail: only life, configuration, and an operator's calls. */
import type { CountRecord } from '../operate/metrics/counts.ts';
import type { Settings } from '../settings/index.ts';

/** Everything a child needs that only a privileged process could read, and the settings it works by. */
export interface Briefing {
  /** Counts accepted configurations since the service started. */
  readonly generation: number;
  readonly settings: Settings;
  /** PEM texts; undefined where TLS cannot be offered. */
  readonly certificate: { readonly certificatePem: string; readonly keyPem: string } | undefined;
  /** The name servers to ask, as address or address:port. */
  readonly nameServers: readonly string[];
  /** Where control socket and locks are, while the configured directory cannot be used. */
  readonly place?: string;
  /** What stands between this service and its sockets, in words with its file. */
  readonly layer?: string;
}

/** How the process that owned a shard before ended. */
export type PreviousEnd = 'clean' | 'killed' | 'crashed';

/** A part of the supervisor's view of a listener, for status. */
export interface ListenerState {
  readonly name: string;
  readonly profile: string;
  readonly tls: string;
  readonly address: string;
  readonly port: number;
  readonly state: 'bound' | 'failed';
  /** Since when. */
  readonly sinceMs: number;
  readonly problem?: string;
  /** The problem in words. */
  readonly cause?: string;
}

/** From the supervisor to a child. */
export type ToChild =
  | {
      readonly kind: 'start';
      readonly briefing: Briefing;
      /** For a worker: its own shard, the number of workers, and further shards it looks after. */
      readonly shard: number;
      readonly workers: number;
      readonly adopted: readonly number[];
      readonly previousEnd: PreviousEnd;
      /** Its shares of common limits where they are not the equal ones. */
      readonly shares: ReadonlyMap<string, number>;
    }
  /** Comes with the bound socket. */
  | { readonly kind: 'listen'; readonly name: string; readonly address: string; readonly port: number }
  /** Checks a new configuration without using it; answered by `prepared`. */
  | { readonly kind: 'prepare'; readonly briefing: Briefing }
  /** Uses what was prepared, or forgets it. */
  | { readonly kind: 'apply'; readonly generation: number }
  | { readonly kind: 'forget'; readonly generation: number }
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly input: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly ok: boolean; readonly result: unknown }
  | { readonly kind: 'stop'; readonly graceMs: number };

/** From a child to the supervisor. */
export type FromChild =
  | { readonly kind: 'ready' }
  /** Sent every few seconds: the event loop turns. What it has counted would otherwise end with it. */
  | { readonly kind: 'alive'; readonly counts?: CountRecord }
  | { readonly kind: 'prepared'; readonly generation: number; readonly problem?: string }
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly input: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly ok: boolean; readonly result: unknown }
  | { readonly kind: 'stopped' };
