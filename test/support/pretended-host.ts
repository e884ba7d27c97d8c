/** A host made of texts, for checks that look at one. */
import type { Host, HostFile, HostRead } from '../../src/world/ports/host.ts';

/** What the host has; what is not there is ENOENT. */
export interface PretendedFacts {
  readonly texts?: Readonly<Record<string, string>>;
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, Partial<HostFile>>>;
  /** Paths that answer with an error of their own. */
  readonly errors?: Readonly<Record<string, string>>;
  readonly addresses?: readonly string[];
  /** What programs print, by their words. */
  readonly outputs?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

/** Makes the host. */
export function pretendedHost(facts: PretendedFacts): Host {
  const find = <T>(from: Readonly<Record<string, T>> | undefined, path: string): HostRead<T> => {
    const errno = facts.errors?.[path];
    if (errno !== undefined) return { ok: false, errno };
    const value = from?.[path];
    return value === undefined ? { ok: false, errno: 'ENOENT' } : { ok: true, value };
  };
  const uid = facts.uid ?? 0;
  return {
    text: async (path) =>
      facts.files?.[path]?.kind === 'directory' ? { ok: false, errno: 'EISDIR' } : find(facts.texts, path),
    names: async (path) => find(facts.names, path),
    link: async (path) => find(facts.links, path),
    async file(path) {
      const read = find(facts.files, path);
      if (!read.ok) return read;
      return { ok: true, value: { kind: 'directory', uid: 0, gid: 0, mode: 0o755, modifiedMs: 0, ...read.value } };
    },
    addresses: () => ({
      ok: true,
      value: (facts.addresses ?? ['127.0.0.1']).map((address) => ({
        interface: address.startsWith('127.') || address === '::1' ? 'lo' : 'eth0',
        address,
        family: address.includes(':') ? 6 : 4,
        internal: address.startsWith('127.') || address === '::1',
      })),
    }),
    output: async (...words) => find(facts.outputs, words.join(' ')),
    environment: facts.environment ?? {},
    self: { pid: 1, uid, gid: uid },
  };
}
