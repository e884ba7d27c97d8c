/**
 * What events mean for the state of parts: the status and the events tell the same truth, because one comes from the other.
 * Only lasting conditions that have an end are here.
 */
import { dirname } from 'node:path';
import type { EventData, EventName, Journal } from '../../events/journal.ts';
import { renderText, rowOf } from '../../events/render.ts';
import type { RunningJournal } from '../../operate/journal/journal.ts';
import type { Board } from './board.ts';
import { storageCure } from './storage-cures.ts';

interface Meaning {
  /** Which part, by the data of the event; undefined where this one says nothing. */
  readonly part: (data: Readonly<Record<string, unknown>>, own: string) => string;
  readonly state: 'degraded' | 'failed' | 'running';
  /** The command that looks deeper. */
  readonly cure?: string | ((data: Readonly<Record<string, unknown>>) => string);
}

const queue = (_data: unknown, own: string): string => own;
/** The directories of all processes together: what keeps one from writing keeps the others. */
const log = ({ path }: Readonly<Record<string, unknown>>): string => `log ${dirname(String(path))}`;
const nameServer = ({ server }: Readonly<Record<string, unknown>>): string => `name server ${String(server)}`;
const resolver = (): string => 'resolver';
const descriptors = (): string => 'file descriptors';

const STORAGE = 'ims doctor --only storage';
const DESCRIPTORS = 'ims repair host.file-descriptors (or LimitNOFILE=65536 in the systemd unit, and a restart)';
const NAMES = 'ims doctor --only names';

const meanings: Readonly<Partial<Record<EventName, readonly Meaning[]>>> = {
  'service.queue-unavailable': [
    {
      part: queue,
      state: 'failed',
      cure: ({ cause, path }) => storageCure(/^E[A-Z]+/.exec(String(cause))?.[0] ?? '', String(path)) ?? STORAGE,
    },
  ],
  'service.queue-available': [{ part: queue, state: 'running' }],
  'storage.write-failed': [
    {
      part: queue,
      state: 'failed',
      cure: ({ errno, path }) => storageCure(String(errno), dirname(String(path))) ?? STORAGE,
    },
  ],
  'storage.space-low': [{ part: queue, state: 'degraded', cure: STORAGE }],
  'storage.space-enough': [{ part: queue, state: 'running' }],
  'storage.works-again': [{ part: queue, state: 'running' }],
  'service.descriptors-few': [{ part: descriptors, state: 'degraded', cure: DESCRIPTORS }],
  'service.descriptors-enough': [{ part: descriptors, state: 'running' }],
  'names.server-failed': [{ part: nameServer, state: 'degraded', cure: NAMES }],
  'names.unavailable': [{ part: resolver, state: 'failed', cure: NAMES }],
  'names.server-answered': [{ part: nameServer, state: 'running' }],
  'names.available': [{ part: resolver, state: 'running' }],
  'names.server-dropped': [
    { part: nameServer, state: 'running' },
    { part: resolver, state: 'running' },
  ],
  'journal.log-failing': [{ part: log, state: 'degraded', cure: STORAGE }],
  'journal.log-restored': [{ part: log, state: 'running' }],
};

/** Lets a board hear an event. `own` is the part that a process has one of: a worker's queue. */
export function hearEvent<N extends EventName>(board: Board, own: string, name: N, data: EventData<N>): void {
  for (const { part, state, cure } of meanings[name] ?? []) {
    const which = part(data, own);
    if (state === 'running') {
      board.set({ part: which, state });
      continue;
    }
    const { number } = rowOf(name);
    board.set({
      part: which,
      state,
      event: number,
      cause: renderText({ name, data }),
      ...(cure === undefined ? {} : { cure: typeof cure === 'string' ? cure : cure(data) }),
    });
  }
}

/** A journal whose events a board hears too, whatever the logging levels are. */
export function heardBy(journal: RunningJournal, board: Board, own: string): RunningJournal {
  const emit: Journal['emit'] = (name, data) => {
    hearEvent(board, own, name, data);
    journal.emit(name, data);
  };
  return {
    emit,
    wants: (name) => meanings[name] !== undefined || journal.wants(name),
    setLevels: (levels) => journal.setLevels(levels),
    add: (writer) => journal.add(writer),
    get failedWrites() {
      return journal.failedWrites;
    },
  };
}
