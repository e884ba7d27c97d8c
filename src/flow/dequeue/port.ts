/**
 * The door of dequeue: mail that other hosts hold for us is fetched on a schedule, whether or not anything is sent. Hosts are asked by ETRN
 * (RFC 1985), then they connect to us; or by ATRN (RFC 2645), then the roles turn on the connection that we made. What comes in meets the
 * rules of reception either way.
 */
import type { Reply } from '../../mail/reply.ts';
import type { DequeueSettings } from '../../settings/dequeue.ts';
import type { Way } from '../../transport/port.ts';
import type { ByteStream } from '../../world/ports/network.ts';

/**
 * How a run came out: 'nothing' where the host holds no mail, 'refused' where it would not do it, 'failed' where it was not asked, 'paused'
 * where it was not asked because mail is refused by order.
 */
export type RunOutcome = 'done' | 'nothing' | 'refused' | 'failed' | 'paused';

/** A run that has ended. */
export interface DequeueRun {
  /** By the wall clock. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly outcome: RunOutcome;
  /** The replies, or why there are none, in words. */
  readonly result: string;
}

/** One entry of the settings, as the worker that owns it sees it. */
export interface DequeueState {
  readonly name: string;
  readonly command: 'etrn' | 'atrn' | 'none';
  /** 'mail.provider.example:25'; '' where only programs are run. */
  readonly host: string;
  readonly running: boolean;
  /** By the wall clock. */
  readonly nextAtMs: number | undefined;
  readonly last: DequeueRun | undefined;
  /** Since when it does not work, by the wall clock. */
  readonly failingSinceMs: number | undefined;
}

/** What a run has said so far. */
export interface DequeueProgress {
  /** Lines of its dialogue from the one on that was asked for. */
  readonly lines: readonly string[];
  readonly running: boolean;
  readonly run: DequeueRun | undefined;
}

/** What came over a connection whose roles were turned. */
export interface TurnedEnd {
  readonly messages: number;
  readonly why: string;
}

/** Serves a connection as a listener would, for these domains alone; resolves when it is over. */
export type ServeTurned = (stream: ByteStream, entry: string, domains: readonly string[]) => Promise<TurnedEnd>;

/** All entries of a worker. */
export interface Dequeue {
  /** Works by these settings from now on; entries whose settings are the same are not disturbed. */
  use(settings: DequeueSettings): void;
  states(): readonly DequeueState[];
  /** Runs an entry now, unless it is running; false where another worker owns it or there is none. */
  start(name: string): boolean;
  progress(name: string, fromLine: number): DequeueProgress | undefined;
  /** Mail is taken again: what was paused runs. */
  goOn(): void;
  /** Begins no more runs. What has been turned belongs to reception. */
  close(): void;
}

/** How to reach a host. */
export type WaysOf = (
  proxy: string | readonly string[] | undefined,
) => { readonly kind: 'ways'; readonly ways: readonly Way[] } | { readonly kind: 'missing'; readonly why: string };

/** A reply to one command. */
export interface Asked {
  /** 'ETRN example.com'. */
  readonly line: string;
  readonly reply: Reply;
}
