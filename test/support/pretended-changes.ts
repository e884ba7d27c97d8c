/** Entries of a pretended file system for plans of repairs: what is not named is not there. */
import type { HostChanges, HostEntry } from '../../src/world/ports/host-changes.ts';

/** Looks at pretended entries; `answering` are sockets on which somebody listens. */
export function pretendedEntries(
  entries: Readonly<Record<string, Partial<HostEntry>>>,
  answering: readonly string[] = [],
): Pick<HostChanges, 'entry' | 'socketAnswers'> {
  return {
    async entry(path) {
      const found = entries[path];
      if (found === undefined) return { ok: false, errno: 'ENOENT' };
      const usual: HostEntry = {
        kind: 'file',
        uid: 0,
        gid: 0,
        mode: 0o644,
        modifiedMs: 0,
        sizeBytes: 10,
        names: 1,
      };
      return { ok: true, value: { ...usual, ...found } };
    },
    socketAnswers: async (path) => answering.includes(path),
  };
}
