/**
 * The service's own looks at itself: some seconds after its start, then now and again. It keeps what is not well, tells of it once when
 * it is sure and once when it is over, and remembers it over restarts. Called by the operator process; it delays nobody, and a fault
 * of a look is a finding, not a fault of the examiner.
 */
import type { Journal } from '../../events/journal.ts';
import type { DoctorSettings } from '../../settings/doctor.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { Check, Parts } from './check.ts';
import type { Condition } from './condition.ts';
import type { ConditionStore } from './condition-store.ts';
import { isUnsure, type Needed, unseen, type Watch, weigh } from './hysteresis.ts';
import { examiner as limits } from './limits.ts';
import { runChecks, withThoseBefore, type Finding } from './run.ts';

/** What the examiner stands on. */
export interface ExaminerParts {
  readonly checks: readonly Check[];
  /** The parts as they are now, made for each look. */
  readonly makeParts: () => Promise<Partial<Parts>>;
  readonly store: ConditionStore;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly settings: () => DoctorSettings;
  /** Whether the service has something better to do: its workers still start. */
  readonly busy: () => Promise<boolean>;
}

/** The running examiner. */
export interface Examiner {
  /** What is not well, the oldest first. */
  conditions(): readonly Condition[];
  /** Looks at everything soon: something has changed, and one look that finds well what was not is believed. */
  lookSoon(): void;
  /** Looks at one at once, since somebody else has found it unhealthy: one look that says the same is believed. */
  suspect(id: string): void;
  /** Looks at these, where they are not well, at once, and at the rest soon; resolves when it has looked. */
  lookAgain(ids: readonly string[]): Promise<void>;
  stop(): void;
}

/** Starts it; the first look comes by itself. */
export function startExaminer(parts: ExaminerParts): Examiner {
  const examiner = new PeriodicExaminer(parts);
  examiner.start();
  return examiner;
}

class PeriodicExaminer implements Examiner {
  readonly #parts: ExaminerParts;
  readonly #watches = new Map<string, Watch>();
  /** When each check is looked at next, by the monotonic clock. */
  readonly #due = new Map<string, number>();
  #timer: Timer | undefined;
  /** The look that is under way. */
  #look: Promise<void> | undefined;
  /** What was not well before this start has been read. */
  #ready: Promise<void> | undefined;
  #stopped = false;
  #saved = true;
  #failure = '';
  #startedAt = 0;

  constructor(parts: ExaminerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, checks, store, journal } = this.#parts;
    this.#startedAt = clock.now();
    const known = new Map(checks.map((check) => [check.id, check]));
    this.#ready = store.load().then((conditions) => {
      for (const condition of conditions) {
        const check = known.get(condition.check);
        // What is well already at the first look is over: it may have been mended while the service was down.
        if (check !== undefined) this.#watches.set(check.id, { ...unseen, good: needed(check).over - 1, condition });
        else this.#tellOver(condition, journal);
      }
      for (const { id } of checks) this.#due.set(id, this.#startedAt + limits.firstMs);
      this.#plan();
    });
  }

  conditions(): readonly Condition[] {
    return [...this.#watches.values()]
      .flatMap(({ condition, blockedBy }) =>
        // Behind a root that is told of it would only say the same again.
        condition === undefined || this.#watches.get(blockedBy ?? '')?.condition !== undefined ? [] : [condition],
      )
      .sort((a, b) => a.sinceMs - b.sinceMs);
  }

  lookSoon(): void {
    this.#hurry([...this.#due.keys()], limits.soonMs);
    this.#plan();
  }

  async lookAgain(ids: readonly string[]): Promise<void> {
    // What began before the change says nothing of it.
    await this.#ready;
    while (this.#look !== undefined) await this.#look;
    this.#hurry([...this.#due.keys()], limits.soonMs);
    const open = ids.filter((id) => this.#watches.get(id)?.condition !== undefined);
    this.#hurry(open, 0);
    if (open.length === 0 || this.#stopped) return this.#plan();
    this.#timer?.cancel();
    await this.#begin(0);
  }

  suspect(id: string): void {
    const { checks, clock } = this.#parts;
    const check = checks.find((one) => one.id === id);
    const watch = this.#watches.get(id) ?? unseen;
    if (check === undefined || watch.condition !== undefined) return;
    const firstMs = watch.bad === 0 ? clock.wall() : watch.firstMs;
    this.#watches.set(id, { ...watch, bad: needed(check).found - 1, firstMs });
    this.#due.set(id, clock.now());
    this.#plan();
  }

  /** Brings looks forward. What is mended on purpose does not come and go: one look is enough. */
  #hurry(ids: readonly string[], ms: number): void {
    const at = this.#parts.clock.now() + ms;
    for (const id of ids) {
      this.#due.set(id, Math.min(this.#due.get(id) ?? at, at));
      const watch = this.#watches.get(id);
      const check = this.#parts.checks.find((one) => one.id === id);
      if (watch?.condition !== undefined && check !== undefined)
        this.#watches.set(id, { ...watch, good: needed(check).over - 1 });
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #plan(): void {
    this.#timer?.cancel();
    if (this.#stopped || this.#look !== undefined || this.#due.size === 0) return;
    const { clock } = this.#parts;
    const next = Math.min(...this.#due.values());
    this.#timer = clock.after(Math.max(next - clock.now(), 0), () => void this.#begin(limits.togetherMs));
  }

  #begin(togetherMs: number): Promise<void> {
    this.#look = this.#lookAtDue(togetherMs)
      .catch((error: unknown) => {
        // The frontier of looks: whatever went wrong, the next look comes.
        this.#tellFailure(String(error));
        this.#postpone(limits.againMs);
      })
      .finally(() => {
        this.#look = undefined;
        this.#plan();
      });
    return this.#look;
  }

  #tellFailure(error: string): void {
    if (error !== this.#failure) this.#parts.journal.emit('service.part-failed', { part: 'examiner', error });
    this.#failure = error;
  }

  #postpone(ms: number): void {
    const at = this.#parts.clock.now() + ms;
    for (const [id, due] of this.#due) this.#due.set(id, Math.max(due, at));
  }

  async #lookAtDue(togetherMs: number): Promise<void> {
    const { clock, checks, makeParts, busy } = this.#parts;
    if (clock.now() - this.#startedAt < limits.busyMsMax && (await busy())) return this.#postpone(limits.busyMs);
    const now = clock.now();
    // A little early is better than two looks a moment apart.
    const due = checks.filter(({ id }) => (this.#due.get(id) ?? 0) <= now + togetherMs);
    const findings = await runChecks(withThoseBefore(checks, due), await makeParts(), clock);
    if (this.#stopped) return;
    let changed = false;
    for (const finding of findings) changed = this.#take(finding) || changed;
    if (!changed && this.#saved) return;
    const all = [...this.#watches.values()].flatMap(({ condition }) => condition ?? []);
    this.#saved = await this.#parts.store.save(all);
  }

  /** Takes a finding in; answers whether a condition came or went. */
  #take(finding: Finding): boolean {
    const { checks, clock, journal } = this.#parts;
    const check = checks.find(({ id }) => id === finding.id);
    if (check === undefined) return false;
    const before = this.#watches.get(check.id) ?? unseen;
    const after = weigh(before, finding, needed(check), clock.wall());
    this.#watches.set(check.id, after);
    this.#due.set(check.id, clock.now() + this.#waitOf(check, after, finding.verdict.kind === 'blocked'));
    if ((before.condition === undefined) === (after.condition === undefined)) return false;
    if (before.condition !== undefined) this.#tellOver(before.condition, journal);
    if (after.condition !== undefined) {
      const { check: id, cause, cure, event } = after.condition;
      journal.emit('doctor.condition-found', {
        check: id,
        cause,
        cure,
        event: event === undefined ? 'none' : `${event}`,
      });
    }
    return true;
  }

  #tellOver({ check, cause, sinceMs }: Condition, journal: Journal): void {
    const lasted = Math.max(0, this.#parts.clock.wall() - sinceMs);
    journal.emit('doctor.condition-over', { check, cause, lasted });
  }

  #waitOf({ cost, everyMs }: Check, watch: Watch, blocked: boolean): number {
    const { every, networkEvery } = this.#parts.settings();
    const host = cost === 'host';
    const usual = host ? every : Math.max(every, networkEvery);
    // One that stood behind another has not looked.
    if (everyMs !== undefined) return blocked ? usual : Math.max(usual, everyMs);
    if (isUnsure(watch)) return Math.min(usual, host ? limits.unsureHostMs : limits.unsureNetworkMs);
    if (watch.condition !== undefined) return Math.min(usual, host ? limits.openHostMs : limits.openNetworkMs);
    return usual;
  }
}

const needed = ({ cost, everyMs }: Check): Needed =>
  everyMs === undefined ? limits.needed[cost] : { found: 1, over: 1 };
