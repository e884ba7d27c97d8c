/** Owners, modes and times of a simulated disk, which has none of its own. */
import type { HostChanges } from '../../src/world/ports/host-changes.ts';
import type { Disk } from '../../src/world/ports/disk.ts';

/** What was changed of a path. */
export interface ChangedEntry {
  uid: number;
  gid: number;
  mode: number;
}

/** Makes the changes; `refused` are paths that may not be touched. */
export function simChanges(
  disk: Disk,
  refused: ReadonlySet<string> = new Set(),
): HostChanges & { readonly state: Map<string, ChangedEntry> } {
  const state = new Map<string, ChangedEntry>();
  const at = (path: string): ChangedEntry => {
    if (refused.has(path)) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
    const found = state.get(path) ?? { uid: 0, gid: 0, mode: 0o644 };
    state.set(path, found);
    return found;
  };
  return {
    state,
    async entry(path) {
      const entry = await disk.entry(path);
      if (entry === undefined) return { ok: false, errno: 'ENOENT' };
      const { uid, gid, mode } = state.get(path) ?? { uid: 0, gid: 0, mode: 0o644 };
      return {
        ok: true,
        value: { kind: entry.kind, uid, gid, mode, modifiedMs: 0, sizeBytes: entry.sizeBytes, names: 1 },
      };
    },
    setMode: async (path, mode) => void Object.assign(at(path), { mode }),
    setOwner: async (path, uid, gid) => void Object.assign(at(path), { uid, gid }),
    setModified: async () => undefined,
    // Empty directories stay: the simulated disk cannot remove one.
    removeDirectory: async () => undefined,
    socketAnswers: async () => false,
  };
}
