import { isIP } from 'node:net';

/** Cuts `host:port` of a Host field; undefined where it is none. */
function hostOf(field: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253}))(?::\d{1,5})?$/.exec(field);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * Whether a request was meant for us: a page whose own name was made to lead to this host (DNS rebinding) still sends that name. Through a
 * tunnel the port may be any; behind a reverse proxy it is the name of this server.
 */
export function isOurHost(field: string | undefined, serverName: string): boolean {
  const host = field === undefined ? undefined : hostOf(field);
  return host !== undefined && (isLoopback(host) || host === serverName.toLowerCase());
}

/** Whether a change was asked for by a page of ours, or by no page at all (RFC 6454 §7). */
export function isOurOrigin(origin: string | undefined, hostField: string | undefined, serverName: string): boolean {
  if (origin === undefined) return true;
  const match = /^https?:\/\/(.{1,300})$/.exec(origin);
  const from = match?.[1]?.toLowerCase();
  if (from === undefined) return false;
  return from === hostField?.toLowerCase() || hostOf(from) === serverName.toLowerCase();
}
