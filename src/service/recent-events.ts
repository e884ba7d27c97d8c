import type { EventName } from '../events/journal.ts';
import { type EventRecord, rowOf } from '../events/render.ts';
import type { EventWriter } from '../operate/journal/journal.ts';
import { type CountRecord, Counts } from '../operate/metrics/counts.ts';

/** Events that a process keeps in memory: they can be read also where its log cannot be written. */
export const recentEventsMax = 200;

/** The last events of a process, and how many there were of each number. */
export class RecentEvents implements EventWriter {
  #events: EventRecord[] = [];
  readonly #counts = new Counts();

  /** Counts an event, also one that no level writes. */
  readonly heard = (name: EventName): void => {
    const { number, row } = rowOf(name);
    this.#counts.of('ims_events_total', { number: String(number), severity: row.severity }).value += 1;
  };

  counts(): CountRecord {
    return this.#counts.all();
  }

  write(event: EventRecord): void {
    this.#events.push(event);
    if (this.#events.length >= recentEventsMax * 2) this.#events = this.#events.slice(-recentEventsMax);
  }

  all(): readonly EventRecord[] {
    return this.#events.slice(-recentEventsMax);
  }
}

/** Events of several sources in the order of time, each once. */
export function withoutTwins(events: readonly EventRecord[]): readonly EventRecord[] {
  const seen = new Map<string, EventRecord>();
  for (const event of events) {
    const key = `${event.atMs} ${event.number} ${event.process} ${JSON.stringify(event.data)}`;
    if (!seen.has(key)) seen.set(key, event);
  }
  return [...seen.values()].sort((a, b) => a.atMs - b.atMs);
}
