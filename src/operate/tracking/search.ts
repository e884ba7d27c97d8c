import type { QueueId } from '../../mail/queue-id.ts';
import type { TimelineEntry } from '../../mail/timeline.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { hashKey, searchKey } from './key-hash.ts';
import { FOUND_ENTRIES_MAX, FOUND_MESSAGES_MAX } from './limits.ts';
import { linesByHash } from './log-reader.ts';
import { type Segment, listSegments } from './segments.ts';
import { keysOf } from './timeline-log.ts';

/** What to look for; exactly one. */
export type TimelineQuery =
  | { readonly queueId: QueueId }
  | { readonly messageId: string }
  | { readonly address: string };

/** The life of one message as far as the logs have it, in the order of time. */
export interface MessageTimeline {
  readonly queueId: QueueId;
  readonly entries: readonly TimelineEntry[];
}

/** What a search is made of. `directories` are the timeline directories of all workers, also of those that are gone. */
export interface SearchParts {
  readonly disk: Pick<Disk, 'list' | 'entry' | 'open' | 'readFile'>;
  readonly directories: readonly string[];
  readonly query: TimelineQuery;
  /** Messages at most, the newest first; bounded by FOUND_MESSAGES_MAX. */
  readonly most: number;
}

/** Finds messages in the logs of all workers, with the reports that were sent about them. The oldest of the found comes first. */
export async function searchTimelines(parts: SearchParts): Promise<MessageTimeline[]> {
  const { disk, query } = parts;
  const segments: Segment[] = [];
  for (const directory of parts.directories) segments.push(...(await listSegments(disk, directory)));
  const ids = 'queueId' in query ? new Set([query.queueId]) : await newestIds(parts, keyOf(query));
  const entries = await entriesOf(disk, segments, ids);
  const reports = new Set<QueueId>();
  for (const entry of entries) if (entry.what === 'report' && !ids.has(entry.reportId)) reports.add(entry.reportId);
  entries.push(...(await entriesOf(disk, segments, reports)));
  return byMessage(entries);
}

/** The queue-ids of the newest messages with the key, over all logs; each log is read no further back than needed. */
async function newestIds(parts: SearchParts, key: string): Promise<Set<QueueId>> {
  const most = Math.min(parts.most, FOUND_MESSAGES_MAX);
  const found = new Map<QueueId, number>();
  for (const directory of parts.directories) {
    const ofThis = new Set<QueueId>();
    for (const segment of (await listSegments(parts.disk, directory)).reverse()) {
      if (ofThis.size >= most) break;
      for await (const line of linesByHash(parts.disk, segment, new Set([hashKey(key)]))) {
        const entry = parseEntry(line);
        if (entry === undefined || !keysOf(entry).includes(key)) continue;
        ofThis.add(entry.queueId);
        found.set(entry.queueId, entry.atMs);
        if (ofThis.size >= most) break;
      }
    }
  }
  return new Set(
    [...found]
      .sort(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(([id]) => id),
  );
}

function keyOf(query: Exclude<TimelineQuery, { readonly queueId: QueueId }>): string {
  return 'messageId' in query ? searchKey('messageId', query.messageId) : searchKey('address', query.address);
}

/** All entries of the messages, as written: equal hashes and unindexed lines are sorted out here. */
async function entriesOf(
  disk: SearchParts['disk'],
  segments: readonly Segment[],
  ids: ReadonlySet<QueueId>,
): Promise<TimelineEntry[]> {
  const hashes = new Set([...ids].map((id) => hashKey(searchKey('queueId', id))));
  const found: TimelineEntry[] = [];
  if (hashes.size === 0) return found;
  for (const segment of segments) {
    const newestFirst: TimelineEntry[] = [];
    for await (const line of linesByHash(disk, segment, hashes)) {
      if (found.length + newestFirst.length >= FOUND_ENTRIES_MAX) break;
      const entry = parseEntry(line);
      if (entry !== undefined && ids.has(entry.queueId)) newestFirst.push(entry);
    }
    found.push(...newestFirst.reverse());
  }
  return found;
}

/** Reads a line back; undefined where it is torn or none of ours. */
export function parseEntry(line: string): TimelineEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A crash may leave half a line, or zeros: they say nothing.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { atMs, queueId, what, recipients } = value as Record<string, unknown>;
  if (typeof atMs !== 'number' || typeof queueId !== 'string' || typeof what !== 'string') return undefined;
  if (what === 'received' && !Array.isArray(recipients)) return undefined;
  return value as TimelineEntry;
}

function byMessage(entries: readonly TimelineEntry[]): MessageTimeline[] {
  const messages = new Map<QueueId, TimelineEntry[]>();
  for (const entry of entries) {
    const list = messages.get(entry.queueId);
    if (list === undefined) messages.set(entry.queueId, [entry]);
    else list.push(entry);
  }
  return [...messages]
    .map(([queueId, list]) => ({ queueId, entries: list.sort((a, b) => a.atMs - b.atMs) }))
    .sort((a, b) => (a.entries[0]?.atMs ?? 0) - (b.entries[0]?.atMs ?? 0));
}
