import type { Clock } from '../../../world/ports/clock.ts';
import { OLD_HOST_MS, OLD_HOSTS_MAX } from '../limits.ts';

/**
 * Hosts that hang up on EHLO, so that not every attempt loses a connection to them. Remembered for a while only:
 * a host that learns EHLO, or was in trouble, gets it again soon, and STARTTLS with it.
 */
export class OldHosts {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #until = new Map<string, number>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  has(key: string): boolean {
    if (this.#until.size === 0) return false;
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#until.delete(key);
    return false;
  }

  /** Remembers a host that was spoken to by HELO after it had hung up; past the bound the oldest is forgotten. */
  add(key: string): void {
    if (this.#until.size >= OLD_HOSTS_MAX) {
      for (const oldest of this.#until.keys()) {
        this.#until.delete(oldest);
        break;
      }
    }
    this.#until.set(key, this.#clock.now() + OLD_HOST_MS);
  }
}
