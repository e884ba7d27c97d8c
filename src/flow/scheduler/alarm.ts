import type { Clock, Timer } from '../../world/ports/clock.ts';

/** Rings once, at the latest after the least time asked for. */
export class Alarm {
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #ring: () => void;
  #timer: Timer | undefined;
  #ringsAt = 0;

  constructor(clock: Pick<Clock, 'now' | 'after'>, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** One that rings before is left as it is: a look too many costs less than a timer for each message. */
  within(ms: number): void {
    const ringsAt = this.#clock.now() + ms;
    if (this.#timer !== undefined && this.#ringsAt <= ringsAt) return;
    this.#timer?.cancel();
    this.#ringsAt = ringsAt;
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = undefined;
      this.#ring();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
