import type { Outcome } from '../../mail/outcome.ts';
import type { Reply } from '../../mail/reply.ts';
import type { SchedulerSettings } from '../../settings/scheduler.ts';
import type { AttemptResult } from '../delivery/port.ts';
import type { Claim } from '../queue/port.ts';
import { schedulerReplies } from './replies.ts';
import { retryWait } from './retry-curve.ts';

/** What is done about an attempt's outcomes: the final list, when to try again, and whether a delay notice is owed. */
export interface Conclusion {
  readonly outcomes: AttemptResult['outcomes'];
  readonly nextDueMs: number;
  readonly ended: boolean;
  readonly delayNotice: boolean;
  /** The smart host's refusal that was kept from returning mail, where one was. */
  readonly keptBack: Reply | undefined;
}

/** The facts besides the claim that decide. */
export interface ConclusionFacts {
  readonly settings: SchedulerSettings;
  readonly nowMs: number;
  readonly mayExpire: boolean;
  readonly fraction: number;
}

/**
 * Turns what an attempt found into what is recorded: deferred mail past its time fails (RFC 5321 §4.5.4.1), the rest gets its
 * next time by the class's curve, and a sender who has waited long is told once. Pure.
 */
export function conclude(claim: Claim, found: AttemptResult['outcomes'], facts: ConclusionFacts): Conclusion {
  const curve = facts.settings[claim.class];
  const expired = facts.mayExpire && facts.nowMs >= claim.expiresAtMs;
  let keptBack: Reply | undefined;
  const outcomes = found.map(({ index, outcome }) => {
    let concluded: Outcome = outcome;
    if (outcome.kind === 'failed' && claim.nextHop.startsWith('host:') && refusesRelay(outcome.reply)) {
      keptBack = outcome.reply;
      concluded = { ...outcome, kind: 'deferred', reply: schedulerReplies.smartHostRefusesRelay(outcome.reply) };
    }
    if (concluded.kind === 'deferred' && expired) {
      return {
        index,
        outcome: { ...concluded, kind: 'failed' as const, reply: schedulerReplies.expired(concluded.reply) },
      };
    }
    return { index, outcome: concluded };
  });
  const final = new Set(outcomes.filter(({ outcome }) => outcome.kind !== 'deferred').map(({ index }) => index));
  const ended = claim.recipients.every(({ index }) => final.has(index));
  const wait = retryWait(curve, claim.attempts + 1, facts.settings.jitter, facts.fraction);
  const planned = facts.nowMs + wait;
  // The last attempt falls on the expiry, so that a report is not later than promised.
  const nextDueMs = planned > claim.expiresAtMs && claim.expiresAtMs > facts.nowMs ? claim.expiresAtMs : planned;
  return {
    outcomes,
    nextDueMs,
    ended,
    keptBack,
    delayNotice: !ended && !claim.delayReported && facts.nowMs - claim.arrivedAtMs >= curve.delayNotice,
  };
}

/** A smart host that does not relay for us says so of every message: our fault, not the senders'. */
function refusesRelay(reply: Reply): boolean {
  if (reply.code === 530 || reply.code === 535) return true;
  return Math.floor(reply.code / 100) === 5 && /\brelay(ing)?\b/i.test(reply.text.join(' '));
}
