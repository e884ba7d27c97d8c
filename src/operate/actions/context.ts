/**
 * What operator actions stand on. The operator process provides it; actions know nothing of processes, sockets or
 * files of other rooms.
 */
import type { Clock } from '../../world/ports/clock.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { Category, Severity } from '../../events/row.ts';
import type { Journal } from '../../events/journal.ts';
import type { TimelineEntry } from '../../mail/timeline.ts';
import type { QueueId } from '../../mail/queue-id.ts';
import type { Settings } from '../../settings/index.ts';
import type { Change, Level, Problem } from '../config/index.ts';
import type { Condition } from '../doctor/condition.ts';
import type { DoctorReport } from '../doctor/report.ts';
import type { Evidence } from '../doctor/verdict.ts';
import type { Movement } from '../movement/history.ts';
import type { Measures } from '../metrics/measures.ts';
import type { TransferKeeper } from '../transfer/keeper.ts';
import type { WorkerCallName, WorkerInput, WorkerOutput } from './worker-calls.ts';

/** What one worker answered. */
export type WorkerAnswer<T> = { readonly worker: number } & (
  | { readonly ok: true; readonly result: T }
  | { readonly ok: false; readonly why: string }
);

/** The mail workers, asked all at once. */
export interface Workers {
  /** One answer per worker, also of those that are down. Never rejects. */
  call<N extends WorkerCallName>(name: N, input: WorkerInput<N>): Promise<readonly WorkerAnswer<WorkerOutput<N>>[]>;
}

/** One listener as it is now. */
export interface ListenerStatus {
  readonly name: string;
  readonly profile: 'mx' | 'submission' | 'lmtp';
  readonly address: string;
  readonly port: number;
  readonly tls: 'none' | 'starttls' | 'implicit' | 'required';
  readonly state: 'listening' | 'waiting';
  /** Why it waits. */
  readonly why?: string;
}

/** One process of the service. */
export interface ProcessStatus {
  readonly role: 'supervisor' | 'worker' | 'operator';
  readonly index: number;
  readonly pid: number | undefined;
  readonly state: 'starting' | 'running' | 'stopping' | 'down';
  readonly restarts: number;
  readonly why?: string;
}

/** One part of the service, as it is now. */
export interface PartState {
  /** 'storage', 'queue of worker 0', 'listener mx at 127.0.0.1:25' ... */
  readonly part: string;
  readonly state: 'stopped' | 'starting' | 'running' | 'degraded' | 'failed';
  readonly sinceMs: number;
  /** The number of the event that explains the state. */
  readonly event?: number;
  readonly cause?: string;
  readonly evidence?: readonly Evidence[];
  /** The command that cures it, or the words where no command can. */
  readonly cure?: string;
}

/** The service as the supervisor sees it. */
export interface ServiceStatus {
  readonly version: string;
  /** How the service is, in one sentence. */
  readonly verdict: string;
  /** Every part, those that are not well first. */
  readonly parts: readonly PartState[];
  readonly startedAtMs: number;
  readonly configurationFile: string;
  /** Raised with every configuration that is applied. */
  readonly generation: number;
  readonly listeners: readonly ListenerStatus[];
  readonly processes: readonly ProcessStatus[];
  /** Parts that run with less than they should, each with the reason in one sentence. */
  readonly degraded: readonly { readonly part: string; readonly why: string }[];
}

/** What a reload did. */
export type ReloadEnd =
  | {
      readonly kind: 'applied';
      readonly generation: number;
      readonly changes: readonly Change[];
      readonly warnings: readonly Problem[];
    }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  /** Valid, but a worker could not take it: nothing was applied. */
  | { readonly kind: 'unconfirmed'; readonly why: string };

/** The supervisor, from the operator process. */
export interface Supervisor {
  status(): Promise<ServiceStatus>;
  /** What all processes count and measure. */
  measures(): Promise<Measures>;
  reload(): Promise<ReloadEnd>;
  /** Asks for a clean stop; resolves when it has been asked for. */
  stop(): Promise<void>;
  /** Levels of all processes until the next reload. */
  setLevels(levels: Readonly<Partial<Record<Category, Level>>>): Promise<void>;
  levels(): Promise<Readonly<Partial<Record<Category, Level>>>>;
}

/** A message and what happened to it, oldest first. */
export interface MessageTimeline {
  readonly queueId: QueueId;
  readonly entries: readonly TimelineEntry[];
}

/** What to look for; exactly one part is given. */
export type TimelineQuestion =
  | { readonly queueId: QueueId }
  | { readonly messageId: string }
  | { readonly address: string };

/** The timelines of messages; operate/tracking reads them. */
export interface TimelineReader {
  /** The newest messages first, at most `most`. */
  find(question: TimelineQuestion, most: number): Promise<readonly MessageTimeline[]>;
}

/** One event as it was written down. */
export interface EventRecord {
  readonly atMs: number;
  readonly number: number;
  readonly name: string;
  readonly severity: Severity;
  readonly category: Category;
  /** 'supervisor', 'worker 0', 'operator'. */
  readonly process: string;
  /** The sentence with its data. */
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly advice?: string;
}

/** Which events; all given parts must hold. */
export interface EventFilter {
  readonly numbers?: readonly number[];
  /** At least so severe. */
  readonly severity?: Severity;
  readonly category?: Category;
  readonly sinceMs?: number;
  /** Part of the text, without case. */
  readonly contains?: string;
}

/** The event log; operate/journal reads it. */
export interface EventReader {
  /** The newest `most` events of the filter, oldest first. */
  list(filter: EventFilter, most: number): Promise<readonly EventRecord[]>;
  /** Calls `listener` with each event from now on; the function that comes back ends it. */
  follow(filter: EventFilter, listener: (record: EventRecord) => void): () => void;
}

/** The console and the administrator API: one place, one token. */
export interface ConsoleLook {
  /** Where they are to be; undefined where nobody wants them. */
  readonly place: string | undefined;
  readonly served: boolean;
  /** Why they are not served, where they should be. */
  readonly why?: string;
  /** What to log in with; undefined before it was first needed. */
  readonly token?: string;
  /** The file that keeps the token; undefined where none does. */
  readonly tokenFile?: string;
}

/** Everything that actions may use. */
export interface OperatorContext {
  readonly workers: Workers;
  readonly supervisor: Supervisor;
  readonly timelines: TimelineReader;
  readonly events: EventReader;
  /** What the examiner holds for not well, the oldest first; empty until its first look. */
  conditions(): readonly Condition[];
  /** Looks at once with these checks, where they are not well: something was mended. */
  lookAgain(checks: readonly string[]): Promise<void>;
  /** Looks at everything, or at one check or area with all that it stands on; undefined where there is none of that name. */
  examine(only: string | undefined): Promise<DoctorReport | undefined>;
  /** Where the console and the administrator API are, and how to log in. */
  console(): ConsoleLook;
  /** How the queue moved over the last hour. */
  movement(): Promise<Movement>;
  /** Whether mail is taken and sent, by order. */
  readonly transfer: Pick<TransferKeeper, 'state' | 'order'>;
  /** The configuration in force. */
  settings(): Settings;
  readonly disk: Pick<Disk, 'open' | 'readFile' | 'list' | 'entry' | 'space'>;
  readonly clock: Pick<Clock, 'wall' | 'after'>;
  readonly journal: Journal;
}
