import type { EventData, EventName, Journal } from './journal.ts';

/** Conditions told apart at once; the oldest is forgotten beyond that, and may then be reported once more. */
export const CONDITIONS_MAX = 10_000;

/** Tells of conditions that last when they begin and when they end, and not in between. */
export interface Conditions {
  /** Emits the event unless the condition of that key is raised already. */
  raise<N extends EventName>(key: string, name: N, data: EventData<N>): void;
  /** Ends the condition, with an event where one is given; nothing where it was not raised. */
  clear(key: string): void;
  clear<N extends EventName>(key: string, name: N, data: EventData<N>): void;
  raised(key: string): boolean;
}

/** Makes a keeper of conditions over a journal. */
export function conditions(journal: Journal): Conditions {
  const open = new Set<string>();
  return {
    raise(key, name, data) {
      if (open.has(key)) return;
      if (open.size >= CONDITIONS_MAX) {
        const oldest = open.values().next();
        if (oldest.done !== true) open.delete(oldest.value);
      }
      open.add(key);
      journal.emit(name, data);
    },
    clear<N extends EventName>(key: string, name?: N, data?: EventData<N>): void {
      if (open.delete(key) && name !== undefined && data !== undefined) journal.emit(name, data);
    },
    raised: (key) => open.has(key),
  };
}
