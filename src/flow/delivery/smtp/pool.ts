import { IDLE_CONNECTIONS_MAX } from '../limits.ts';
import type { RelayConnection } from './connection.ts';

/** The next hop that a key begins with. */
const hopOf = (key: string): string => key.slice(0, key.indexOf('\0'));

/** Idle sessions by next hop, address and terms. A session is here or lent to one attempt, never both. */
export class ConnectionPool {
  readonly #idle = new Map<string, RelayConnection[]>();
  readonly #keys = new Map<RelayConnection, string>();
  readonly #ofHop = new Map<string, Set<RelayConnection>>();
  #closed = false;

  /** Lends the session used last, which is the least likely to have been given up by its peer. */
  take(key: string): RelayConnection | undefined {
    for (;;) {
      const connection = this.#idle.get(key)?.at(-1);
      if (connection === undefined) return undefined;
      this.forget(connection);
      if (connection.ready) return connection;
    }
  }

  /** Takes a session back; it ends where it cannot or must not be used again. */
  give(key: string, connection: RelayConnection, messagesMax: number): void {
    const spent = connection.transactions >= Math.min(messagesMax, connection.peer.messagesMax ?? messagesMax);
    if (!connection.ready || spent || this.#closed || this.#keys.size >= IDLE_CONNECTIONS_MAX) {
      connection.quit();
      return;
    }
    const idle = this.#idle.get(key);
    if (idle === undefined) this.#idle.set(key, [connection]);
    else idle.push(connection);
    this.#keys.set(connection, key);
    const ofHop = this.#ofHop.get(hopOf(key));
    if (ofHop === undefined) this.#ofHop.set(hopOf(key), new Set([connection]));
    else ofHop.add(connection);
  }

  /** A session is gone, or no longer idle. */
  forget(connection: RelayConnection): void {
    const key = this.#keys.get(connection);
    if (key === undefined) return;
    this.#keys.delete(connection);
    const idle = this.#idle.get(key) ?? [];
    const at = idle.lastIndexOf(connection);
    if (at >= 0) idle.splice(at, 1);
    if (idle.length === 0) this.#idle.delete(key);
    const ofHop = this.#ofHop.get(hopOf(key));
    ofHop?.delete(connection);
    if (ofHop?.size === 0) this.#ofHop.delete(hopOf(key));
  }

  /** Ends an idle session of the key's next hop, where there is one: a peer counts those too, and one more is about to be opened. */
  makeRoom(key: string): void {
    const [oldest] = this.#ofHop.get(hopOf(key)) ?? [];
    if (oldest === undefined) return;
    this.forget(oldest);
    oldest.quit();
  }

  /** Ends all idle sessions, and from now on each one that comes back. */
  close(): void {
    this.#closed = true;
    for (const connection of [...this.#keys.keys()]) {
      this.forget(connection);
      connection.quit();
    }
  }

  /** How many sessions are idle. */
  get size(): number {
    return this.#keys.size;
  }
}
