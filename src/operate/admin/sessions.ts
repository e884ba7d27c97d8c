import { createHash } from 'node:crypto';
import type { Clock } from '../../world/ports/clock.ts';
import type { Random } from '../../world/ports/random.ts';
import { SESSION_IDLE_MS, SESSION_MS, SESSIONS_MAX } from './limits.ts';

const OCTETS = 32;

/** Somebody who has logged in with a browser. */
export interface Session {
  /** What every form must carry: a page of another site cannot know it. */
  readonly formToken: string;
}

interface Known extends Session {
  readonly endsAtMs: number;
  usedAtMs: number;
}

/** The logins of browsers, in memory alone: they end with the process. */
export class Sessions {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #random: Random;
  /** By the digest of what the browser holds: looking one up tells nothing of the others. */
  readonly #known = new Map<string, Known>();

  constructor({ clock, random }: { readonly clock: Pick<Clock, 'now'>; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Begins one; what comes back is the browser's secret. */
  open(): string {
    const now = this.#clock.now();
    if (this.#known.size >= SESSIONS_MAX) {
      const [idlest] = [...this.#known].sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs);
      if (idlest !== undefined) this.#known.delete(idlest[0]);
    }
    const secret = this.#random.bytes(OCTETS).toString('base64url');
    const formToken = this.#random.bytes(OCTETS).toString('base64url');
    this.#known.set(keyOf(secret), { formToken, endsAtMs: now + SESSION_MS, usedAtMs: now });
    return secret;
  }

  /** The session of a secret; undefined where there is none, or it is over. */
  find(secret: string | undefined): Session | undefined {
    if (secret === undefined) return undefined;
    const key = keyOf(secret);
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    const now = this.#clock.now();
    if (now >= known.endsAtMs || now - known.usedAtMs >= SESSION_IDLE_MS) {
      this.#known.delete(key);
      return undefined;
    }
    known.usedAtMs = now;
    return known;
  }

  end(secret: string | undefined): void {
    if (secret !== undefined) this.#known.delete(keyOf(secret));
  }

  /** Ends all: the token is another one. */
  endAll(): void {
    this.#known.clear();
  }
}

const keyOf = (secret: string): string => createHash('sha256').update(secret).digest('base64');
