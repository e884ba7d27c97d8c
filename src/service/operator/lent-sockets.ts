import type { ListenHandle } from '../../world/ports/network.ts';
import type { SupervisorLink } from '../worker/link.ts';

/** Bound sockets of places on this host, as the supervisor lends them: the handle comes before the answer. */
export class LentSockets {
  readonly #supervisor: SupervisorLink;
  readonly #handles = new Map<string, ListenHandle>();

  constructor(supervisor: SupervisorLink) {
    this.#supervisor = supervisor;
  }

  came(name: string, handle: ListenHandle): void {
    this.#handles.set(name, handle);
  }

  /** Borrows the socket of a place; rejects with why it cannot be bound. Undefined gives it back, and yields nothing. */
  async borrow(name: string, place: string | undefined): Promise<ListenHandle | undefined> {
    this.#handles.delete(name);
    const { errno } = (await this.#supervisor.ask('lend-socket', { name, place })) as { errno?: string };
    if (errno !== undefined) throw Object.assign(new Error(errno), { code: errno });
    return this.#handles.get(name);
  }
}
