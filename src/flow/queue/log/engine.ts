/** The embedded queue: an append-only log on one shard's directory, owned by one process. */
import { Fault, errnoOf } from '../../../events/fault.ts';
import type { Journal } from '../../../events/journal.ts';
import type { NextHop } from '../../../mail/next-hop.ts';
import type { QueueId } from '../../../mail/queue-id.ts';
import { makeQueueId, parseQueueId } from '../../../mail/queue-id.ts';
import type { Reply } from '../../../mail/reply.ts';
import type { Timeline } from '../../../mail/timeline.ts';
import type { QueueSettings } from '../../../settings/queue.ts';
import type { World } from '../../../world/world.ts';
import type { LogGeometry } from '../limits.ts';
import { queueLimits } from '../limits.ts';
import type {
  AttemptRecord,
  Claim,
  Content,
  Draft,
  NewMessage,
  Queue,
  QueueCondition,
  QueueCounts,
  QueueFilter,
  QueueRow,
} from '../port.ts';
import { BigFiles } from './big-files.ts';
import { BodyMemory } from './body-memory.ts';
import { Claims } from './claims.ts';
import { Compaction } from './compaction.ts';
import type { DraftBody } from './draft.ts';
import { LogDraft } from './draft.ts';
import { openIds } from './ids.ts';
import { Operator } from './operator.ts';
import { assertStorable, buildMessage } from './records.ts';
import { Recovery } from './recovery.ts';
import { isSpare, makeRoom } from './room.ts';
import type { Segment } from './segments.ts';
import { Segments } from './segments.ts';
import { fullReply, SpaceWatch } from './space.ts';
import { LogStore } from './store.ts';
import type { PreviousEnd } from './suspects.ts';
import { Suspects } from './suspects.ts';
import { WorkMarks } from './work-marks.ts';

/** What the engine of one shard needs. */
export interface LogQueueOptions {
  readonly world: Pick<World, 'clock' | 'disk'>;
  /** The shard's own directory; made where it is not there. */
  readonly directory: string;
  readonly shard: number;
  readonly settings: QueueSettings;
  readonly journal: Journal;
  readonly timeline?: Timeline;
  /** Octets of content in memory, of all drafts together. */
  readonly bodyMemoryMax: number;
  readonly previousEnd: PreviousEnd;
  /** Sizes other than the usual ones, for tests. */
  readonly geometry?: Partial<LogGeometry>;
}

const TROUBLE: Reply = { code: 451, detail: '3.0', text: ['the message could not be stored, try again later'] };

/** The queue of one shard with what only this engine has. */
export class LogQueue implements Queue {
  readonly #options: LogQueueOptions;
  readonly #geometry: LogGeometry;
  readonly #store: LogStore;
  readonly #memory: BodyMemory;
  readonly #space: SpaceWatch;
  readonly #claims: Claims;
  readonly #operator: Operator;
  readonly #compaction: Compaction;
  readonly #marks: WorkMarks;
  readonly #recovery: Recovery;
  #failed: string | undefined;
  #full = false;
  #closed = false;
  /** Resolves when everything that earlier runs left has been read back. */
  readonly recovered: Promise<void>;

  constructor(options: LogQueueOptions, geometry: LogGeometry, parts: OpenParts) {
    this.#options = options;
    this.#geometry = geometry;
    const { clock, disk } = options.world;
    const { journal, settings, directory, shard } = options;
    this.#memory = new BodyMemory(options.bodyMemoryMax);
    this.#marks = parts.marks;
    this.#store = new LogStore({
      world: options.world,
      journal,
      shard,
      geometry,
      segments: parts.segments,
      ids: parts.ids,
      big: new BigFiles(disk, `${directory}/big`),
      freshBytes: settings.freshCache,
      failing: (errno) => this.#failing(errno),
      settled: () => this.#compaction.maybe(),
    });
    this.#space = new SpaceWatch({
      disk,
      clock,
      journal,
      path: directory,
      floorBytes: settings.spaceFloor,
      resumeBytes: settings.spaceResume,
      scarce: () => !parts.segments.hasSpare,
      looked: () => void this.#lookAfterSegments(),
    });
    const suspects = new Suspects({
      store: this.#store,
      marks: parts.marks,
      left: parts.left,
      previousEnd: options.previousEnd,
      journal,
      timeline: options.timeline,
    });
    this.#claims = new Claims(this.#store, suspects, journal);
    this.#operator = new Operator(this.#store, suspects, clock);
    this.#compaction = new Compaction({ store: this.#store, disk, clock, geometry, journal });
    this.#recovery = new Recovery({ store: this.#store, suspects, disk, clock, journal, old: parts.old });
    this.recovered = this.#begin();
  }

  /** Opens the new segment and looks at the space; then mail can be taken. */
  async start(): Promise<void> {
    await this.#store.committer.start();
    await this.#space.start();
  }

  condition(): QueueCondition {
    if (this.#space.low || this.#failed === 'EDQUOT') return { accepting: false, reply: fullReply };
    if (this.#closed || this.#failed !== undefined) return { accepting: false, reply: TROUBLE };
    const full = this.#store.index.open >= this.#options.settings.messagesMax;
    if (full && !this.#full) {
      this.#options.journal.emit('queue.full', { shard: this.#options.shard, deliveries: this.#store.index.open });
    }
    this.#full = full;
    return full ? { accepting: false, reply: fullReply } : { accepting: true };
  }

  begin(): Draft {
    return new LogDraft({
      memory: this.#memory,
      big: this.#store.big,
      inlineBytes: this.#geometry.inlineBytes,
      nextId: () => this.#store.ids.next(),
      commit: (message, body) => this.#commit(message, body),
    });
  }

  takeDue(nowMs: number, most: number): Promise<readonly NextHop[]> {
    return Promise.resolve(this.#holds ? [] : this.#claims.takeDue(nowMs, most));
  }

  rearm(nextHop: NextHop, notBeforeMs: number): void {
    this.#claims.rearm(nextHop, notBeforeMs);
  }

  nextDueMs(): number | undefined {
    return this.#holds ? undefined : this.#claims.nextDueMs();
  }

  onDue(listener: (nextHop: NextHop) => void): void {
    this.#store.index.onDue(listener);
  }

  claim(nextHop: NextHop, nowMs: number, most: number): Promise<readonly Claim[]> {
    return this.#holds ? Promise.resolve([]) : this.#claims.claim(nextHop, nowMs, most);
  }

  async claimMatching(filter: QueueFilter, most: number): Promise<readonly Claim[]> {
    if (this.#holds) return [];
    return this.#claims.ofLeased(await this.#operator.leaseMatching(filter, most));
  }

  record(claim: Claim, attempt: AttemptRecord): Promise<readonly QueueId[]> {
    return this.#claims.record(claim, attempt);
  }

  release(claim: Claim, dueAtMs: number): void {
    this.#claims.release(claim, dueAtMs);
  }

  counts(): QueueCounts {
    return this.#operator.counts();
  }

  list(
    filter: QueueFilter,
    options: { readonly offset: number; readonly most: number; readonly envelopes: boolean },
  ): Promise<readonly QueueRow[]> {
    return this.#operator.list(filter, options);
  }

  count(filter: QueueFilter): Promise<number> {
    return this.#operator.count(filter);
  }

  async content(queueId: QueueId): Promise<Content | undefined> {
    const name = parseQueueId(queueId);
    if (name === undefined || name.shard !== this.#options.shard) return undefined;
    return this.#operator.content(name.id);
  }

  hold(filter: QueueFilter): Promise<number> {
    return this.#operator.hold(filter);
  }

  resume(filter: QueueFilter): Promise<number> {
    return this.#operator.resume(filter);
  }

  retryNow(filter: QueueFilter): Promise<number> {
    return this.#operator.retryNow(filter);
  }

  remove(filter: QueueFilter): Promise<number> {
    return this.#operator.remove(filter);
  }

  reroute(filter: QueueFilter, route: Parameters<Queue['reroute']>[1]): Promise<number> {
    return this.#operator.reroute(filter, route);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#space.close();
    this.#recovery.stop();
    this.#compaction.stop();
    await this.recovered;
    await this.#compaction.ended();
    await this.#store.committer.stop();
    await this.#marks.close(this.#recovery.complete && this.#store.index.claimed === 0);
    await this.#store.segments.close();
  }

  /** A queue whose files were removed under it must not go on acknowledging into nowhere. */
  async #lookAfterSegments(): Promise<void> {
    const { committer, segments } = this.#store;
    void segments.fillReserve();
    const { current } = committer;
    if (current === undefined || this.#closed) return;
    if (!(await segments.isThere(current))) committer.lose(current);
  }

  async #begin(): Promise<void> {
    try {
      await this.#recovery.run();
    } catch (error) {
      const { journal, directory } = this.#options;
      journal.emit('storage.maintenance-failed', { action: 'recovery', path: directory, errno: errnoOf(error) });
    }
    // What was not read back must not be taken for dead.
    if (this.#recovery.complete) this.#compaction.enable();
  }

  async #commit(message: NewMessage, body: DraftBody): Promise<QueueId> {
    const { shard } = this.#options;
    const why = this.#closed
      ? 'closing'
      : this.#failed !== undefined
        ? 'storage failed'
        : this.#space.low
          ? 'disk space is low'
          : undefined;
    if (why !== undefined) {
      body.big?.abandon();
      throw new Fault('queue.not-accepting', { shard, why });
    }
    assertStorable(message);
    const { big } = body;
    const id = big?.id ?? this.#store.ids.next();
    try {
      await big?.finish();
    } catch (error) {
      big?.abandon();
      throw this.#writeFault(error);
    }
    const built = buildMessage({
      id,
      message,
      chunks: body.chunks,
      bodyBytes: body.sizeBytes,
      bigCrc: big?.crc,
      chained: false,
    });
    return new Promise((resolve, reject) => {
      const done = (error?: unknown): void => {
        if (error === undefined) return resolve(makeQueueId(shard, id));
        // The record may be on disk all the same, and then needs its large content; else the sweep at the next start removes that.
        reject(this.#writeFault(error));
      };
      this.#store.committer.add(this.#store.messageEntry(id, message, built, done), 'now');
    });
  }

  #writeFault(error: unknown): Fault {
    return new Fault('queue.not-accepting', { shard: this.#options.shard, why: 'writing failed' }, { cause: error });
  }

  /** No attempt begins while its outcome could not be written: after a crash it would be made once more. */
  get #holds(): boolean {
    return this.#closed || this.#failed !== undefined;
  }

  #failing(errno: string | undefined): void {
    this.#failed = errno;
    if (errno === 'ENOSPC' || errno === 'EDQUOT') {
      this.#store.segments.scarce = true;
      // A quota is told by the failed write alone: the file system has space, and saying that it has none would mislead.
      if (errno === 'ENOSPC') this.#space.exhausted();
    }
    if (errno !== undefined) return;
    void this.#space.look();
    this.#claims.wake();
  }
}

interface OpenParts {
  readonly segments: Segments;
  readonly ids: Awaited<ReturnType<typeof openIds>>;
  readonly marks: WorkMarks;
  readonly left: Awaited<ReturnType<typeof WorkMarks.open>>['left'];
  /** The segments of earlier runs, the oldest first. */
  readonly old: readonly Segment[];
}

/** Opens the queue of a shard: mail can be taken when this resolves, while old mail is still being read back. Rejects with a `Fault`. */
export async function openLogQueue(options: LogQueueOptions): Promise<LogQueue> {
  for (;;) {
    try {
      return await open(options);
    } catch (error) {
      const errno = errnoOf(error instanceof Fault ? error.cause : error);
      if (
        errno === 'ENOSPC' &&
        (await makeRoom({ ...options, disk: options.world.disk, geometry: { ...queueLimits, ...options.geometry } }))
      )
        continue;
      if (error instanceof Fault) throw error;
      throw new Fault('storage.write-failed', { path: options.directory, errno }, { cause: error });
    }
  }
}

async function open(options: LogQueueOptions): Promise<LogQueue> {
  const { directory, shard, journal } = options;
  const { disk } = options.world;
  const geometry: LogGeometry = { ...queueLimits, ...options.geometry };
  await disk.makeDirectory(`${directory}/big`, 0o700);
  const ids = await openIds(disk, directory, shard);
  const names = await disk.list(directory);
  const numbers = names
    .map((name) => Number(/^(\d{10})\.log$/.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);
  const spares: string[] = [];
  for (const name of names.filter(isSpare)) {
    const path = `${directory}/${name}`;
    // One that a crash cut short is no spare.
    if ((await disk.entry(path))?.sizeBytes === geometry.segmentBytes) spares.push(path);
    else await disk.unlink(path);
  }
  const segments = new Segments(
    { disk, directory, shard, boot: ids.boot, geometry, journal },
    numbers.at(-1) ?? 0,
    spares,
  );
  const old = await adoptAll(disk, segments, numbers);
  const { marks, left } = await WorkMarks.open(disk, `${directory}/work`);
  const queue = new LogQueue(options, geometry, { segments, ids, marks, left, old });
  try {
    await queue.start();
  } catch (error) {
    await queue.close();
    throw error;
  }
  return queue;
}

async function adoptAll(
  disk: LogQueueOptions['world']['disk'],
  segments: Segments,
  numbers: readonly number[],
): Promise<Segment[]> {
  const sizes = await Promise.all(
    numbers.map(async (number) => (await disk.entry(segments.logPath(number)))?.sizeBytes ?? 0),
  );
  return numbers.map((number, at) => segments.adopt(number, sizes[at] ?? 0));
}
