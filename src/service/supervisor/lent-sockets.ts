import { errnoOf } from '../../events/fault.ts';
import { parseLoopbackPlace } from '../../operate/config/loopback-place.ts';
import type { BoundSocket } from './listeners.ts';

/** What holding the sockets needs. */
export interface LentSocketParts {
  readonly bind: (address: string, port: number) => BoundSocket;
  /** Gives a UNIX socket to the user that the service works as. */
  readonly give: (path: string) => void;
}

interface Held {
  readonly place: string;
  readonly socket: BoundSocket;
}

/**
 * The sockets at which the operator process answers on this host: the health endpoint, the console. Held here, they outlive that
 * process, and who asks in between waits for its successor instead of finding nobody.
 */
export class LentSockets {
  readonly #parts: LentSocketParts;
  readonly #held = new Map<string, Held>();

  constructor(parts: LentSocketParts) {
    this.#parts = parts;
  }

  /** Lends the socket of a place, bound anew where it is another one than before, to the operator process; or says why not. */
  lend(input: unknown, send: (name: string, socket: BoundSocket) => void): { readonly errno?: string } {
    const { name, place } = input as { readonly name: string; readonly place?: string };
    const before = this.#held.get(name);
    if (before !== undefined && before.place !== place) {
      before.socket.close();
      this.#held.delete(name);
    }
    if (place === undefined) return {};
    try {
      const held = this.#held.get(name) ?? { place, socket: this.#bind(place) };
      this.#held.set(name, held);
      send(name, held.socket);
      return {};
    } catch (error) {
      return { errno: errnoOf(error) };
    }
  }

  close(): void {
    for (const { socket } of this.#held.values()) socket.close();
    this.#held.clear();
  }

  #bind(place: string): BoundSocket {
    const where = parseLoopbackPlace(place);
    if (where === undefined) throw Object.assign(new Error(place), { code: 'EINVAL' });
    const socket = this.#parts.bind(where.address, where.port);
    if (where.port === 0) this.#parts.give(where.address);
    return socket;
  }
}
