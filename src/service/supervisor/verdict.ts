import type { PartState } from '../../operate/actions/context.ts';
import { type Attention, verdictOf } from '../../operate/actions/verdict.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import { limits } from './limits.ts';

/** Keeps the service manager told how the service is, in the sentence that `ims status` begins with. */
export class Verdict {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #notify: (state: string) => void;
  readonly #parts: () => readonly PartState[];
  #told = '';
  #timer: Timer | undefined;
  #begun = false;
  /** What checks have found, as the operator process says it. */
  attention: readonly Attention[] = [];

  constructor(
    { clock, notify }: { readonly clock: Pick<Clock, 'after'>; readonly notify: (state: string) => void },
    parts: () => readonly PartState[],
  ) {
    this.#clock = clock;
    this.#notify = notify;
    this.#parts = parts;
  }

  /** A state for the service manager together with the verdict as it is now. */
  with(state: string): string {
    this.#begun = true;
    this.#told = this.#sentence();
    return `${state}\nSTATUS=${this.#told}`;
  }

  /** Something may be otherwise: tells it soon, where the sentence changes. */
  changed(): void {
    if (!this.#begun) return;
    this.#timer ??= this.#clock.after(limits.verdictMs, () => {
      this.#timer = undefined;
      const now = this.#sentence();
      if (now === this.#told) return;
      this.#told = now;
      this.#notify(`STATUS=${now}`);
    });
  }

  end(): void {
    this.#timer?.cancel();
    this.#begun = false;
  }

  #sentence(): string {
    return verdictOf(this.#parts(), this.attention).replace(/\s+/g, ' ').slice(0, limits.verdictBytesMax);
  }
}
