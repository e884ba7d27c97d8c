import * as fs from 'node:fs';
import * as net from 'node:net';
import type { HostChanges, HostEntry } from '../ports/host-changes.ts';

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EUNKNOWN';

function kindOf(stats: fs.Stats): HostEntry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  return stats.isSocket() ? 'socket' : 'other';
}

/** Changes of the machine that this process runs on. */
export const nodeHostChanges: HostChanges = {
  async entry(path) {
    try {
      const stats = await fs.promises.lstat(path);
      const { uid, gid, mtimeMs: modifiedMs, size: sizeBytes, nlink: names } = stats;
      return {
        ok: true,
        value: { kind: kindOf(stats), uid, gid, mode: stats.mode & 0o7777, modifiedMs, sizeBytes, names },
      };
    } catch (error) {
      return { ok: false, errno: codeOf(error) };
    }
  },

  async setMode(path, mode) {
    // Linux has no lchmod: opened without following a link, the descriptor is the path itself.
    const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
    let handle: fs.promises.FileHandle;
    try {
      handle = await fs.promises.open(path, flags);
    } catch (error) {
      // Its owner may not read it, and may still change its mode.
      if (codeOf(error) !== 'EACCES' || (await fs.promises.lstat(path)).isSymbolicLink()) throw error;
      return fs.promises.chmod(path, mode);
    }
    try {
      await handle.chmod(mode);
    } finally {
      await handle.close();
    }
  },

  setOwner: (path, uid, gid) => fs.promises.lchown(path, uid, gid),
  setModified: (path, modifiedMs) => fs.promises.lutimes(path, modifiedMs / 1000, modifiedMs / 1000),
  removeDirectory: (path) => fs.promises.rmdir(path),

  socketAnswers: (path) =>
    new Promise((resolve) => {
      const socket = net.connect(path);
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(codeOf(error))));
    }),
};
