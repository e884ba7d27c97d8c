import type { Clock } from '../../world/ports/clock.ts';
import type { ActionEnd } from '../control/server.ts';

/** How the last examination that a browser asked for is. */
export type Examined =
  | { readonly kind: 'never' }
  | { readonly kind: 'running'; readonly only: string | undefined; readonly sinceMs: number }
  | { readonly kind: 'done'; readonly only: string | undefined; readonly atMs: number; readonly end: ActionEnd };

/** Examinations that browsers ask for: one at a time, and its result for all. */
export class Examinations {
  readonly #clock: Pick<Clock, 'wall'>;
  readonly #run: (action: string, input: unknown) => Promise<ActionEnd>;
  #last: Examined = { kind: 'never' };

  constructor(parts: {
    readonly clock: Pick<Clock, 'wall'>;
    readonly run: (action: string, input: unknown) => Promise<ActionEnd>;
  }) {
    this.#clock = parts.clock;
    this.#run = parts.run;
  }

  get last(): Examined {
    return this.#last;
  }

  /** Begins one, where none is under way. */
  begin(only: string | undefined): void {
    if (this.#last.kind === 'running') return;
    this.#last = { kind: 'running', only, sinceMs: this.#clock.wall() };
    void this.#run('doctor', only === undefined ? {} : { only }).then((end) => {
      this.#last = { kind: 'done', only, atMs: this.#clock.wall(), end };
    });
  }
}
