/**
 * Where the control socket is while its directory cannot be used, because the storage that it lies on is away: a fault that stops
 * mail must not stop the diagnosis of that fault.
 */
import { createHash } from 'node:crypto';
import type { Host } from '../../world/ports/host.ts';
import { controlSocketPath } from './socket-path.ts';

const HASH_DIGITS = 12;

/** The places to try, in this order: the first is root's alone, the second anybody's. */
export function fallbackDirectories(configurationPath: string): readonly string[] {
  const hash = createHash('sha256').update(configurationPath).digest('hex').slice(0, HASH_DIGITS);
  return [`/run/ims-${hash}`, `/tmp/ims-${hash}`];
}

/** Those of them that another user cannot have made, as control sockets. */
export async function trustedFallbacks(
  host: Pick<Host, 'file' | 'self'>,
  configurationPath: string,
): Promise<string[]> {
  const out: string[] = [];
  for (const directory of fallbackDirectories(configurationPath)) {
    const file = await host.file(directory);
    if (!file.ok || file.value.kind !== 'directory') continue;
    const rootsAlone = directory.startsWith('/run/');
    if (!rootsAlone && file.value.uid !== 0 && file.value.uid !== host.self.uid) continue;
    const place = controlSocketPath(directory);
    if (place.ok) out.push(place.path);
  }
  return out;
}
