/**
 * The second log: the timelines of the messages of one worker. Written by the worker without waiting, read from disk by whoever
 * asks (`search.ts`), so that no message costs traffic between processes.
 */
import { conditions } from '../../events/condition.ts';
import { errnoOf } from '../../events/fault.ts';
import type { Journal } from '../../events/journal.ts';
import type { Timeline, TimelineEntry } from '../../mail/timeline.ts';
import type { EventsSettings } from '../../settings/events.ts';
import type { World } from '../../world/world.ts';
import { type SearchKey, searchKey } from './key-hash.ts';
import { ENTRY_RECIPIENTS_MAX } from './limits.ts';
import { type LineLog, type LogParts, openLineLog } from './log-writer.ts';

/** Of `sizeMax` the share of timelines; the rest is for events. */
const SHARE = 0.8;

/** What a timeline log is made of. `directory` belongs to one worker (shard) alone. */
export interface TimelineParts {
  readonly world: Pick<World, 'disk' | 'clock'>;
  readonly directory: string;
  readonly settings: Pick<EventsSettings, 'retention' | 'sizeMax'>;
  readonly journal: Journal;
  /** Octets of a segment; for tests. */
  readonly segmentBytes?: number;
}

/** A timeline that is kept on disk. */
export interface TimelineLog extends Timeline {
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Entries lost to a disk that failed or was too slow. */
  readonly lost: number;
}

/** Opens the timelines of a worker for writing. */
export function openTimelineLog(parts: TimelineParts): TimelineLog {
  const { world, directory, settings } = parts;
  const log = openLineLog({
    ...world,
    directory,
    retention: { ageMaxMs: settings.retention, bytesMax: Math.floor(settings.sizeMax * SHARE) },
    ...logConditions(parts.journal, directory),
    ...(parts.segmentBytes === undefined ? {} : { segmentBytes: parts.segmentBytes }),
  });
  return {
    add: (entry) => addTo(log, entry),
    flush: () => log.flush(),
    close: () => log.close(),
    get lost() {
      return log.lost;
    },
  };
}

/** Tells the journal when a log begins to fail and when it is well again. */
export function logConditions(journal: Journal, directory: string): Pick<LogParts, 'onFailing' | 'onRestored'> {
  const open = conditions(journal);
  return {
    onFailing: (error) =>
      open.raise(directory, 'journal.log-failing', {
        path: directory,
        errno: errnoOf(error),
        reason: error instanceof Error ? error.message : String(error),
      }),
    onRestored: (count) => open.clear(directory, 'journal.log-restored', { path: directory, count }),
  };
}

function addTo(log: LineLog, entry: TimelineEntry): void {
  if (entry.what !== 'received' || entry.recipients.length <= ENTRY_RECIPIENTS_MAX) {
    log.append(JSON.stringify(entry), keysOf(entry));
    return;
  }
  for (let from = 0; from < entry.recipients.length; from += ENTRY_RECIPIENTS_MAX) {
    const part = { ...entry, recipients: entry.recipients.slice(from, from + ENTRY_RECIPIENTS_MAX) };
    log.append(JSON.stringify(part), keysOf(part));
  }
}

/** What an entry is found by: all by their queue-id, the first one by message-id and addresses too. */
export function keysOf(entry: TimelineEntry): SearchKey[] {
  const keys = [searchKey('queueId', entry.queueId)];
  if (entry.what !== 'received') return keys;
  if (entry.messageId !== '') keys.push(searchKey('messageId', entry.messageId));
  if (entry.sender !== '' && entry.sender !== '<>') keys.push(searchKey('address', entry.sender));
  for (const recipient of entry.recipients) keys.push(searchKey('address', recipient));
  return keys;
}
