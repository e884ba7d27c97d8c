import type { Journal } from '../../events/journal.ts';
import { type EventRecord, fromJson, toJson } from '../../events/render.ts';
import type { Severity } from '../../events/row.ts';
import type { EventsSettings } from '../../settings/events.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Disk, DiskFile } from '../../world/ports/disk.ts';
import type { World } from '../../world/world.ts';
import { linesFrom, linesOf } from '../tracking/log-reader.ts';
import { openLineLog } from '../tracking/log-writer.ts';
import { type Segment, listSegments } from '../tracking/segments.ts';
import { logConditions } from '../tracking/timeline-log.ts';
import type { EventWriter } from './journal.ts';
import { FOLLOW_EVERY_MS, LISTED_EVENTS_MAX } from './limits.ts';

/** Of `sizeMax` the share of events; the rest is for timelines. */
const SHARE = 0.2;

/** The persistent event log of one process. */
export interface EventLog extends EventWriter {
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** What an event log is made of. `directory` belongs to one process alone. */
export interface EventLogParts {
  readonly world: Pick<World, 'disk' | 'clock'>;
  readonly directory: string;
  readonly settings: Pick<EventsSettings, 'retention' | 'sizeMax'>;
  /** The journal that this log is a writer of: it tells when the log itself fails. Asked late, since it is made afterwards. */
  journal(): Journal;
}

/** Opens the event log of a process for writing. */
export function openEventLog(parts: EventLogParts): EventLog {
  const { world, directory, settings } = parts;
  const late: Journal = { emit: (name, data) => parts.journal().emit(name, data) };
  const log = openLineLog({
    ...world,
    directory,
    retention: { ageMaxMs: settings.retention, bytesMax: Math.floor(settings.sizeMax * SHARE) },
    ...logConditions(late, directory),
  });
  return {
    write: (event) => log.append(toJson(event), []),
    flush: () => log.flush(),
    close: () => log.close(),
  };
}

/** Which events; all given parts must hold. */
export interface EventFilter {
  readonly number?: number;
  readonly name?: string;
  readonly severity?: Severity;
  readonly sinceMs?: number;
}

/** What a reader of event logs needs: the directories of all processes. */
export interface EventSources {
  readonly disk: Pick<Disk, 'list' | 'entry' | 'open'>;
  readonly directories: readonly string[];
}

/** The newest events of all processes that fit the filter, in the order of time. */
export async function listEvents(sources: EventSources, filter: EventFilter, most: number): Promise<EventRecord[]> {
  const bound = Math.min(most, LISTED_EVENTS_MAX);
  const found: EventRecord[] = [];
  for (const directory of sources.directories) {
    let ofThis = 0;
    for (const segment of (await listSegments(sources.disk, directory)).reverse()) {
      const events = (await linesOf(sources.disk, segment)).map(fromJson).filter((event) => event !== undefined);
      const fitting = events.filter((event) => fits(event, filter)).slice(-(bound - ofThis));
      found.push(...fitting);
      ofThis += fitting.length;
      const oldest = events[0];
      if (ofThis >= bound || (filter.sinceMs !== undefined && oldest !== undefined && oldest.atMs < filter.sinceMs))
        break;
    }
  }
  return found.sort((a, b) => a.atMs - b.atMs).slice(-bound);
}

function fits(event: EventRecord, filter: EventFilter): boolean {
  if (filter.number !== undefined && event.number !== filter.number) return false;
  if (filter.name !== undefined && event.name !== filter.name) return false;
  if (filter.severity !== undefined && event.severity !== filter.severity) return false;
  return filter.sinceMs === undefined || event.atMs >= filter.sinceMs;
}

/** How far a follower has read in one log. */
interface Place {
  readonly directory: string;
  number: number;
  offset: number;
}

/** Calls `onEvent` for each event that is written from now on by any process, until stopped; a look that fails is told and made again. */
export async function followEvents(
  sources: EventSources & { readonly clock: Clock },
  filter: EventFilter,
  onEvent: (event: EventRecord) => void,
  onError: (error: unknown) => void,
): Promise<{ stop(): void }> {
  const places: Place[] = [];
  for (const directory of sources.directories) {
    const last = (await listSegments(sources.disk, directory)).at(-1);
    const size = last === undefined ? 0 : ((await sources.disk.entry(last.log))?.sizeBytes ?? 0);
    places.push({ directory, number: last?.number ?? 0, offset: size });
  }
  let stopped = false;
  let timer = sources.clock.after(FOLLOW_EVERY_MS, look);
  function look(): void {
    lookAll()
      .catch((error: unknown) => {
        if (!stopped) onError(error);
      })
      .finally(() => {
        if (!stopped) timer = sources.clock.after(FOLLOW_EVERY_MS, look);
      });
  }
  async function lookAll(): Promise<void> {
    for (const place of places) {
      for (const segment of await listSegments(sources.disk, place.directory)) {
        if (stopped || segment.number < place.number) continue;
        if (segment.number > place.number) place.offset = 0;
        place.number = segment.number;
        for (const event of await newIn(sources.disk, segment, place)) if (fits(event, filter)) onEvent(event);
      }
    }
  }
  return {
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}

async function newIn(disk: Pick<Disk, 'open' | 'entry'>, segment: Segment, place: Place): Promise<EventRecord[]> {
  if (((await disk.entry(segment.log))?.sizeBytes ?? 0) <= place.offset) return [];
  const file: DiskFile = await disk.open(segment.log, 'read');
  try {
    const { lines, end } = await linesFrom(file, place.offset);
    place.offset = end;
    return lines.map(fromJson).filter((event) => event !== undefined);
  } finally {
    await file.close();
  }
}
