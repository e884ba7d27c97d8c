/** What the reference engine holds. */
import type { EnvelopeRecipient } from '../../../mail/envelope.ts';
import { type NextHop, schedulingClasses } from '../../../mail/next-hop.ts';
import { EditedContent, HeldOctets } from '../content.ts';
import type { Content, NewMessage } from '../port.ts';
import type { RecipientState } from '../recipient-state.ts';

/** A message as the reference engine keeps it. */
export interface HeldMessage {
  readonly id: number;
  readonly message: NewMessage;
  readonly content: Buffer;
  ordinals: number;
}

/** A delivery of it with its state. */
export interface HeldDelivery {
  readonly of: HeldMessage;
  readonly ordinal: number;
  nextHop: NextHop;
  recipients: readonly EnvelopeRecipient[];
  states: readonly RecipientState[];
  dueMs: number;
  attempts: number;
  held: boolean;
  claimed: boolean;
  delayReported: boolean;
}

/** Whether a delivery may be claimed once it is due. */
export function waiting(one: HeldDelivery): boolean {
  return !one.held && !one.claimed;
}

/** Its class as a number, the most urgent first. */
export function classOf(one: HeldDelivery): number {
  return schedulingClasses.indexOf(one.of.message.class);
}

/** Its name. */
export function deliveryId(one: HeldDelivery): string {
  return `${one.of.id.toString(32)}.${one.ordinal}`;
}

/** The content of a message with its edits. */
export function contentOf({ message, content }: HeldMessage): Content {
  return new EditedContent(new HeldOctets(content), message.edits, message.envelope.body, message.eightBit);
}

/** Recipients with their states, as a delivery has them. */
export function split(
  parts: readonly { readonly recipient: EnvelopeRecipient; readonly state: RecipientState }[],
): Pick<HeldDelivery, 'recipients' | 'states'> {
  return { recipients: parts.map((part) => part.recipient), states: parts.map((part) => part.state) };
}
