import type { EventName, Journal } from '../../events/journal.ts';
import { type EventRecord, toJson, toLine } from '../../events/render.ts';
import type { Output } from '../../world/ports/output.ts';
import type { EventWriter } from './journal.ts';

/** How events look on an output: 'auto' is text on a terminal, else one JSON object a line. */
export type OutputFormat = 'auto' | 'json' | 'text';

const DROPPED: EventName = 'journal.events-dropped';

/**
 * The writer for standard output. What does not fit into the output's bounded buffer is dropped and counted; when there is
 * room again, the count is told as an event through `journal` (so that the other writers have it too).
 */
export function outputWriter(output: Output, format: OutputFormat, name: string, journal: () => Journal): EventWriter {
  const print = format === 'text' || (format === 'auto' && output.terminal) ? toLine : toJson;
  let told = 0;
  let waiting = false;
  const tell = (): void => {
    waiting = false;
    const count = output.dropped - told;
    told = output.dropped;
    if (count > 0) journal().emit('journal.events-dropped', { count, writer: name });
  };
  return {
    write(event: EventRecord): void {
      if (output.line(print(event)) || waiting) return;
      // The notice itself may be dropped while the reader stands still; then the next room tells of both.
      if (event.name === DROPPED) told -= Number(event.data['count']);
      waiting = true;
      output.onRoom(tell);
    },
  };
}
