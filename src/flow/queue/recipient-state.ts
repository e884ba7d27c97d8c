import type { EnvelopeRecipient } from '../../mail/envelope.ts';
import type { Outcome } from '../../mail/outcome.ts';
import type { Reply } from '../../mail/reply.ts';
import type { AttemptRecord, ClaimedRecipient } from './port.ts';

/** Where one recipient of a delivery stands. */
export interface RecipientState {
  readonly state: 'waiting' | 'delivered' | 'failed';
  readonly lastReply?: Reply;
}

/** The state of a recipient that no attempt was made for. */
export const untried: RecipientState = { state: 'waiting' };

/** The states after an attempt. Those without an outcome, or that were final before, stay as they are. */
export function withOutcomes(before: readonly RecipientState[], outcomes: AttemptRecord['outcomes']): RecipientState[] {
  const after = [...before];
  for (const { index, outcome } of outcomes) {
    if (after[index]?.state === 'waiting') after[index] = stateAfter(outcome);
  }
  return after;
}

/** Whether no recipient waits any more. */
export function allFinal(states: readonly RecipientState[]): boolean {
  return states.every((one) => one.state !== 'waiting');
}

/** The recipients of a claim: those that still wait. */
export function claimedRecipients(
  recipients: readonly EnvelopeRecipient[],
  states: readonly RecipientState[],
): ClaimedRecipient[] {
  const claimed: ClaimedRecipient[] = [];
  for (const [index, recipient] of recipients.entries()) {
    const state = states[index] ?? untried;
    if (state.state !== 'waiting') continue;
    claimed.push(
      state.lastReply === undefined ? { ...recipient, index } : { ...recipient, index, lastReply: state.lastReply },
    );
  }
  return claimed;
}

function stateAfter(outcome: Outcome): RecipientState {
  const state = outcome.kind === 'deferred' ? 'waiting' : outcome.kind;
  return outcome.reply === undefined ? { state } : { state, lastReply: outcome.reply };
}
