import { join } from 'node:path';
import { SOCKET_PATH_MAX } from '../config/limits.ts';

/** The control socket's name in the run directory. */
const CONTROL_SOCKET = 'control';

/** The path of the control socket below a run directory; the system would silently cut a longer one. */
export function controlSocketPath(
  directory: string,
): { readonly ok: true; readonly path: string } | { readonly ok: false; readonly why: string } {
  const path = join(directory, CONTROL_SOCKET);
  const length = Buffer.byteLength(path);
  if (length <= SOCKET_PATH_MAX) return { ok: true, path };
  const why = `the path of the control socket is ${length} octets long, and the system allows ${SOCKET_PATH_MAX}: ${path}; set server.run to a short directory such as /run/ims`;
  return { ok: false, why };
}
