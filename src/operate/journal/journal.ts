import { type EventRecord, type ProcessName, printProcess, rowOf } from '../../events/render.ts';
import type { EventData, EventName, Journal } from '../../events/journal.ts';
import type { Category } from '../../events/row.ts';
import type { Clock } from '../../world/ports/clock.ts';
import { WRITERS_MAX } from './limits.ts';

/** Takes events away: the standard output, the event log, somebody who follows. Never waits; a throw is counted and dropped. */
export interface EventWriter {
  write(event: EventRecord): void;
}

/** How much of the information events is written: nothing, level 1, up to 3, or all. */
export type Level = 'none' | 'minimum' | 'medium' | 'maximum';

/** Levels by category; a category that is not named has 'minimum'. */
export type Levels = Readonly<Partial<Record<Category, Level>>> | Readonly<Record<string, Level>>;

const RANKS: Readonly<Record<Level, number>> = { none: 0, minimum: 1, medium: 3, maximum: 5 };

/** The journal of a process, with what an operator may change while it runs. */
export interface RunningJournal extends Journal {
  setLevels(levels: Levels): void;
  /** Whether an event would be written now, for callers whose data is dear to make. */
  wants(name: EventName): boolean;
  /** Adds a writer (a follower); the answer removes it. */
  add(writer: EventWriter): () => void;
  /** Events that a writer failed to take by throwing. */
  readonly failedWrites: number;
}

/** What a journal is made of. */
export interface JournalParts {
  readonly clock: Pick<Clock, 'wall'>;
  readonly process: ProcessName;
  readonly levels: Levels;
  readonly writers: readonly EventWriter[];
  /** Hears of every event, also of one that no level writes. */
  readonly heard?: (name: EventName, data: Readonly<Record<string, unknown>>) => void;
}

/** Makes the journal of a process. */
export function createJournal(parts: JournalParts): RunningJournal {
  const speaker = printProcess(parts.process);
  const writers = new Set(parts.writers);
  let levels: Readonly<Record<string, Level | undefined>> = parts.levels;
  let failedWrites = 0;

  const isWanted = (name: EventName): boolean => {
    const { row } = rowOf(name);
    return row.severity !== 'information' || (row.level ?? 1) <= RANKS[levels[row.category] ?? 'minimum'];
  };

  return {
    emit<N extends EventName>(name: N, data: EventData<N>): void {
      parts.heard?.(name, data);
      if (!isWanted(name)) return;
      const { number, row } = rowOf(name);
      const { severity, category } = row;
      const event: EventRecord = { atMs: parts.clock.wall(), number, name, severity, category, process: speaker, data };
      for (const writer of writers) {
        try {
          writer.write(event);
        } catch {
          // One writer's defect must not stop mail or the other writers.
          failedWrites += 1;
        }
      }
    },
    wants: isWanted,
    setLevels(next) {
      levels = next;
    },
    add(writer) {
      if (writers.size < WRITERS_MAX) writers.add(writer);
      return () => void writers.delete(writer);
    },
    get failedWrites() {
      return failedWrites;
    },
  };
}
