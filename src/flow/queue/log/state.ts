/**
 * The head of a state record: the whole state of a delivery's recipients, so that the latest record alone says everything.
 * A delivery that was split off by a new routing carries its recipients too.
 */
import type { EnvelopeRecipient } from '../../../mail/envelope.ts';
import type { Reply } from '../../../mail/reply.ts';
import type { RecipientState } from '../recipient-state.ts';
import { recipientOf, recipientTuple } from './head.ts';

/** What a state record carries. */
export interface DeliveryState {
  readonly states: readonly RecipientState[];
  /** Where they are not those that the message record gives this ordinal. */
  readonly recipients?: readonly EnvelopeRecipient[];
}

type ReplyTuple = [code: number, detail: string | null, ...text: string[]];
type StateTuple = [state: 0 | 1 | 2, reply?: ReplyTuple];
type DeliveryTuple = [states: StateTuple[], recipients?: ReturnType<typeof recipientTuple>[]];

const NUMBERS = { waiting: 0, delivered: 1, failed: 2 } as const;
const NAMES = ['waiting', 'delivered', 'failed'] as const;

/** The state as stored. */
export function stateText(state: DeliveryState): string {
  const states = state.states.map((one): StateTuple => {
    const { lastReply } = one;
    if (lastReply === undefined) return [NUMBERS[one.state]];
    return [NUMBERS[one.state], [lastReply.code, lastReply.detail ?? null, ...lastReply.text]];
  });
  const tuple: DeliveryTuple =
    state.recipients === undefined ? [states] : [states, state.recipients.map(recipientTuple)];
  return JSON.stringify(tuple);
}

/** The state as it was. */
export function readState(bytes: Buffer): DeliveryState {
  const [states, recipients] = JSON.parse(bytes.toString()) as DeliveryTuple;
  return {
    states: states.map(([state, reply]) => ({
      state: NAMES[state],
      ...(reply !== undefined && { lastReply: replyOf(reply) }),
    })),
    ...(recipients !== undefined && { recipients: recipients.map(recipientOf) }),
  };
}

function replyOf([code, detail, ...text]: ReplyTuple): Reply {
  return detail === null ? { code, text } : { code, detail, text };
}
