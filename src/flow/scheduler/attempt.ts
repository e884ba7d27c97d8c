import type { Journal } from '../../events/journal.ts';
import { printMailbox } from '../../mail/mailbox.ts';
import type { QueueId } from '../../mail/queue-id.ts';
import type { Reply } from '../../mail/reply.ts';
import { printReply } from '../../mail/reply.ts';
import type { Timeline } from '../../mail/timeline.ts';
import type { SchedulerSettings } from '../../settings/scheduler.ts';
import type { World } from '../../world/world.ts';
import type { AttemptResult, Courier } from '../delivery/port.ts';
import type { AttemptRecord, Claim, Queue } from '../queue/port.ts';
import { reportEntries } from '../reporting/entries.ts';
import type { Reporter } from '../reporting/port.ts';
import type { Route, Router } from '../routing/port.ts';
import type { ClockGuard } from './clock-guard.ts';
import { type Conclusion, conclude } from './conclude.ts';
import { limits } from './limits.ts';
import { schedulerReplies } from './replies.ts';

/** Whom an attempt asks and tells. */
export interface AttemptRooms {
  readonly world: Pick<World, 'clock' | 'random'>;
  readonly settings: SchedulerSettings;
  readonly queue: Queue;
  readonly router: Router;
  readonly courier: Courier;
  readonly reporter: Reporter;
  readonly journal: Journal;
  readonly timeline: Timeline;
  readonly guard: ClockGuard;
}

/** What the scheduler learns from an attempt once it has ended; `recorded` follows when its outcomes are durable. */
export interface AttemptEnd {
  readonly nextHop: AttemptResult['nextHop'];
  readonly reason: string;
  readonly recorded: Promise<void>;
}

/** Makes one attempt for a claim: route, deliver, conclude, record. Never rejects. */
export async function makeAttempt(rooms: AttemptRooms, claim: Claim, flushing: boolean): Promise<AttemptEnd> {
  const { router, queue } = rooms;
  const strayed = claim.recipients.some((recipient) => !router.belongs(claim.nextHop, recipient, claim.envelope));
  if (strayed) {
    // The configuration has changed since it was queued: another next hop is responsible now.
    // Due in a moment: one due at once would be claimed again, again astray, before it has moved.
    queue.release(claim, rooms.world.clock.wall() + limits.strayedWaitMs);
    const moved = queue.reroute({ queueId: claim.queueId, nextHop: claim.nextHop }, (r, envelope) =>
      router.nextHop(r.mailbox, envelope),
    );
    return {
      nextHop: 'answered',
      reason: '',
      recorded: moved.then(
        () => undefined,
        () => undefined,
      ),
    };
  }
  let result: AttemptResult;
  try {
    result = await attemptBy(rooms, claim, await router.route(routeKey(claim.nextHop, flushing), claim.envelope));
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    rooms.journal.emit('scheduler.attempt-broke', { queueId: claim.queueId, nextHop: claim.nextHop, error: what });
    result = sameForAll(claim, 'deferred', schedulerReplies.attemptBroke(what));
  }
  const last = result.outcomes.find(({ outcome }) => outcome.kind === 'deferred')?.outcome;
  const reason = last?.reply === undefined ? '' : printReply(last.reply);
  return { nextHop: result.nextHop, reason, recorded: record(rooms, claim, result) };
}

/** Held mail that is being asked for goes by the domain's MX. */
function routeKey(nextHop: string, flushing: boolean): string {
  return flushing && nextHop.startsWith('held:') ? `mx:${nextHop.slice('held:'.length)}` : nextHop;
}

function attemptBy(rooms: AttemptRooms, claim: Claim, route: Route): Promise<AttemptResult> | AttemptResult {
  switch (route.kind) {
    case 'relay':
    case 'local':
      return rooms.courier.attempt(claim, route);
    case 'expanded':
      return {
        outcomes: claim.recipients.map(({ index }) => ({
          index,
          outcome: { kind: 'delivered', how: 'expanded', dsnPassed: false },
        })),
        nextHop: 'answered',
        durationMs: 0,
      };
    case 'held':
      return sameForAll(claim, 'deferred', schedulerReplies.held(route.reason));
    case 'deferred':
    case 'failed':
      return sameForAll(claim, route.kind, route.reply);
  }
}

function sameForAll(claim: Claim, kind: 'deferred' | 'failed', reply: Reply): AttemptResult {
  return {
    outcomes: claim.recipients.map(({ index }) => ({ index, outcome: { kind, reply } })),
    nextHop: 'answered',
    durationMs: 0,
  };
}

/** Concludes a result, makes it durable with the reports it owes, and tells the timeline. Never rejects. */
export async function record(rooms: AttemptRooms, claim: Claim, result: AttemptResult): Promise<void> {
  const { world, queue, journal, reporter } = rooms;
  const conclusion = conclude(claim, result.outcomes, {
    settings: rooms.settings,
    nowMs: world.clock.wall(),
    mayExpire: rooms.guard.mayExpire(),
    fraction: world.random.fraction(),
  });
  if (conclusion.keptBack !== undefined) {
    journal.emit('scheduler.smart-host-refused-relay', { nextHop: claim.nextHop, reply: conclusion.keptBack });
  }
  try {
    const owed = await reporter.owed(claim, conclusion.outcomes);
    const notices = conclusion.delayNotice ? await reporter.delayed(claim, conclusion.outcomes) : [];
    const all = notices.length === 0 ? owed : [...owed, ...notices];
    const ids = await recordUntilDurable(rooms, claim, {
      outcomes: conclusion.outcomes,
      nextDueMs: conclusion.nextDueMs,
      delayReported: claim.delayReported || conclusion.delayNotice,
      owed: all,
    });
    tell(rooms, claim, result, conclusion);
    const atMs = world.clock.wall();
    if (ids.length > 0) for (const entry of reportEntries(claim, all, ids, atMs)) rooms.timeline.add(entry);
    if (conclusion.ended) rooms.timeline.add({ atMs, queueId: claim.queueId, what: 'ended' });
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    journal.emit('scheduler.attempt-broke', { queueId: claim.queueId, nextHop: claim.nextHop, error: what });
    queue.release(claim, conclusion.nextDueMs);
  }
}

/**
 * Storage that fails now may work again: until the outcome is durable the delivery stays leased, so that nothing is sent twice
 * by this process. A queue that has been closed answers no more; the delivery is then tried again after the restart.
 */
async function recordUntilDurable(
  rooms: AttemptRooms,
  claim: Claim,
  attempt: AttemptRecord,
): Promise<readonly QueueId[]> {
  const { queue, journal, world } = rooms;
  for (let waitMs: number = limits.recordRetryMs; ; waitMs = Math.min(waitMs * 2, limits.recordRetryMsMax)) {
    try {
      return await queue.record(claim, attempt);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      if (waitMs === limits.recordRetryMs) {
        journal.emit('scheduler.outcome-not-recorded', { queueId: claim.queueId, nextHop: claim.nextHop, error: what });
      }
      await new Promise<void>((resolve) => void world.clock.after(waitMs, resolve));
    }
  }
}

function tell(rooms: AttemptRooms, claim: Claim, result: AttemptResult, conclusion: Conclusion): void {
  const atMs = rooms.world.clock.wall();
  const { queueId } = claim;
  const names = new Map(claim.recipients.map((recipient) => [recipient.index, printMailbox(recipient.mailbox)]));
  rooms.timeline.add({
    atMs,
    queueId,
    what: 'attempt',
    nextHop: claim.nextHop,
    attempt: claim.attempts + 1,
    remote: result.remote === undefined ? '' : `${result.remote.name} [${result.remote.address}]`,
    durationMs: Math.round(result.durationMs),
    outcomes: conclusion.outcomes.map(({ index, outcome }) => ({
      recipient: names.get(index) ?? '',
      kind: outcome.kind,
      ...(outcome.reply === undefined ? {} : { reply: outcome.reply }),
    })),
    ...(conclusion.ended ? {} : { nextDueMs: conclusion.nextDueMs }),
  });
}
