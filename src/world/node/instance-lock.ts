import * as fs from 'node:fs';
import * as net from 'node:net';

/** A lock that the system drops with its holder: a UNIX socket that answers while the process lives. */
export interface InstanceLock {
  release(): void;
}

/** Paths of UNIX sockets that are longer are silently cut by the system. */
const PATH_BYTES_MAX = 107;

/** Longer than another process takes from finding a socket dead to removing it. */
const SETTLE_MS = 20;

/** Takes the lock at `path`, or says that somebody holds it ('held') or that the path cannot be one. A dead holder's socket is taken over. */
export async function takeLock(path: string): Promise<InstanceLock | 'held'> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw Object.assign(new Error(`socket path ${path} is longer than ${PATH_BYTES_MAX} octets`), {
      code: 'ENAMETOOLONG',
    });
  }
  for (let tries = 0; tries < 3; tries += 1) {
    const lock = await bind(path);
    if (lock !== undefined) {
      // Two that found the same dead socket may both have removed it: the later one has the name, and the lock.
      if (tries === 0 || (await keepsItsName(path))) return lock;
      lock.release();
      return 'held';
    }
    if (await answers(path)) return 'held';
    fs.rmSync(path, { force: true });
  }
  return 'held';
}

/** Removes the UNIX socket at `path` where no process listens on it any more: the system would refuse to bind it again. */
export async function removeDeadSocket(path: string): Promise<void> {
  const isSocket = fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  if (isSocket && !(await answers(path))) fs.rmSync(path, { force: true });
}

async function keepsItsName(path: string): Promise<boolean> {
  const inode = fs.statSync(path, { throwIfNoEntry: false })?.ino;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return inode !== undefined && inode === fs.statSync(path, { throwIfNoEntry: false })?.ino;
}

function bind(path: string): Promise<InstanceLock | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(path, () => {
      server.unref();
      resolve({ release: () => void server.close() });
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
