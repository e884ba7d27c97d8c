import type { PartState } from '../../operate/actions/context.ts';
import type { Clock } from '../../world/ports/clock.ts';

/** What is said of a part: all of its state but since when. */
export type PartSaid = Omit<PartState, 'sinceMs'>;

/** Parts that one process tells of; more are not shown. */
export const partsMax = 200;

/** The parts of one process and how they are; tells when something changes. */
export class Board {
  readonly #clock: Pick<Clock, 'wall'>;
  #changed: () => void = () => undefined;
  readonly #parts = new Map<string, PartState>();

  constructor(clock: Pick<Clock, 'wall'>) {
    this.#clock = clock;
  }

  /** Sets who is told of changes. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /** Sets the state of a part; what it has been since is kept while the state and its event stay. */
  set(said: PartSaid): void {
    const before = this.#parts.get(said.part);
    if (before === undefined && this.#parts.size >= partsMax) return;
    const same = before !== undefined && before.state === said.state && before.event === said.event;
    if (same && before.cause === said.cause && before.cure === said.cure && alike(before.evidence, said.evidence))
      return;
    this.#parts.set(said.part, { ...said, sinceMs: same ? before.sinceMs : this.#clock.wall() });
    this.#changed();
  }

  /** Forgets a part. */
  drop(part: string): void {
    if (this.#parts.delete(part)) this.#changed();
  }

  get(part: string): PartState | undefined {
    return this.#parts.get(part);
  }

  all(): readonly PartState[] {
    return [...this.#parts.values()];
  }
}

function alike(one: PartState['evidence'] = [], other: PartState['evidence'] = []): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
