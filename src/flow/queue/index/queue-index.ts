import type { NextHop } from '../../../mail/next-hop.ts';
import { deliveryFlag, Deliveries } from './deliveries.ts';
import { Messages } from './messages.ts';
import { NextHops } from './next-hops.ts';

/** Who waits for deliveries to become due. */
export type DueListener = (nextHop: NextHop) => void;

/** Everything that the queue knows without reading: about a hundred octets per message. */
export class QueueIndex {
  readonly messages = new Messages();
  readonly deliveries = new Deliveries(this.messages);
  readonly nextHops = new NextHops(this.deliveries);
  #listener: DueListener = () => undefined;
  /** Deliveries that have not ended. */
  open = 0;
  held = 0;
  quarantined = 0;
  claimed = 0;
  bytes = 0;

  onDue(listener: DueListener): void {
    this.#listener = listener;
  }

  /** Tells the listener about a next hop. */
  announce(nextHop: NextHop): void {
    this.#listener(nextHop);
  }

  /** A delivery at the head of its message's list; open unless its flags say that it has ended. */
  addDelivery(message: number, ordinal: number): number {
    const { messages, deliveries } = this;
    const row = deliveries.add(message, ordinal);
    deliveries.sibling[row] = messages.firstDelivery[message] ?? 0;
    messages.firstDelivery[message] = row;
    messages.open[message] = (messages.open[message] ?? 0) + 1;
    this.open += 1;
    return row;
  }

  /** The delivery of a message with an ordinal, 0 where there is none. */
  findDelivery(message: number, ordinal: number): number {
    const { messages, deliveries } = this;
    let row = messages.firstDelivery[message] ?? 0;
    while (row !== 0 && deliveries.ordinal[row] !== ordinal) row = deliveries.sibling[row] ?? 0;
    return row;
  }

  /** Points a delivery to a next hop, away from the one before. */
  direct(row: number, nextHop: NextHop, nowMs: number): void {
    const before = this.deliveries.nextHop[row] ?? 0;
    if (before !== 0 && this.nextHops.names[before] === nextHop) return;
    this.deliveries.nextHop[row] = this.nextHops.refer(nextHop);
    if (before !== 0) this.nextHops.unrefer(before, nowMs);
  }

  /** Sets held and quarantined, and counts. */
  mark(row: number, held: boolean, quarantined: boolean): void {
    const { deliveries } = this;
    this.held += Number(held) - Number(deliveries.has(row, deliveryFlag.held));
    this.quarantined += Number(quarantined) - Number(deliveries.has(row, deliveryFlag.quarantined));
    if (held) deliveries.set(row, deliveryFlag.held);
    else deliveries.clear(row, deliveryFlag.held);
    if (quarantined) deliveries.set(row, deliveryFlag.quarantined);
    else deliveries.clear(row, deliveryFlag.quarantined);
  }

  /** Lets a delivery wait for its due time, unless it is held, ended, claimed, or waits for its turn alone. */
  wait(row: number): void {
    const { deliveries } = this;
    const still =
      deliveryFlag.held | deliveryFlag.ended | deliveryFlag.claimed | deliveryFlag.waiting | deliveryFlag.suspect;
    if (deliveries.has(row, still)) return;
    deliveries.set(row, deliveryFlag.waiting);
    if (this.nextHops.wait(row)) this.#listener(this.nextHops.names[deliveries.nextHop[row] ?? 0] ?? '');
  }

  /** Takes a delivery out of its next hop's heap, where it is in it. */
  unwait(row: number): void {
    if (!this.deliveries.has(row, deliveryFlag.waiting)) return;
    this.deliveries.clear(row, deliveryFlag.waiting);
    this.nextHops.unwait(row);
  }

  /** Leases a delivery to one caller. */
  lease(row: number): void {
    this.unwait(row);
    this.deliveries.set(row, deliveryFlag.claimed);
    this.claimed += 1;
  }

  /** Ends a lease. */
  unlease(row: number): void {
    if (!this.deliveries.has(row, deliveryFlag.claimed)) return;
    this.deliveries.clear(row, deliveryFlag.claimed);
    this.claimed -= 1;
  }

  /** Takes the delivery to try first of those due, and leases it; 0 where none is. */
  popDue(nextHop: number, nowMs: number): number {
    const row = this.nextHops.popDue(nextHop, nowMs);
    if (row === 0) return 0;
    this.deliveries.clear(row, deliveryFlag.waiting);
    this.deliveries.set(row, deliveryFlag.claimed);
    this.claimed += 1;
    return row;
  }

  /** A delivery has ended: it is kept with its message, but counts no more and names no next hop. */
  end(row: number, nowMs: number): void {
    const { deliveries } = this;
    if (deliveries.has(row, deliveryFlag.ended)) return;
    this.unwait(row);
    this.unlease(row);
    this.mark(row, false, false);
    deliveries.clear(row, deliveryFlag.suspect);
    deliveries.set(row, deliveryFlag.ended);
    const nextHop = deliveries.nextHop[row] ?? 0;
    deliveries.nextHop[row] = 0;
    if (nextHop !== 0) this.nextHops.unrefer(nextHop, nowMs);
    this.open -= 1;
  }

  /** Forgets a message and its deliveries. */
  removeMessage(message: number, nowMs: number): void {
    const { messages, deliveries } = this;
    for (let row = messages.firstDelivery[message] ?? 0; row !== 0; ) {
      const after = deliveries.sibling[row] ?? 0;
      this.end(row, nowMs);
      deliveries.remove(row);
      row = after;
    }
    messages.firstDelivery[message] = 0;
  }
}
