import type { EventRecord } from '../events/render.ts';
import type { EventWriter } from '../operate/journal/journal.ts';

/** Events that a process keeps in memory: they can be read also where its log cannot be written. */
export const recentEventsMax = 200;

/** The last events of a process. */
export class RecentEvents implements EventWriter {
  #events: EventRecord[] = [];

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
