import type { EventData, EventName } from './journal.ts';

/**
 * The unexpected: something outside the program prevented what was asked. Its code is the name of an event, so a fault
 * that nobody expected already has a number and an article. Caught only at the five frontiers: session, attempt, check, action, start-up.
 */
export class Fault<N extends EventName = EventName> extends Error {
  override readonly name = 'Fault';
  readonly event: N;
  readonly data: EventData<N>;

  constructor(event: N, data: EventData<N>, options?: { cause?: unknown }) {
    super(event, options);
    this.event = event;
    this.data = data;
  }
}

/** The POSIX code of an error from the system, or '' where it has none. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
