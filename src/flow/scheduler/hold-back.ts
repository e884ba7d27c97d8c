/** Mail that no attempt is made for, by order, while its clocks go on: what expires is returned, and who waits long is told. */
import { expandedHop, type NextHop } from '../../mail/next-hop.ts';
import type { Claim } from '../queue/port.ts';
import { type AttemptRooms, record } from './attempt.ts';
import { isLocal } from './known.ts';
import { limits } from './limits.ts';
import { schedulerReplies } from './replies.ts';

/** What is held back: nothing, what would leave for other hosts, or everything. */
export type HeldBack = 'nothing' | 'leaving' | 'everything';

/** Deliveries looked at in one turn. */
const BATCH = 100;

/** Holds back by order, and knows what it has put off. */
export class HoldBack {
  readonly #rooms: () => AttemptRooms;
  readonly #putOff = new Set<NextHop>();
  /** More next hops than are remembered. */
  #many = false;
  #what: HeldBack = 'nothing';

  constructor(rooms: () => AttemptRooms) {
    this.#rooms = rooms;
  }

  /** Whether mail for a next hop is held back. */
  holds(nextHop: NextHop): boolean {
    if (this.#what === 'nothing') return false;
    return this.#what === 'everything' || !(isLocal(nextHop) || nextHop === expandedHop);
  }

  /** Sets what is held back; resolves with the next hops whose mail may go again, 'all' where there are very many. */
  async use(what: HeldBack): Promise<readonly NextHop[] | 'all'> {
    this.#what = what;
    const { queue } = this.#rooms();
    if (this.#many && what === 'nothing') {
      this.#many = false;
      this.#putOff.clear();
      await queue.retryNow({});
      return 'all';
    }
    const free = [...this.#putOff].filter((nextHop) => !this.holds(nextHop));
    for (const nextHop of free) this.#putOff.delete(nextHop);
    for (const nextHop of free) await queue.retryNow({ nextHop });
    return free;
  }

  /** Puts off what is due at a next hop until its next clock rings: the notice of a delay, or its expiry. */
  async look(nextHop: NextHop): Promise<void> {
    for (;;) {
      const { queue, world } = this.#rooms();
      const claims = await queue.claim(nextHop, world.clock.wall(), BATCH);
      if (claims.length > 0) this.#remember(nextHop);
      await Promise.all(claims.map((claim) => this.#putOffOne(claim)));
      if (claims.length < BATCH) return;
    }
  }

  #remember(nextHop: NextHop): void {
    if (this.#putOff.size < limits.rememberedNextHopsMax) this.#putOff.add(nextHop);
    else this.#many = true;
  }

  #putOffOne(claim: Claim): Promise<void> | undefined {
    const rooms = this.#rooms();
    const now = rooms.world.clock.wall();
    const notice = claim.delayReported ? Infinity : claim.arrivedAtMs + rooms.settings[claim.class].delayNotice;
    const rings = Math.min(claim.expiresAtMs, notice);
    if (rings > now) {
      // Whoever set it meanwhile to go must find it due.
      rooms.queue.release(claim, this.holds(claim.nextHop) ? rings : now);
      return undefined;
    }
    const reply = schedulerReplies.heldBack;
    const outcomes = claim.recipients.map(({ index }) => ({ index, outcome: { kind: 'deferred' as const, reply } }));
    return record(rooms, claim, { outcomes, nextHop: 'answered', durationMs: 0 });
  }
}
