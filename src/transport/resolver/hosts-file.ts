import { canonicalIp } from '../../base/ip.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Answer, RecordData, RecordType, Resolver } from '../../world/ports/resolver.ts';
import { hostsFileLookMs, hostsFileNamesMax } from './limits.ts';

type Addresses = { readonly A: string[]; readonly AAAA: string[] };

/** The names of a hosts file with their addresses; what blocks a name ('0.0.0.0 tracker.example') is not one. */
export function parseHostsFile(text: string): ReadonlyMap<string, Addresses> {
  const hosts = new Map<string, Addresses>();
  for (const line of text.split('\n')) {
    const [first = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = canonicalIp(first);
    if (address === undefined || address === '0.0.0.0' || address === '::') continue;
    for (const written of names) {
      const name = written.toLowerCase().replace(/\.$/, '');
      let known = hosts.get(name);
      if (known === undefined) {
        if (hosts.size >= hostsFileNamesMax) return hosts;
        known = { A: [], AAAA: [] };
        hosts.set(name, known);
      }
      known[address.includes(':') ? 'AAAA' : 'A'].push(address);
    }
  }
  return hosts;
}

/**
 * A resolver for hosts to connect to: what the hosts file says of their addresses goes before the name service, as for other programs
 * of the host. MX and all else, and names that the file does not have, are asked for as before. The file is read again when it may have changed.
 */
export function withHostsFile(inner: Resolver, read: () => Promise<string>, clock: Pick<Clock, 'now'>): Resolver {
  let hosts: ReadonlyMap<string, Addresses> = new Map();
  let nextLookMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    // A file that cannot be read now says what it said before.
    const text = await read().catch(() => undefined);
    if (text !== undefined) hosts = parseHostsFile(text);
  };
  return {
    async query<T extends RecordType>(name: string, type: T): Promise<Answer<T>> {
      if (type !== 'A' && type !== 'AAAA') return inner.query(name, type);
      const now = clock.now();
      if (now >= nextLookMs) {
        nextLookMs = now + hostsFileLookMs;
        looking = look();
      }
      await looking;
      const canonicalName = name.toLowerCase().replace(/\.$/, '');
      const found = hosts.get(canonicalName);
      if (found === undefined) return inner.query(name, type);
      const base = { canonicalName, authenticated: false, ttlSeconds: 0 };
      const addresses = type === 'A' ? found.A : found.AAAA;
      // An address is the data of both types, which the compiler cannot see.
      const records = addresses as readonly string[] as readonly RecordData[T][];
      return records.length === 0 ? { kind: 'no-data', ...base } : { kind: 'records', records, ...base };
    },
  };
}
