import { printMailbox } from '../../../mail/mailbox.ts';
import { deliveryFlag } from '../index/deliveries.ts';
import type { QueueRow } from '../port.ts';
import { untried } from '../recipient-state.ts';
import { className } from './records.ts';
import type { LoadedDelivery, LogStore } from './store.ts';

/** A delivery as a list shows it; with its envelope where that was read. */
export function rowOf(store: LogStore, row: number, loaded: LoadedDelivery | undefined): QueueRow {
  const { messages, deliveries, nextHops } = store.index;
  const message = deliveries.message[row] ?? 0;
  const plain: QueueRow = {
    queueId: store.queueId(message),
    deliveryId: store.deliveryId(row),
    nextHop: nextHops.names[deliveries.nextHop[row] ?? 0] ?? '',
    class: className(deliveries.class[row] ?? 0),
    sizeBytes: messages.sizeBytes[message] ?? 0,
    arrivedAtMs: (messages.arrivedS[message] ?? 0) * 1000,
    expiresAtMs: (messages.expiresS[message] ?? 0) * 1000,
    dueAtMs: deliveries.due[row] ?? 0,
    attempts: deliveries.attempts[row] ?? 0,
    held: deliveries.has(row, deliveryFlag.held),
    quarantined: deliveries.has(row, deliveryFlag.quarantined),
    claimed: deliveries.has(row, deliveryFlag.claimed),
  };
  if (loaded === undefined) return plain;
  return {
    ...plain,
    arrivedAtMs: loaded.head.arrivedAtMs,
    expiresAtMs: loaded.head.expiresAtMs,
    sender: loaded.head.envelope.reversePath === null ? '' : printMailbox(loaded.head.envelope.reversePath),
    recipients: loaded.recipients.map((recipient, at) => ({
      mailbox: printMailbox(recipient.mailbox),
      ...(loaded.states[at] ?? untried),
    })),
    messageId: loaded.head.messageId,
  };
}
