import { leavePlace, type Place } from './place.ts';
import type { Supervisor } from './supervisor.ts';

/** Where the control socket is while the directory that it belongs into has gone away under the running service. */
export class Elsewhere {
  readonly #supervisor: Pick<Supervisor, 'moveOperator'>;
  readonly #take: () => Promise<Place | 'held' | undefined>;
  #place: Place | undefined;
  #wanted = false;
  #moving: Promise<void> = Promise.resolve();

  constructor(supervisor: Pick<Supervisor, 'moveOperator'>, take: () => Promise<Place | 'held' | undefined>) {
    this.#supervisor = supervisor;
    this.#take = take;
  }

  /** Moves there, or back; one move after the other. */
  use(wanted: boolean): void {
    this.#wanted = wanted;
    this.#moving = this.#moving.then(() => this.#move());
  }

  leave(): void {
    if (this.#place !== undefined) leavePlace(this.#place);
    this.#place = undefined;
  }

  async #move(): Promise<void> {
    if (this.#wanted === (this.#place !== undefined)) return;
    if (!this.#wanted) {
      await this.#supervisor.moveOperator({});
      return this.leave();
    }
    const place = await this.#take();
    // Without another place it stays as it is: the events and the service manager tell all the same.
    if (place === undefined || place === 'held') return;
    this.#place = place;
    await this.#supervisor.moveOperator({ place: place.directory });
  }
}
