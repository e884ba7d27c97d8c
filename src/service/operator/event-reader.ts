import { catalogue } from '../../events/catalogue/index.ts';
import { type EventRecord as WrittenEvent, renderText } from '../../events/render.ts';
import type { EventRow } from '../../events/row.ts';
import type { EventFilter, EventReader, EventRecord } from '../../operate/actions/index.ts';
import { followEvents, listEvents } from '../../operate/journal/event-log.ts';
import type { World } from '../../world/world.ts';
import { withoutTwins } from '../recent-events.ts';

/** What reading the events of all processes needs. */
export interface EventReaderParts extends Pick<World, 'disk' | 'clock'> {
  /** The directories of all processes that write events. */
  readonly directories: () => Promise<readonly string[]>;
  /** Lets all processes write what they have not yet. */
  readonly write: () => Promise<unknown>;
  /** What cannot be written is in the memory of its process. */
  readonly unwritten: () => Promise<readonly WrittenEvent[]>;
}

/** Reads and follows the events of all processes. */
export function eventReader({ disk, clock, directories, write, unwritten }: EventReaderParts): EventReader {
  return {
    async list(filter, most) {
      await write();
      const { numbers, severity, sinceMs } = filter;
      const [number] = numbers ?? [];
      const first = {
        ...(number !== undefined && numbers?.length === 1 ? { number } : {}),
        ...(sinceMs === undefined ? {} : { sinceMs }),
        ...(severity === 'error' ? { severity } : {}),
      };
      const [written, others] = await Promise.all([
        listEvents({ disk, directories: await directories() }, first, Number.MAX_SAFE_INTEGER),
        unwritten(),
      ]);
      return withoutTwins([...written, ...others])
        .map(shown)
        .filter((event) => matches(event, filter))
        .slice(-most);
    },
    follow(filter, listener) {
      let ended = false;
      let stop: () => void = () => undefined;
      const hear = (event: WrittenEvent): void => {
        const record = shown(event);
        if (matches(record, filter)) listener(record);
      };
      void directories()
        .then((all) => followEvents({ disk, clock, directories: all }, {}, hear, () => undefined))
        .then((following) => {
          stop = () => following.stop();
          if (ended) stop();
        });
      return () => {
        ended = true;
        stop();
      };
    },
  };
}

/** Events of other versions may be in the log: their rows may be unknown here. */
const rows: Readonly<Record<number, EventRow | undefined>> = catalogue;

function shown(event: WrittenEvent): EventRecord {
  const advice = rows[event.number]?.advice;
  return { ...event, text: renderText(event), ...(advice === undefined ? {} : { advice }) };
}

const RANKS = { information: 0, warning: 1, error: 2 } as const;

function matches(event: EventRecord, filter: EventFilter): boolean {
  if (filter.numbers !== undefined && !filter.numbers.includes(event.number)) return false;
  if (filter.severity !== undefined && RANKS[event.severity] < RANKS[filter.severity]) return false;
  if (filter.category !== undefined && event.category !== filter.category) return false;
  if (filter.sinceMs !== undefined && event.atMs < filter.sinceMs) return false;
  return filter.contains === undefined || event.text.toLowerCase().includes(filter.contains.toLowerCase());
}
