import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import type { Host, HostFile, HostRead } from '../ports/host.ts';
import { whenDescriptor } from './short-lived.ts';

const TEXT_BYTES_MAX = 4 * 1024 ** 2;
const PROGRAM_MS = 2000;
/** Programs for the administrator are not in everybody's path; no path of the caller decides what runs here. */
const PROGRAM_PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';

const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EUNKNOWN';

async function read<T>(call: () => Promise<T>): Promise<HostRead<T>> {
  try {
    return { ok: true, value: await whenDescriptor(call) };
  } catch (error) {
    return { ok: false, errno: errnoOf(error) };
  }
}

/** Files of /proc have no size: they are read until they end. Non-blocking, so that a FIFO in the way holds up nobody. */
async function readOctets(path: string): Promise<Buffer> {
  const handle = await fs.promises.open(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    const parts: Buffer[] = [];
    for (let length = 0; length < TEXT_BYTES_MAX; ) {
      const part = Buffer.allocUnsafe(64 * 1024);
      const { bytesRead } = await handle.read(part, 0, part.length, null);
      if (bytesRead === 0) break;
      parts.push(part.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(parts);
  } finally {
    await handle.close();
  }
}

function output(program: string, words: readonly string[]): Promise<HostRead<string>> {
  const options = { timeout: PROGRAM_MS, maxBuffer: TEXT_BYTES_MAX, env: { PATH: PROGRAM_PATH, LC_ALL: 'C' } };
  return read(
    () =>
      new Promise((resolve, reject) => {
        execFile(program, words, options, (error, stdout) => {
          if (error === null) resolve(stdout);
          else reject(error);
        });
      }),
  );
}

function kindOf(stats: fs.Stats): HostFile['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return 'device';
  return stats.isSocket() ? 'socket' : 'other';
}

/** The machine that this process runs on. */
export const nodeHost: Host = {
  text: (path) => read(async () => (await readOctets(path)).toString('utf8')),
  octets: (path) => read(() => readOctets(path)),
  names: (directory) => read(() => fs.promises.readdir(directory)),
  link: (path) => read(() => fs.promises.readlink(path)),
  file: (path) =>
    read(async () => {
      const stats = await fs.promises.stat(path);
      return {
        kind: kindOf(stats),
        uid: stats.uid,
        gid: stats.gid,
        mode: stats.mode & 0o7777,
        modifiedMs: stats.mtimeMs,
      };
    }),
  addresses() {
    try {
      const value = Object.entries(os.networkInterfaces()).flatMap(([name, addresses = []]) =>
        addresses.map(({ address, family, internal }) => ({
          interface: name,
          address: address.replace(/%.*$/, ''),
          family: family === 'IPv6' ? (6 as const) : (4 as const),
          internal,
        })),
      );
      return { ok: true, value };
    } catch (error) {
      return { ok: false, errno: errnoOf(error) };
    }
  },
  output: (program, ...words) => output(program, words),
  environment: process.env,
  self: { pid: process.pid, uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 },
};
