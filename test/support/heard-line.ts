import type { Socket } from 'node:net';

/** A connection that keeps what it hears. */
export class HeardLine {
  heard = '';
  closed = false;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => (this.heard += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  write(octets: Buffer | string): void {
    this.#socket.write(octets);
  }

  end(): void {
    this.#socket.destroy();
  }
}
