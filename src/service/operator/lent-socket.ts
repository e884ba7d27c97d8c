import type { ListenHandle } from '../../world/ports/network.ts';
import type { SupervisorLink } from '../worker/link.ts';

/** The bound socket of the health endpoint, as the supervisor lends it: the handle comes before the answer. */
export class LentSocket {
  readonly #supervisor: SupervisorLink;
  #handle: ListenHandle | undefined;

  constructor(supervisor: SupervisorLink) {
    this.#supervisor = supervisor;
  }

  came(handle: ListenHandle): void {
    this.#handle = handle;
  }

  /** Borrows the socket of a place; rejects with why it cannot be bound. Undefined gives it back, and yields nothing. */
  async borrow(place: string | undefined): Promise<ListenHandle | undefined> {
    this.#handle = undefined;
    const { errno } = (await this.#supervisor.ask('health-socket', { place })) as { errno?: string };
    if (errno !== undefined) throw Object.assign(new Error(errno), { code: errno });
    return this.#handle;
  }
}
