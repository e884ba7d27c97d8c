/**
 * Scheduler: decides when an attempt is made. It takes next hops that have due mail from the queue, claims as much as each
 * may take (window, breaker, rate), and learns from how each attempt ended.
 *
 * Called by the service. Promises: bounded attempts at once; a next hop that fails rests and costs nothing meanwhile; next hops
 * that are slow or unknown never take the room of those that are known to answer. Never: decides where mail goes (routing),
 * how (delivery), or what a sender is told (reporting).
 *
 * Diagnostics: scheduler.next-hop-rests and -answers on change, scheduler.clock-jumped, scheduler.attempt-broke.
 */
import type { NextHop } from '../../mail/next-hop.ts';
import { Alarm } from './alarm.ts';
import type { Claim, QueueFilter } from '../queue/port.ts';
import { type AttemptEnd, type AttemptRooms, makeAttempt } from './attempt.ts';
import { createClockGuard } from './clock-guard.ts';
import { type HeldBack, HoldBack } from './hold-back.ts';
import { type Known, newlyKnown } from './known.ts';
import { limits } from './limits.ts';
import type { Scheduler, SchedulerStatus } from './port.ts';
import { returnNow } from './return-now.ts';

/** The bounds of one next hop in this worker, by configuration. */
export interface NextHopBounds {
  readonly connectionsMax: number;
  readonly messagesPerMinuteMax: number | undefined;
}

/** What the scheduler is made of. */
export interface SchedulerParts extends Omit<AttemptRooms, 'guard'> {
  /** Attempts at once of this worker. */
  readonly attemptsMax: number;
  readonly bounds: (nextHop: NextHop) => NextHopBounds;
  /** Attempts under way to a next hop by other schedulers of this process, which share its bounds. */
  readonly activeElsewhere: (nextHop: NextHop) => number;
  /** Asks for a larger share of a next hop's connections, because this worker uses up its own; calls back when there is more. */
  readonly wantMore: (nextHop: NextHop, granted: () => void) => void;
  /** Called at the first attempt in a row that did not reach a next hop. */
  readonly unreached?: ((nextHop: NextHop) => void) | undefined;
}

/** What a new configuration changes; attempts under way keep what they began with. */
export type SchedulerChanges = Pick<
  SchedulerParts,
  'settings' | 'router' | 'courier' | 'reporter' | 'bounds' | 'wantMore' | 'attemptsMax'
>;

/** A scheduler that can be given a new configuration. */
export interface ConfigurableScheduler extends Scheduler {
  use(changes: SchedulerChanges): void;
}

/** Makes the scheduler of one worker. */
export function createScheduler(parts: SchedulerParts): ConfigurableScheduler {
  return new RunningScheduler(parts);
}

class RunningScheduler implements ConfigurableScheduler {
  #parts: SchedulerParts;
  #rooms: AttemptRooms;
  readonly #known = new Map<NextHop, Known>();
  readonly #flushing = new Map<NextHop, number>();
  readonly #waiting = new Set<Known>();
  #quick = 0;
  #slow = 0;
  #recording = 0;
  #running = false;
  #pumping = false;
  #pumpAgain = false;
  readonly #alarm: Alarm;
  readonly #heldBack = new HoldBack(() => this.#rooms);
  #stopped: (() => void) | undefined;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.world.clock, () => this.#wakeSoon());
    const guard = createClockGuard(parts.world.clock, ({ paused, jumpMs }) => {
      if (paused) parts.journal.emit('scheduler.clock-jumped', { jump: jumpMs });
      else parts.journal.emit('scheduler.clock-held', {});
    });
    this.#rooms = { ...parts, guard };
  }

  start(): void {
    this.#running = true;
    this.#parts.queue.onDue((nextHop) => {
      const known = this.#known.get(nextHop);
      if (known?.owned === true) this.#serve(known);
      else this.#wakeSoon();
    });
    this.#wakeSoon();
  }

  use(changes: SchedulerChanges): void {
    this.#parts = { ...this.#parts, ...changes };
    this.#rooms = { ...this.#rooms, ...changes };
    this.#wakeSoon();
  }

  wake(nextHop?: NextHop): void {
    for (const known of nextHop === undefined ? this.#known.values() : [this.#know(nextHop)]) {
      known.state.wake();
      known.looksAt = 0;
      this.#parts.queue.rearm(known.nextHop, 0);
      known.owned = false;
    }
    this.#wakeSoon();
  }

  async flush(domain: string): Promise<number> {
    const nextHop = `held:${domain}`;
    this.#flushing.set(nextHop, this.#parts.world.clock.now() + limits.flushMs);
    const count = await this.#parts.queue.retryNow({ nextHop });
    this.wake(nextHop);
    return count;
  }

  async again(cause: string): Promise<void> {
    const stopped = [...this.#known.values()].filter(({ reason }) => reason.includes(cause));
    for (const known of stopped) await this.#parts.queue.retryNow({ nextHop: known.nextHop });
    for (const { nextHop } of stopped) this.wake(nextHop);
  }

  async holdBack(what: HeldBack): Promise<void> {
    const free = await this.#heldBack.use(what);
    if (free === 'all') this.wake();
    else for (const nextHop of free) this.wake(nextHop);
  }

  returnNow(filter: QueueFilter, text: string): Promise<number> {
    return returnNow(this.#rooms, filter, text);
  }

  async stop(graceMs: number): Promise<void> {
    this.#running = false;
    this.#alarm.cancel();
    if (this.#quick + this.#slow + this.#recording === 0) return;
    await new Promise<void>((resolve) => {
      const limit = this.#parts.world.clock.after(graceMs, resolve);
      this.#stopped = () => {
        limit.cancel();
        resolve();
      };
    });
  }

  active(nextHop: NextHop): number {
    const known = this.#known.get(nextHop);
    return known === undefined ? 0 : known.state.active + known.claiming;
  }

  status(): SchedulerStatus {
    const { clock } = this.#parts.world;
    const resting = [...this.#known.values()]
      .filter(({ state }) => state.restsUntil > clock.now() && state.failures > 0)
      .sort((a, b) => b.state.failures - a.state.failures)
      .slice(0, 100)
      .map(({ nextHop, state, reason }) => ({
        nextHop,
        failures: state.failures,
        untilMs: this.#wallOf(state.restsUntil),
        reason,
      }));
    return { attempts: this.#quick + this.#slow, slowAttempts: this.#slow, resting };
  }

  #wallOf(monotonicMs: number): number {
    const { clock } = this.#parts.world;
    return clock.wall() + monotonicMs - clock.now();
  }

  #wakeSoon(): void {
    if (!this.#running) return;
    if (this.#pumping) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = true;
    void this.#pump();
  }

  async #pump(): Promise<void> {
    const { queue, world } = this.#parts;
    do {
      this.#pumpAgain = false;
      while (this.#running && this.#roomFor(true) > 0) {
        const taken = await queue.takeDue(world.clock.wall(), limits.takenPerRoundMax);
        for (const nextHop of taken) {
          const known = this.#know(nextHop);
          known.owned = true;
          this.#serve(known);
        }
        if (taken.length < limits.takenPerRoundMax) break;
      }
    } while (this.#pumpAgain && this.#running);
    this.#pumping = false;
    if (!this.#running) return;
    const due = queue.nextDueMs();
    const sleep =
      due === undefined ? limits.sleepMsMax : Math.min(limits.sleepMsMax, Math.max(1, due - world.clock.wall()));
    // Without room for even one attempt the end of an attempt wakes us, not the clock.
    this.#alarm.within(this.#roomFor(true) > 0 ? sleep : limits.sleepMsMax);
  }

  #know(nextHop: NextHop): Known {
    const found = this.#known.get(nextHop);
    if (found !== undefined) return found;
    if (this.#known.size >= limits.rememberedNextHopsMax) this.#forget();
    const made = newlyKnown(nextHop, this.#parts.settings.breaker);
    this.#known.set(nextHop, made);
    return made;
  }

  /** Drops what is remembered of idle next hops, the oldest first. */
  #forget(): void {
    let over = this.#known.size - limits.rememberedNextHopsMax + 100;
    for (const [nextHop, known] of this.#known) {
      if (over <= 0) return;
      if (known.state.active > 0 || known.owned || known.serving) continue;
      this.#known.delete(nextHop);
      over -= 1;
    }
  }

  /** Attempts that may still begin: the proven may take all room, the unknown half, the failing what is slow anyway. */
  #roomFor(proven: boolean, failing = false): number {
    const { attemptsMax } = this.#parts;
    if (failing) return attemptsMax * limits.slowFactor - this.#slow;
    return (proven ? attemptsMax : Math.ceil(attemptsMax / 2)) - this.#quick;
  }

  #serve(known: Known): void {
    if (!this.#running) return;
    if (known.serving) {
      known.again = true;
      return;
    }
    known.serving = true;
    this.#claimFor(known).then(
      () => this.#served(known),
      (error: unknown) => {
        known.serving = false;
        known.again = false;
        // The queue could not be read: the next hop is asked again in a while.
        this.#giveBack(known, limits.crowdedWaitMs);
        this.#parts.journal.emit('scheduler.attempt-broke', {
          queueId: '',
          nextHop: known.nextHop,
          error: String(error),
        });
      },
    );
  }

  /** Who asked meanwhile is served now: a next hop that was given back may already have been taken again. */
  #served(known: Known): void {
    known.serving = false;
    const { again } = known;
    known.again = false;
    if (again && known.owned) this.#serve(known);
  }

  async #claimFor(known: Known): Promise<void> {
    const { queue, world } = this.#parts;
    while (known.owned && this.#running) {
      if (this.#heldBack.holds(known.nextHop)) {
        await this.#heldBack.look(known.nextHop);
        return this.#giveBack(known, 0);
      }
      const bounds = this.#parts.bounds(known.nextHop);
      const { state } = known;
      const now = world.clock.now();
      if (state.restsUntil > now) return this.#giveBack(known, state.restsUntil - now);
      const held = this.#heldFor(known, now);
      if (held > 0) return this.#giveBack(known, held);
      const failing = state.failures > 0;
      const elsewhere = this.#parts.activeElsewhere(known.nextHop);
      const connectionsMax = Math.max(0, bounds.connectionsMax - elsewhere);
      const room = Math.min(state.room(connectionsMax), this.#roomFor(state.proven, failing));
      if (room <= 0) {
        if (state.active >= connectionsMax) this.#parts.wantMore(known.nextHop, () => this.#again(known));
        // Nobody tells when another scheduler's attempts end.
        if (state.active === 0 && elsewhere > 0) return this.#giveBack(known, limits.elsewhereWaitMs);
        // Its own attempts will ask again when they end; where it has none, it waits for the room of others.
        if (state.active === 0) this.#wait(known);
        return;
      }
      const wanted = state.allowed(room, bounds.messagesPerMinuteMax, now);
      if (wanted <= 0) return this.#giveBack(known, 60_000 / (bounds.messagesPerMinuteMax ?? 60));
      known.claiming = wanted;
      let claims: readonly Claim[];
      try {
        claims = await queue.claim(known.nextHop, world.clock.wall(), wanted);
      } finally {
        known.claiming = 0;
      }
      if (bounds.messagesPerMinuteMax !== undefined) state.spend(claims.length);
      if (this.#heldBack.holds(known.nextHop)) {
        for (const claim of claims) queue.release(claim, world.clock.wall());
        continue;
      }
      for (const claim of claims) this.#begin(known, claim);
      if (claims.length < wanted) {
        known.looksAt = undefined;
        return this.#giveBack(known, 0);
      }
    }
  }

  /**
   * How long mail that waits to be asked for needs no look: there is nothing to attempt, only an expiry or a notice may come due,
   * so its first look is as far away as a first retry. 0 where it is to be looked at, or goes now.
   */
  #heldFor(known: Known, now: number): number {
    if (!known.nextHop.startsWith('held:') || (this.#flushing.get(known.nextHop) ?? 0) > now) return 0;
    known.looksAt ??= now + this.#parts.settings.normal.first;
    return Math.max(0, known.looksAt - now);
  }

  #giveBack(known: Known, waitMs: number): void {
    known.owned = false;
    this.#parts.queue.rearm(known.nextHop, waitMs === 0 ? 0 : this.#parts.world.clock.wall() + Math.ceil(waitMs));
    this.#wakeSoon();
  }

  /** Looks again at a next hop whose share has grown. */
  #again(known: Known): void {
    this.#waiting.delete(known);
    if (known.owned) this.#serve(known);
    else this.#wakeSoon();
  }

  #wait(known: Known): void {
    if (this.#waiting.size < limits.rememberedNextHopsMax) this.#waiting.add(known);
    else this.#giveBack(known, limits.crowdedWaitMs);
  }

  #begin(known: Known, claim: Claim): void {
    const { clock } = this.#parts.world;
    let slow = known.state.failures > 0;
    if (slow) this.#slow += 1;
    else this.#quick += 1;
    known.state.active += 1;
    const turn = slow
      ? undefined
      : clock.after(limits.slowAfterMs, () => {
          if (this.#slow >= this.#parts.attemptsMax * limits.slowFactor) return;
          slow = true;
          this.#quick -= 1;
          this.#slow += 1;
          this.#nextWaiting();
        });
    const until = this.#flushing.get(known.nextHop);
    void makeAttempt(this.#rooms, claim, until !== undefined && until > clock.now()).then((end) => {
      turn?.cancel();
      if (slow) this.#slow -= 1;
      else this.#quick -= 1;
      known.state.active -= 1;
      this.#learn(known, end);
      this.#recording += 1;
      void end.recorded.finally(() => {
        this.#recording -= 1;
        if (this.#quick + this.#slow + this.#recording === 0) this.#stopped?.();
      });
      if (known.owned) this.#serve(known);
      this.#nextWaiting();
    });
  }

  #learn(known: Known, end: AttemptEnd): void {
    const { journal, world } = this.#parts;
    known.reason = end.reason;
    const change = known.state.learn(end.nextHop, world.clock.now());
    if (end.nextHop === 'unreachable' && known.state.failures === 1) this.#parts.unreached?.(known.nextHop);
    if (change === 'opened') {
      journal.emit('scheduler.next-hop-rests', {
        nextHop: known.nextHop,
        failures: known.state.failures,
        until: this.#wallOf(known.state.restsUntil),
        reason: end.reason,
      });
    } else if (change === 'closed') {
      journal.emit('scheduler.next-hop-answers', { nextHop: known.nextHop });
    }
  }

  #nextWaiting(): void {
    const [next] = this.#waiting;
    if (next === undefined) return this.#wakeSoon();
    this.#waiting.delete(next);
    this.#serve(next);
  }
}
