import type { QueueCondition } from '../../flow/queue/port.ts';
import type { Scheduler } from '../../flow/scheduler/port.ts';
import { modeAt, takes, type TransferMode, type TransferState } from '../../operate/transfer/state.ts';
import { replies } from '../../protocol/smtp/replies.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';

/** What is held back in a mode. */
const HELD_BACK = { both: 'nothing', in: 'leaving', out: 'nothing', none: 'everything' } as const;

const REFUSED: QueueCondition = { accepting: false, reply: replies.takesNothing };

/** The transfer mode in a worker: what sessions answer to MAIL, and what schedulers hold back. */
export class WorkerTransfer {
  readonly #clock: Pick<Clock, 'wall' | 'after'>;
  readonly #schedulers: () => readonly Pick<Scheduler, 'holdBack'>[];
  #mode: TransferMode = 'both';
  #end: Timer | undefined;
  #changed: () => void = () => undefined;

  constructor(clock: Pick<Clock, 'wall' | 'after'>, schedulers: () => readonly Pick<Scheduler, 'holdBack'>[]) {
    this.#clock = clock;
    this.#schedulers = schedulers;
  }

  get mode(): TransferMode {
    return this.#mode;
  }

  /** Who hears that an order came into force or ended. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /** Puts an order into force, and ends it at its time, whether or not anybody is there to say so. */
  async use(state: TransferState): Promise<void> {
    this.#end?.cancel();
    this.#end = undefined;
    const now = this.#clock.wall();
    this.#mode = modeAt(state, now);
    const { untilMs } = state;
    if (this.#mode !== 'both' && untilMs !== undefined)
      this.#end = this.#clock.after(untilMs - now, () => void this.use(state));
    this.#changed();
    await Promise.all(this.#schedulers().map((scheduler) => this.prepare(scheduler)));
  }

  /** Puts what is in force into a scheduler that came later. */
  prepare(scheduler: Pick<Scheduler, 'holdBack'>): Promise<void> {
    return scheduler.holdBack(HELD_BACK[this.#mode]);
  }

  /** The condition of a queue as sessions meet it. */
  condition(own: QueueCondition): QueueCondition {
    return takes(this.#mode) ? own : REFUSED;
  }
}
