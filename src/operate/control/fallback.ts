/**
 * Where the control socket is while its directory cannot be used, because the storage that it lies on is away: a fault that stops
 * mail must not stop the diagnosis of that fault.
 */
import { createHash } from 'node:crypto';
import type { Host } from '../../world/ports/host.ts';
import { controlSocketPath } from './socket-path.ts';

const HASH_DIGITS = 12;

const nameOf = (configurationPath: string): string =>
  `ims-${createHash('sha256').update(configurationPath).digest('hex').slice(0, HASH_DIGITS)}`;

/** The places to try, in this order: the first is root's alone, the others anybody's; somebody else may have taken the second. */
export function fallbackDirectories(configurationPath: string, uid: number): readonly string[] {
  const name = nameOf(configurationPath);
  return [`/run/${name}`, `/tmp/${name}`, `/tmp/${name}-${uid}`];
}

type Looking = Pick<Host, 'file' | 'names' | 'self'>;

interface Found {
  readonly directory: string;
  readonly uid: number;
  readonly trusted: boolean;
}

/** Those of them that are there. Below /run only root can have made one, or somebody that root let in. */
async function found(host: Looking, configurationPath: string): Promise<readonly Found[]> {
  const out: Found[] = [];
  const name = nameOf(configurationPath);
  const tmp = await host.names('/tmp');
  const others = tmp.ok ? tmp.value.filter((one) => one.startsWith(`${name}-`)).map((one) => `/tmp/${one}`) : [];
  for (const directory of new Set([...fallbackDirectories(configurationPath, host.self.uid), ...others])) {
    const file = await host.file(directory);
    if (!file.ok || file.value.kind !== 'directory') continue;
    const { uid } = file.value;
    out.push({ directory, uid, trusted: directory.startsWith('/run/') || uid === 0 || uid === host.self.uid });
  }
  return out;
}

/** Those of them that another user cannot have made, as control sockets. */
export async function trustedFallbacks(host: Looking, configurationPath: string): Promise<readonly string[]> {
  return (await found(host, configurationPath)).flatMap(({ directory, trusted }) => {
    const place = controlSocketPath(directory);
    return trusted && place.ok ? [place.path] : [];
  });
}

/** One that another user has made: what answers there may be anybody. */
export async function untrustedFallback(
  host: Looking & Pick<Host, 'text'>,
  configurationPath: string,
): Promise<Found | undefined> {
  const sockets = await host.text('/proc/net/unix');
  // What a service that was killed has left behind answers nobody.
  return (await found(host, configurationPath)).find(
    ({ directory, trusted }) => !trusted && (!sockets.ok || sockets.value.includes(` ${directory}/`)),
  );
}
