import type { SchedulerSettings } from '../../settings/scheduler.ts';
import { limits } from './limits.ts';

/** What one attempt said about the next hop. */
export type Response = 'answered' | 'refused' | 'unreachable';

/** How much may be asked of one next hop now: a window that grows and shrinks, a circuit breaker, a rate. */
export class NextHopState {
  active = 0;
  /** Unreachable attempts in a row. */
  failures = 0;
  /** Whether it has answered since it is remembered. */
  proven = false;
  /** Monotonic time until which it rests. */
  restsUntil = 0;
  #window: number;
  #restMs = 0;
  #tokens = 0;
  #tokensAt = 0;
  readonly #settings: SchedulerSettings['breaker'];

  constructor(settings: SchedulerSettings['breaker'], local: boolean) {
    this.#settings = settings;
    this.#window = local ? limits.localWindow : limits.firstWindow;
    this.proven = local;
  }

  /** Attempts that may begin now, given the most connections it allows. One that fails is probed by one attempt at a time. */
  room(connectionsMax: number): number {
    if (this.failures > 0) return this.active === 0 ? Math.min(1, connectionsMax) : 0;
    return Math.min(this.#window, connectionsMax) - this.active;
  }

  /** Takes as many of `wanted` as the rate allows now; without a rate all of them. */
  allowed(wanted: number, perMinute: number | undefined, nowMs: number): number {
    if (perMinute === undefined) return wanted;
    const gained = ((nowMs - this.#tokensAt) * perMinute) / 60_000;
    // At most ten seconds' worth is saved up, so that a pause is not followed by a burst.
    this.#tokens = this.#tokensAt === 0 ? 1 : Math.min(this.#tokens + gained, Math.max(1, perMinute / 6));
    this.#tokensAt = nowMs;
    return Math.min(wanted, Math.floor(this.#tokens));
  }

  /** Accounts for attempts begun under the rate. */
  spend(count: number): void {
    this.#tokens -= count;
  }

  /** Learns from an attempt that has ended. Says whether the breaker opened or closed by it. */
  learn(response: Response, nowMs: number): 'opened' | 'closed' | 'unchanged' {
    if (response === 'answered') {
      const wasResting = this.failures >= this.#settings.failures;
      this.failures = 0;
      this.#restMs = 0;
      this.restsUntil = 0;
      this.proven = true;
      this.#window += 1;
      if (this.#window > 1000) this.#window = 1000;
      return wasResting ? 'closed' : 'unchanged';
    }
    this.#window = Math.max(1, Math.floor(this.#window / 2));
    if (response === 'refused') {
      this.restsUntil = Math.max(this.restsUntil, nowMs + 1000);
      return 'unchanged';
    }
    this.failures += 1;
    this.proven = false;
    if (this.failures < this.#settings.failures) return 'unchanged';
    this.#restMs = Math.min(this.#restMs === 0 ? this.#settings.rest : this.#restMs * 2, this.#settings.longest);
    this.restsUntil = nowMs + this.#restMs;
    return this.failures === this.#settings.failures ? 'opened' : 'unchanged';
  }

  /** Forgets a rest, because somebody asks for a try now. */
  wake(): void {
    this.restsUntil = 0;
  }
}
