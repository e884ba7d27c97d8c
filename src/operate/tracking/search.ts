import type { QueueId } from '../../mail/queue-id.ts';
import type { TimelineEntry } from '../../mail/timeline.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { hashKey, searchKey } from './key-hash.ts';
import { FOUND_ENTRIES_MAX, FOUND_MESSAGES_MAX } from './limits.ts';
import { linesByHash } from './log-reader.ts';
import { type Segment, listSegments } from './segments.ts';
import { keysOf } from './timeline-log.ts';

/** What to look for; exactly one. */
export type TimelineQuery = { readonly queueId: QueueId } | { readonly messageId: string } | { readonly address: string };

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
  const segments: Segment[] = [];
  for (const directory of parts.directories) segments.push(...(await listSegments(parts.disk, directory)));
  const most = Math.min(parts.most, FOUND_MESSAGES_MAX);
  const firsts = await entriesWith(parts.disk, segments, new Set([keyOf(parts.query)]));
  const newest = [...firsts].sort((a, b) => b.atMs - a.atMs);
  const ids = new Set<QueueId>();
  for (const entry of newest) if (ids.size < most) ids.add(entry.queueId);
  const entries = await entriesWith(parts.disk, segments, keysOfIds(ids));
  const reports = new Set<QueueId>();
  for (const entry of entries) if (entry.what === 'report' && !ids.has(entry.reportId)) reports.add(entry.reportId);
  if (reports.size > 0) entries.push(...(await entriesWith(parts.disk, segments, keysOfIds(reports))));
  return byMessage(entries);
}

function keyOf(query: TimelineQuery): string {
  if ('queueId' in query) return searchKey('queueId', query.queueId);
  return 'messageId' in query ? searchKey('messageId', query.messageId) : searchKey('address', query.address);
}

function keysOfIds(ids: ReadonlySet<QueueId>): Set<string> {
  return new Set([...ids].map((id) => searchKey('queueId', id)));
}

/** All entries that really have one of the keys: equal hashes and unindexed lines are sorted out here. */
async function entriesWith(disk: SearchParts['disk'], segments: readonly Segment[], keys: ReadonlySet<string>): Promise<TimelineEntry[]> {
  const hashes = new Set([...keys].map(hashKey));
  const found: TimelineEntry[] = [];
  if (hashes.size === 0) return found;
  for (const segment of segments) {
    for (const line of await linesByHash(disk, segment, hashes)) {
      const entry = parseEntry(line);
      if (entry !== undefined && keysOf(entry).some((key) => keys.has(key)) && found.length < FOUND_ENTRIES_MAX) found.push(entry);
    }
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
