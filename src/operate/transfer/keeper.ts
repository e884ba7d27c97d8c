/** Keeps the transfer mode: in its file, in all workers, on the board of parts, and told while it is not the usual one. */
import type { Journal } from '../../events/journal.ts';
import { rowOf } from '../../events/render.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { PartState, Workers } from '../actions/context.ts';
import { silentWorkers, results } from '../actions/action.ts';
import { REFUSED_BY_ORDER } from '../actions/verdict.ts';
import { AGAIN_MS, REMIND_MS, REPEAT_MS } from './limits.ts';
import {
  modeAt,
  printTransfer,
  readTransfer,
  sends,
  takes,
  transferPath,
  transferWords,
  type TransferMode,
  type TransferState,
  usualTransfer,
} from './state.ts';

/** What the keeper stands on. */
export interface TransferParts {
  readonly disk: Pick<Disk, 'readFile' | 'entry' | 'replaceFile'>;
  readonly clock: Pick<Clock, 'wall' | 'after'>;
  readonly journal: Journal;
  readonly workers: Workers;
  /** The data directory; undefined while it cannot be used. */
  readonly data: () => string | undefined;
  /** Sets a part of the service, or forgets it. */
  readonly board: {
    set(part: Omit<PartState, 'sinceMs'>): void;
    drop(part: string): void;
  };
}

/** What an order did. */
export interface TransferOrdered {
  readonly state: TransferState;
  /** Workers that have not heard it yet; they are told again, and a worker that starts reads it itself. */
  readonly missing: readonly string[];
}

const PARTS = { in: REFUSED_BY_ORDER, out: 'transfer out' } as const;

/** One per service, in the operator process. */
export class TransferKeeper {
  readonly #parts: TransferParts;
  #state: TransferState = usualTransfer;
  #timer: Timer | undefined;
  #repeat: Timer | undefined;
  #stopped = false;

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  /** What is in force. */
  get state(): TransferState {
    return this.#state;
  }

  /** Goes on with what was ordered before; a start of the service tells of it again. Workers are not waited for: they may not answer yet. */
  async start(serviceStartedMs: number): Promise<void> {
    const { disk, journal, clock } = this.#parts;
    const data = this.#parts.data();
    if (data === undefined) return;
    const { state, why } = await readTransfer(disk, data);
    if (why !== undefined) journal.emit('transfer.file-unreadable', { path: transferPath(data), why });
    this.#state = state;
    if (state.mode === 'both') return;
    if (modeAt(state, clock.wall()) === 'both') return this.#step(this.#over());
    this.#show();
    if (state.toldMs < serviceStartedMs) this.#step(this.#remind());
    else this.#plan();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#repeat?.cancel();
  }

  /** Orders a mode. Rejects where it could not be kept: then nothing has changed. */
  async order(mode: TransferMode, forMs: number | undefined, reason: string): Promise<TransferOrdered> {
    const nowMs = this.#parts.clock.wall();
    if (mode === 'both') {
      const before = this.#state.mode;
      const missing = await this.#use({ ...usualTransfer, sinceMs: nowMs, reason });
      if (before !== 'both') await this.#tellEnd();
      return { state: this.#state, missing };
    }
    const until = forMs === undefined ? {} : { untilMs: nowMs + forMs };
    // The same mode again is the same condition: its time and its words change, and nothing is told.
    const { sinceMs, toldMs } = this.#state;
    const lasts = modeAt(this.#state, nowMs) === mode;
    const told = lasts ? { sinceMs, toldMs } : { sinceMs: nowMs, toldMs: nowMs };
    const missing = await this.#use({ mode, reason, ...told, ...until });
    if (lasts) return { state: this.#state, missing };
    this.#parts.journal.emit('transfer.limited', {
      mode,
      meaning: transferWords[mode],
      waiting: await this.#waiting(),
      until: until.untilMs === undefined ? 'it is ordered otherwise' : new Date(until.untilMs).toISOString(),
      reason: reason === '' ? 'none was given' : reason,
    });
    return { state: this.#state, missing };
  }

  /** Told what mode workers work by; one that works by another is told again. */
  async heard(modes: readonly TransferMode[]): Promise<void> {
    const wanted = modeAt(this.#state, this.#parts.clock.wall());
    if (modes.some((mode) => mode !== wanted)) await this.#tellWorkers();
  }

  async #use(state: TransferState): Promise<readonly string[]> {
    await this.#keep(state);
    this.#state = state;
    this.#show();
    this.#plan();
    return this.#tellWorkers();
  }

  async #tellWorkers(): Promise<readonly string[]> {
    this.#repeat?.cancel();
    const missing = silentWorkers(await this.#parts.workers.call('transfer.use', { state: this.#state }));
    if (missing.length > 0 && !this.#stopped)
      this.#repeat = this.#parts.clock.after(REPEAT_MS, () => void this.#tellWorkers().catch(() => undefined)); // it is told with the next look, too
    return missing;
  }

  /** The next thing that the clock brings: a reminder, or the end. */
  #plan(): void {
    this.#timer?.cancel();
    const { mode, untilMs, toldMs } = this.#state;
    if (mode === 'both' || this.#stopped) return;
    const nowMs = this.#parts.clock.wall();
    const ends = untilMs ?? Infinity;
    const next = Math.min(ends, toldMs + REMIND_MS);
    this.#timer = this.#parts.clock.after(Math.max(0, next - nowMs), () => {
      this.#step(this.#parts.clock.wall() >= ends ? this.#over() : this.#remind());
    });
  }

  #step(step: Promise<void>): void {
    step.catch(() => this.#planSoon());
  }

  /** The file could not be written, or nobody could be asked: once more in a while. */
  #planSoon(): void {
    if (this.#stopped) return;
    this.#timer = this.#parts.clock.after(AGAIN_MS, () => this.#plan());
  }

  async #remind(): Promise<void> {
    const { clock, journal } = this.#parts;
    const toldMs = clock.wall();
    const { mode, sinceMs } = this.#state;
    const waiting = await this.#waiting();
    if (this.#state.mode !== mode) return;
    journal.emit('transfer.still-limited', { mode, meaning: transferWords[mode], since: sinceMs, waiting });
    this.#state = { ...this.#state, toldMs };
    this.#plan();
    await this.#keep(this.#state);
  }

  async #keep(state: TransferState): Promise<void> {
    const data = this.#parts.data();
    if (data === undefined) throw new Error('the data directory cannot be used, so that no mode can be kept');
    await this.#parts.disk.replaceFile(transferPath(data), printTransfer(state), 0o600);
  }

  async #over(): Promise<void> {
    await this.#use({ ...usualTransfer, sinceMs: this.#parts.clock.wall() });
    await this.#tellEnd();
  }

  async #tellEnd(): Promise<void> {
    this.#parts.journal.emit('transfer.whole', { waiting: await this.#waiting() });
  }

  async #waiting(): Promise<number> {
    const counts = results(await this.#parts.workers.call('queue.counts', {}));
    return counts.reduce((sum, { messages }) => sum + messages, 0);
  }

  #show(): void {
    const { board } = this.#parts;
    const { mode, reason, untilMs } = this.#state;
    const until = untilMs === undefined ? '' : `, until ${new Date(untilMs).toISOString()}`;
    const cause = `by order (mode ${mode}${until}): ${transferWords[mode]}${reason === '' ? '' : `; reason: ${reason}`}`;
    const limited = {
      state: 'degraded' as const,
      event: rowOf('transfer.limited').number,
      cause,
      cure: 'ims transfer both',
    };
    for (const [part, open] of [[PARTS.in, takes(mode)] as const, [PARTS.out, sends(mode)] as const]) {
      if (open) board.drop(part);
      else board.set({ part, ...limited });
    }
  }
}
