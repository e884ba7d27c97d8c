/**
 * What becomes of an error that nobody caught. It is always told, and the process ends where its state may be broken: the next one
 * recovers from stable storage within a second, while one that goes on might keep mail from ever being delivered.
 */
import { errnoOf } from '../events/fault.ts';
import type { Journal } from '../events/journal.ts';
import { reportFault } from '../events/report-fault.ts';
import type { Clock } from '../world/ports/clock.ts';

/** Errors of a connection that came when nobody listened for them any more: the peer's doing, and nothing of ours is touched. */
const PEERS_DOING: ReadonlySet<string> = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTCONN']);
const ON_A_CONNECTION: ReadonlySet<string> = new Set(['read', 'write', 'shutdown']);

/** Where a process tells its events. */
export interface Voice {
  readonly journal: Journal;
  /** Resolves when all that was told is written. */
  flush(): Promise<void>;
}

/** How long the last events may take to be written. */
const FLUSH_MS = 1_000;

/** Makes the hearer of uncaught errors. `voice` is asked late; `end` ends the process once everything is written, or cannot be. */
export function lastWords(
  voice: () => Voice,
  clock: Pick<Clock, 'after'>,
  end: () => void,
): (where: string, error: unknown) => void {
  let ending = false;
  return (where, error) => {
    const { journal, flush } = voice();
    reportFault(journal, where, error);
    if (ending || isPeersDoing(error)) return;
    ending = true;
    const limit = clock.after(FLUSH_MS, end);
    const ended = (): void => {
      limit.cancel();
      end();
    };
    flush().then(ended, ended);
  };
}

function isPeersDoing(error: unknown): boolean {
  if (!(error instanceof Error) || !PEERS_DOING.has(errnoOf(error))) return false;
  return 'syscall' in error && ON_A_CONNECTION.has(String(error.syscall));
}
