import type { Verdict } from './verdict.ts';

/** Checks whose findings a repair cures in most cases, with its id. A check may name another one in its verdict. */
export const repairable: Readonly<Record<string, string>> = {
  'service.answers': 'service.start',
  'host.process-limits': 'host.limits',
  'host.file-descriptors': 'host.limits',
  'listeners.loopback': 'host.loopback',
  'listeners.ipv6': 'listeners.ipv4-only',
  'host.ephemeral-ports': 'host.ephemeral-ports',
  'host.preload-present': 'host.preload-line',
  'names.nsswitch': 'names.nsswitch-dns',
  'ways.path-mtu': 'host.mtu-probing',
  'tls.key-mode': 'tls.key-mode',
  'storage.data-directory': 'storage.owner',
  'storage.owner': 'storage.owner',
  'storage.mailboxes-writable': 'storage.mailbox-owner',
  'storage.private': 'storage.mode',
};

/** Repairs of one finding among several of their check, by how its cure begins. */
const CURES: Readonly<Record<string, RegExp>> = {
  'storage.owner': /^ch(?:own|mod go-w) /,
  'storage.mode': /^chmod /,
  'host.preload-line': /^(?:rm|sed) /,
};

/** The verdict with the repair that may cure it. */
export function withRepair(check: string, verdict: Verdict): Verdict {
  if (verdict.kind !== 'unhealthy' || verdict.repair !== undefined) return verdict;
  const repair = Object.hasOwn(repairable, check) ? repairable[check] : undefined;
  // What is not there, or not mounted, is for a person.
  const byCure = repair === undefined ? undefined : CURES[repair];
  if (repair === undefined || byCure?.test(verdict.cure) === false) return verdict;
  return { ...verdict, repair };
}
