import type { Outcome, RemoteHost } from '../../../mail/outcome.ts';
import type { RecipientVerdict, TransactionEnd } from '../../../protocol/smtp/client/port.ts';
import type { AttemptResult } from '../port.ts';
import type { Claim, ClaimedRecipient } from '../../queue/port.ts';
import { deliveryReplies } from '../replies.ts';
import type { HostFailure, Target } from './connection.ts';
import { hostInWords, hostOutcome, maybeDelivered, outcomeOf, remoteOf } from './words.ts';
import { printReply } from '../../../mail/reply.ts';

/** What one attempt has found so far. Each recipient gets one outcome and is then never named to a host again. */
export class RelayAttempt {
  readonly claim: Claim;
  /** Recipients still without an outcome. */
  pending: readonly ClaimedRecipient[];
  readonly #outcomes: { index: number; outcome: Outcome }[] = [];
  #last: { readonly failure: HostFailure; readonly target: Target } | undefined;
  #targets = 0;
  #refusingAllMail = 0;
  /** No proxy works: trying further hosts is of no use now. */
  proxiesFail = false;
  #spokenAgain = false;
  #answered = false;
  #refused = false;
  #remote: RemoteHost | undefined;

  constructor(claim: Claim) {
    this.claim = claim;
    this.pending = claim.recipients;
  }

  /** A host could not be spoken to, or its session ended early: the next one may take what is pending. */
  noteFailure(failure: HostFailure, target: Target): void {
    this.#targets += 1;
    this.#last = { failure, target };
    if (failure.kind === 'refused' && isOpening(failure.command) && failure.reply.code === 521)
      this.#refusingAllMail += 1;
    if (failure.kind === 'proxy-failed') {
      this.proxiesFail = !failure.once;
      return;
    }
    if (failure.kind !== 'unreachable' && !(failure.kind === 'timed-out' && failure.phase === 'greeting')) {
      this.#refused = true;
      this.#remote = remoteOf(target);
    }
  }

  /** Takes the verdicts for the recipients of one transaction, the first `batch` pending ones. */
  conclude(batch: readonly ClaimedRecipient[], end: TransactionEnd, context: Parameters<typeof outcomeOf>[1]): void {
    const { target } = context;
    const someAccepted = end.verdicts.some((verdict) => verdict.kind === 'accepted');
    const later: ClaimedRecipient[] = [];
    let failure: HostFailure | undefined;
    for (const [i, recipient] of batch.entries()) {
      const verdict = end.verdicts[i];
      if (verdict === undefined) continue;
      if (verdict.kind === 'unanswered') {
        failure = verdict.failure;
        if (verdict.contentSent) this.#settle(recipient, maybeDelivered(verdict.failure, target));
        else if (verdict.failure.kind === 'abandoned') this.#settle(recipient, hostOutcome(verdict.failure, target));
        else later.push(recipient);
      } else if (someAccepted && end.usable && isTooManyRecipients(verdict)) {
        later.push(recipient); // RFC 5321 §4.5.3.1.10: the rest goes in a transaction of its own
      } else {
        this.#settle(recipient, outcomeOf(verdict, context));
      }
    }
    this.pending =
      later.length === 0 ? this.pending.slice(batch.length) : [...later, ...this.pending.slice(batch.length)];
    this.#remote = remoteOf(target);
    const busy = end.verdicts.some((verdict) => verdict.kind === 'refused' && verdict.reply.code === 421);
    if (busy) this.#refused = true;
    else if (failure === undefined) this.#answered = true;
    if (failure !== undefined) this.noteFailure(failure, target);
  }

  /**
   * Whether a host whose session was cut on the way is spoken to once more at once: a proxy that is back by now leads there,
   * one that is gone says so itself, which is what the mail then waits for. Not where all may have been delivered.
   */
  maySpeakAgain(end: TransactionEnd): boolean {
    if (this.#spokenAgain || this.pending.length === 0) return false;
    this.#spokenAgain = end.verdicts.some(
      (verdict) => verdict.kind === 'unanswered' && !verdict.contentSent && verdict.failure.kind === 'closed',
    );
    return this.#spokenAgain;
  }

  /** The result: whoever still waits is deferred for the last reason found. */
  result(durationMs: number): AttemptResult {
    if (this.pending.length > 0) {
      const rest = this.#restOutcome();
      for (const recipient of this.pending) this.#settle(recipient, rest);
      this.pending = [];
    }
    const nextHop = this.#answered ? 'answered' : this.#refused ? 'refused' : 'unreachable';
    return {
      outcomes: this.#outcomes,
      nextHop,
      durationMs,
      ...(this.#remote === undefined ? {} : { remote: this.#remote }),
    };
  }

  #restOutcome(): Outcome {
    if (this.#last === undefined) {
      const reply = this.#answered ? deliveryReplies.restLater() : deliveryReplies.noHosts();
      return { kind: 'deferred', reply };
    }
    const { failure, target } = this.#last;
    // RFC 7504 §4: 521 says that a host never takes mail. Only when every host says so is that the answer.
    if (failure.kind === 'refused' && this.#refusingAllMail === this.#targets) {
      return { kind: 'failed', reply: deliveryReplies.acceptsNoMail(hostInWords(target), printReply(failure.reply)) };
    }
    return hostOutcome(failure, target);
  }

  #settle(recipient: ClaimedRecipient, outcome: Outcome): void {
    this.#outcomes.push({ index: recipient.index, outcome });
  }
}

/** RFC 7504 §3: a host that takes no mail may say so in place of its greeting or after it. */
function isOpening(command: string): boolean {
  return command === 'greeting' || command === 'EHLO';
}

function isTooManyRecipients(verdict: RecipientVerdict): boolean {
  if (verdict.kind !== 'refused' || verdict.command !== 'RCPT' || verdict.reply.code !== 452) return false;
  return verdict.reply.detail === undefined || verdict.reply.detail === '5.3';
}
