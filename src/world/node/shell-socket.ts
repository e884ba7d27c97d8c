import * as net from 'node:net';
import type { ShellFailure, ShellTerms } from '../ports/secure-shell.ts';

/** Octets on their way to the server, of all streams together, from which on writers wait. */
const CARRIED_BYTES = 1024 * 1024;

/** Octets that are read at a time. */
const READ_BYTES = 64 * 1024;

/** The connection below an SSH session. */
export interface ShellSocket {
  readonly socket: net.Socket;
  /**
   * Whether what is read from now on stands in one area of memory, until the next is read: for when all that comes is
   * deciphered into memory of its own at once. A large message would otherwise leave its own size in garbage outside of the engine's heap.
   */
  reuse(may: boolean): void;
}

/** Connects. What is read is told by 'data' events from the start: whoever listens does so as soon as it is there. */
export function dialShell({ address, port, connectTimeoutMs }: ShellTerms): Promise<ShellSocket | ShellFailure> {
  return new Promise((resolve) => {
    const area = Buffer.allocUnsafeSlow(READ_BYTES);
    let reused = false;
    // `noDelay` counts here and not in `connect`: without it each packet waits until what went before is acknowledged.
    const options = {
      writableHighWaterMark: CARRIED_BYTES,
      noDelay: true,
      onread: {
        buffer: area,
        callback(octets: number): boolean {
          const read = area.subarray(0, octets);
          socket.emit('data', reused ? read : Buffer.from(read));
          return true;
        },
      },
    };
    const socket = new net.Socket(options as net.SocketConstructorOpts);
    const fail = (why: string): void => {
      clearTimeout(limit);
      socket.destroy();
      resolve({ kind: 'unreachable', why });
    };
    const limit = setTimeout(() => fail('ETIMEDOUT'), connectTimeoutMs);
    const failed = (error: NodeJS.ErrnoException): void => fail(error.code ?? error.message);
    socket.once('error', failed);
    socket.connect({ host: address, port, autoSelectFamily: false }, () => {
      clearTimeout(limit);
      socket.removeListener('error', failed);
      gatherWrites(socket);
      resolve({
        socket,
        reuse: (may) => {
          reused = may;
        },
      });
    });
  });
}

/** What is written in one turn of the event loop goes out as one: `ssh2` writes large packets in three pieces, and several in a turn. */
function gatherWrites(socket: net.Socket): void {
  const write = socket.write.bind(socket) as (bytes: Uint8Array | string) => boolean;
  let gathering = false;
  socket.write = (bytes: Uint8Array | string) => {
    if (!gathering) {
      gathering = true;
      socket.cork();
      process.nextTick(() => {
        gathering = false;
        socket.uncork();
      });
    }
    return write(bytes);
  };
}
