import { IDLE_CONNECTIONS_MAX } from '../limits.ts';
import type { RelayConnection } from './connection.ts';

/** Idle sessions by next hop, address and terms. A session is here or lent to one attempt, never both. */
export class ConnectionPool {
  readonly #idle = new Map<string, RelayConnection[]>();
  readonly #keys = new Map<RelayConnection, string>();
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
