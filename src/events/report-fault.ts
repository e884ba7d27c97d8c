import { Fault, errnoOf } from './fault.ts';
import type { EventData, EventName, Journal } from './journal.ts';

const TRACE_MAX = 1500;

/**
 * Turns what a frontier (session, attempt, check, action, start-up) has caught into one event: a fault into the event that
 * it names, anything else (a broken assertion, a defect) into 4131 with the place and the trace.
 */
export function reportFault(journal: Journal, where: string, error: unknown): void {
  if (error instanceof Fault) {
    // The constructor has checked that name and data belong together.
    journal.emit(error.event as EventName, error.data as EventData<EventName>);
    return;
  }
  const known = error instanceof Error;
  journal.emit('journal.unexpected-error', {
    where,
    reason: known ? `${error.name}: ${error.message}` : String(error),
    errno: errnoOf(error),
    trace: known
      ? (error.stack ?? '')
          .split('\n')
          .slice(1, 8)
          .map((line) => line.trim())
          .join(' < ')
          .slice(0, TRACE_MAX)
      : '',
  });
}
