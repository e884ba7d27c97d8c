/** What a new spool begins with, where there is no space for it yet: written in its turn when there is. */
import { isFull } from '../../flow/queue/log/space.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import { limits } from './limits.ts';

/** Files that are written now, or later. */
export class WrittenLater {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #waiting: (() => Promise<void>)[] = [];

  #timer: Timer | undefined;
  #stopped = false;

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /** Nothing more is written. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Writes, or keeps it for later where there is no space or something before it waits. Rejects for any other reason. */
  readonly written = async (write: () => Promise<void>): Promise<void> => {
    if (this.#waiting.length === 0) {
      try {
        return await write();
      } catch (error) {
        if (!isFull(error)) throw error;
      }
    }
    this.#waiting.push(write);
    if (this.#waiting.length === 1) this.#again();
  };

  #again(): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.after(limits.storageRetryMsMax, () => {
      void this.#write().then(() => {
        if (this.#waiting.length > 0) this.#again();
      });
    });
  }

  async #write(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      try {
        await next();
      } catch {
        return; // whatever it is, it is tried again; mail does not wait for these
      }
      this.#waiting.shift();
    }
  }
}
