import type { Parts } from '../check.ts';
import { serviceIdentity } from './service-identity.ts';
import { closedAbove, mayAlso, showMode } from './users.ts';

/** Why the service cannot use the UNIX socket of a mail store; root, who may look here, may use every one. */
export async function socketFault(
  path: string,
  parts: Pick<Parts, 'settings' | 'host' | 'service'>,
): Promise<string | undefined> {
  const { host } = parts;
  const [file, who] = await Promise.all([host.file(path), serviceIdentity(parts)]);
  const closed = who === undefined ? undefined : await closedAbove(host, who, path);
  if (closed !== undefined)
    return `cannot be reached by ${who?.words}, as whom the service works: ${closed} is closed to that user`;
  if (!file.ok && file.errno === 'ENOENT')
    return 'is not there: the mail store does not run, or makes its socket elsewhere';
  if (!file.ok || who === undefined) return undefined;
  const { kind, mode, uid, gid } = file.value;
  if (kind !== 'socket') return `is no socket (${kind})`;
  if (await mayAlso(host, who, 2, path, file.value)) return undefined;
  return `may not be used by ${who.words}, as whom the service works: it has mode ${showMode(mode)} and belongs to uid ${uid}, gid ${gid}`;
}
