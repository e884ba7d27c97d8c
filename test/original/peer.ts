/** Scripted next hops on real sockets: one address each, all on the same port, as MX hosts are. */
import { createServer, type Server, type Socket } from 'node:net';
import type { ByteSink } from '../../src/world/ports/network.ts';
import { type Script, ScriptedPeer } from '../support/scripted-peer.ts';

/** A host that answers by a script and remembers its sessions. */
export interface PeerHost {
  readonly address: string;
  readonly port: number;
  /** One per connection, oldest first. */
  readonly sessions: readonly ScriptedPeer[];
  /** Where the connections came from. */
  readonly callers: readonly string[];
  /** All commands of all sessions. */
  readonly commands: readonly string[];
  /** The contents that arrived, as they came over the wire. */
  readonly contents: readonly Buffer[];
  /** The most connections at once. */
  readonly most: number;
  close(): Promise<void>;
}

/** What takes over a connection instead of a script. */
export type Raw = (socket: Socket) => void;

/** Starts a host; `script` answers commands, or takes the bare socket. `lagMs` delays every answer. */
export function startPeer(address: string, port: number, script: Script | Raw, lagMs = 0): Promise<PeerHost> {
  const sessions: ScriptedPeer[] = [];
  const callers: string[] = [];
  const sockets = new Set<Socket>();
  let most = 0;
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    callers.push(socket.remoteAddress ?? '');
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (typeof script === 'function') script(socket);
    else sessions.push(new ScriptedPeer(new SocketStream(socket, lagMs), script));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      const bound = server.address();
      resolve({
        address,
        port: typeof bound === 'object' && bound !== null ? bound.port : port,
        sessions,
        callers,
        get commands() {
          return sessions.flatMap(({ commands }) => commands);
        },
        get contents() {
          return sessions.flatMap(({ contents }) => contents);
        },
        get most() {
          return most;
        },
        close: () => {
          for (const socket of sockets) socket.destroy();
          return new Promise((done) => server.close(() => done()));
        },
      });
    });
  });
}

/** A socket in the form that a scripted peer speaks to. */
class SocketStream {
  readonly #socket: Socket;
  readonly #lagMs: number;

  constructor(socket: Socket, lagMs: number) {
    this.#socket = socket;
    this.#lagMs = lagMs;
  }

  start(sink: ByteSink): void {
    this.#socket.on('data', (chunk: Buffer) => sink.data(chunk));
    this.#socket.on('end', () => this.#socket.end());
  }

  write(bytes: Buffer | string): boolean {
    if (this.#lagMs === 0) return this.#socket.write(bytes);
    setTimeout(() => this.#socket.write(bytes), this.#lagMs);
    return true;
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
