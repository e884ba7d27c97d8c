import type { EnvelopeRecipient } from '../../mail/envelope.ts';
import type { Outcome } from '../../mail/outcome.ts';
import { enhancedStatus } from '../../mail/reply.ts';
import type { ReportingSettings } from '../../settings/reporting.ts';
import type { DsnRecipient } from '../../protocol/dsn/status-part.ts';
import type { AttemptRecord, Claim, ClaimedRecipient } from '../queue/port.ts';

/** A recipient's share in a report, and its index in the claim. */
export interface Reported {
  readonly index: number;
  readonly recipient: DsnRecipient;
}

/** Whether the sender wants to hear of a condition. Without NOTIFY: of failures and, as RFC 3461 §4.1 leaves to us, of delays. */
export function wants(recipient: EnvelopeRecipient, condition: 'success' | 'failure' | 'delay'): boolean {
  return recipient.notify === undefined ? condition !== 'success' : recipient.notify.includes(condition);
}

/** The recipients that failed, whether or not the sender wants to know. */
export function failures(
  claim: Claim,
  outcomes: AttemptRecord['outcomes'],
  nowMs: number,
): { readonly all: Reported[]; readonly wanted: Reported[] } {
  const all: Reported[] = [];
  const wanted: Reported[] = [];
  for (const [recipient, outcome] of paired(claim, outcomes)) {
    if (outcome.kind !== 'failed') continue;
    const reported = { index: recipient.index, recipient: told(recipient, outcome, 'failed', nowMs) };
    all.push(reported);
    if (wants(recipient, 'failure')) wanted.push(reported);
  }
  return { all, wanted };
}

/** The recipients whose success the sender asked for and nobody after us will tell (RFC 3461 §5.2.2). */
export function successes(claim: Claim, outcomes: AttemptRecord['outcomes'], nowMs: number): Reported[] {
  const found: Reported[] = [];
  for (const [recipient, outcome] of paired(claim, outcomes)) {
    if (outcome.kind !== 'delivered' || !wants(recipient, 'success')) continue;
    if (outcome.dsnPassed) continue;
    found.push({ index: recipient.index, recipient: told(recipient, outcome, outcome.how, nowMs) });
  }
  return found;
}

/** The recipients that wait on, of those whose sender wants to know. */
export function delays(claim: Claim, outcomes: AttemptRecord['outcomes'], nowMs: number): Reported[] {
  const byIndex = new Map(outcomes.map((o) => [o.index, o.outcome]));
  const found: Reported[] = [];
  for (const recipient of claim.recipients) {
    const outcome = byIndex.get(recipient.index);
    if ((outcome !== undefined && outcome.kind !== 'deferred') || !wants(recipient, 'delay')) continue;
    const reply = outcome?.reply ?? recipient.lastReply;
    const base = told(
      recipient,
      {
        ...(reply === undefined ? {} : { reply }),
        ...(outcome?.remote === undefined ? {} : { remote: outcome.remote }),
      },
      'delayed',
      nowMs,
    );
    const { lastAttemptAtMs, ...unattempted } = base;
    found.push({
      index: recipient.index,
      recipient: {
        ...unattempted,
        ...(outcome === undefined || lastAttemptAtMs === undefined ? {} : { lastAttemptAtMs }),
        willRetryUntilMs: claim.expiresAtMs,
      },
    });
  }
  return found;
}

/** The classes of `copyToPostmaster` that a failed or delayed recipient belongs to. */
export function classesOf(recipient: DsnRecipient): ReportingSettings['copyToPostmaster'] {
  if (recipient.action === 'delayed') return ['delayed'];
  if (recipient.status.endsWith('.4.6')) return ['failed', 'looped'];
  return /^\d\.7\./.test(recipient.status) ? ['failed', 'policy'] : ['failed'];
}

function* paired(claim: Claim, outcomes: AttemptRecord['outcomes']): Generator<[ClaimedRecipient, Outcome]> {
  const byIndex = new Map(claim.recipients.map((r) => [r.index, r]));
  for (const { index, outcome } of outcomes) {
    const recipient = byIndex.get(index);
    if (recipient !== undefined) yield [recipient, outcome];
  }
}

function told(
  recipient: ClaimedRecipient,
  said: Pick<Outcome, 'reply' | 'remote'>,
  action: DsnRecipient['action'],
  nowMs: number,
): DsnRecipient {
  const failed = action === 'failed' || action === 'delayed';
  const status = said.reply === undefined ? (failed ? '4.0.0' : '2.0.0') : enhancedStatus(said.reply);
  return {
    final: recipient.mailbox,
    ...(recipient.original === undefined ? {} : { original: recipient.original }),
    action,
    status,
    ...(said.remote === undefined ? {} : { remote: said.remote }),
    ...(said.reply === undefined ? {} : { reply: said.reply }),
    lastAttemptAtMs: nowMs,
  };
}
