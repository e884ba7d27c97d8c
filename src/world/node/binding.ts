import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import * as net from 'node:net';
import type { ListenHandle } from '../ports/network.ts';

interface BoundHandle {
  readonly fd: number;
  close(): void;
  getsockname?(out: { address?: string; port?: number; family?: string }): number;
}

/**
 * Node binds without accepting only inside `cluster`, which hands every socket through the primary or kills workers with it.
 * This is the function that `cluster` itself uses; it answers an error number instead of throwing.
 */
type CreateServerHandle = (
  address: string | null,
  port: number,
  type: 4 | 6 | -1,
  descriptor?: number,
  flags?: number,
) => BoundHandle | number;
const createServerHandle = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle;

/** Keeps IPv6 sockets off IPv4, so that both families can be bound side by side. */
const IPV6_ONLY = 1;

/** A socket that is bound and does not listen yet. */
export interface Bound {
  readonly handle: ListenHandle;
  readonly address: string;
  readonly port: number;
  close(): void;
}

/** Binds without accepting. Throws an error with a POSIX `code`. */
export function bindSocket(address: string, port: number): Bound {
  const family = net.isIP(address);
  const type = address.startsWith('/') ? -1 : family === 6 ? 6 : 4;
  const made =
    type === -1
      ? createServerHandle(address, -1, -1)
      : createServerHandle(address, port, type, undefined, type === 6 ? IPV6_ONLY : 0);
  return boundOf(made, `bind ${address}:${port}`, address, port);
}

/** Takes a socket that systemd has bound for us (LISTEN_FDS). */
export function adoptSocket(descriptor: number): Bound {
  return boundOf(createServerHandle(null, 0, 4, descriptor), `descriptor ${descriptor}`, '', 0);
}

function boundOf(made: BoundHandle | number, what: string, address: string, port: number): Bound {
  if (typeof made === 'number') throw systemError(made, what);
  const out: { address?: string; port?: number } = {};
  // libuv keeps EADDRINUSE for the call of listen; asking for the name tells it now.
  const errno = made.getsockname?.(out) ?? 0;
  if (errno !== 0) {
    made.close();
    throw systemError(errno, what);
  }
  if (isDiverted(made.fd)) {
    made.close();
    throw Object.assign(new Error(`${what}: the socket is connected to another host instead`), { code: 'EBADE' });
  }
  return {
    handle: made,
    address: out.address ?? address,
    port: out.port ?? port,
    close: () => made.close(),
  };
}

/** As the kernel writes it in /proc/net/tcp. */
const LISTENING = '0A';

/**
 * A layer over the sockets may answer bind() and getsockname() itself, having connected the socket to its proxy, which binds a
 * port of its own. The kernel lists a socket that is connected; one that is bound alone it does not.
 */
function isDiverted(descriptor: number): boolean {
  if (process.env['LD_PRELOAD'] === undefined && !existsSync('/etc/ld.so.preload')) return false;
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1];
    return ['/proc/net/tcp', '/proc/net/tcp6'].some((table) =>
      readFileSync(table, 'latin1')
        .split('\n')
        .some((line) => {
          const words = line.trim().split(/\s+/);
          return words[9] === inode && words[3] !== LISTENING;
        }),
    );
  } catch {
    return false; // without /proc nothing is claimed
  }
}

function systemError(errno: number, what: string): Error {
  const known = codes.get(errno);
  return Object.assign(new Error(`${what}: ${known ?? `error ${errno}`}`), { code: known ?? 'EUNKNOWN', errno });
}

/** The errors that bind knows (Linux numbers; libuv negates them). */
const codes = new Map<number, string>([
  [-13, 'EACCES'],
  [-22, 'EINVAL'],
  [-24, 'EMFILE'],
  [-97, 'EAFNOSUPPORT'],
  [-98, 'EADDRINUSE'],
  [-99, 'EADDRNOTAVAIL'],
  [-2, 'ENOENT'],
  [-36, 'ENAMETOOLONG'],
]);
