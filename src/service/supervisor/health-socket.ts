import { errnoOf } from '../../events/fault.ts';
import { parseHealthPlace } from '../../operate/config/health-place.ts';
import type { BoundSocket } from './listeners.ts';

/** What holding the socket needs. */
export interface HealthSocketParts {
  readonly bind: (address: string, port: number) => BoundSocket;
  /** Gives a UNIX socket to the user that the service works as. */
  readonly give: (path: string) => void;
}

/**
 * The socket of the health endpoint. The operator process answers there; held here, it outlives that one, and who asks in between
 * waits for its successor instead of finding nobody.
 */
export class HealthSocket {
  readonly #parts: HealthSocketParts;
  #held: { readonly place: string; readonly socket: BoundSocket } | undefined;

  constructor(parts: HealthSocketParts) {
    this.#parts = parts;
  }

  /** Lends the socket of a place, bound anew where it is another one than before, to the operator process; or says why not. */
  lend(input: unknown, send: (socket: BoundSocket) => void): { readonly errno?: string } {
    const { place } = input as { readonly place?: string };
    if (this.#held !== undefined && this.#held.place !== place) this.close();
    if (place === undefined) return {};
    try {
      this.#held ??= { place, socket: this.#bind(place) };
      send(this.#held.socket);
      return {};
    } catch (error) {
      return { errno: errnoOf(error) };
    }
  }

  close(): void {
    this.#held?.socket.close();
    this.#held = undefined;
  }

  #bind(place: string): BoundSocket {
    const where = parseHealthPlace(place);
    if (where === undefined) throw Object.assign(new Error(place), { code: 'EINVAL' });
    const socket = this.#parts.bind(where.address, where.port);
    if (where.port === 0) this.#parts.give(where.address);
    return socket;
  }
}
