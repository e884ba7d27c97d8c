import type { Journal } from '../../events/journal.ts';
import type { Clock } from '../../world/ports/clock.ts';
import { FAILED_LOGINS_MAX, FAILED_LOGINS_MS, FAILED_LOGINS_TOLD_MS } from './limits.ts';
import { sameSecret } from './token.ts';

/** How a login ended. */
export type LoginEnd = { readonly ok: true } | { readonly ok: false; readonly waitMs?: number };

/**
 * Compares tokens, and puts off wrong ones for a while after too many of them. The right one is always taken: whoever sends wrong ones
 * must not keep the administrator out, and nobody guesses 256 bits.
 */
export class Logins {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #journal: Journal;
  readonly #token: () => string;
  #failures = 0;
  #sinceMs = 0;
  #toldMs: number | undefined;

  constructor(clock: Pick<Clock, 'now'>, journal: Journal, token: () => string) {
    this.#clock = clock;
    this.#journal = journal;
    this.#token = token;
  }

  attempt(given: string): LoginEnd {
    if (sameSecret(this.#token(), given)) return { ok: true };
    const now = this.#clock.now();
    if (now - this.#sinceMs >= FAILED_LOGINS_MS) this.#failures = 0;
    if (this.#failures >= FAILED_LOGINS_MAX) return { ok: false, waitMs: this.#sinceMs + FAILED_LOGINS_MS - now };
    if (this.#failures === 0) this.#sinceMs = now;
    this.#failures += 1;
    if (this.#failures === FAILED_LOGINS_MAX) this.#tell(now);
    return { ok: false };
  }

  #tell(now: number): void {
    if (this.#toldMs !== undefined && now - this.#toldMs < FAILED_LOGINS_TOLD_MS) return;
    this.#toldMs = now;
    this.#journal.emit('console.logins-refused', { failures: FAILED_LOGINS_MAX, refused: FAILED_LOGINS_MS });
  }
}
