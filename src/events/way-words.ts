/** What the system's code for a connection that was not made says of the way, where that is this host's own doing. */
const WORDS: Readonly<Record<string, string>> = {
  EINVAL: "this host's own routing table has a blackhole route there",
  EACCES: 'this host forbids it: a prohibit route or a firewall of its own',
  EPERM: 'the firewall of this host forbids it',
  EHOSTUNREACH: 'no route to it, an unreachable route of this host, or a router says so',
  ENETUNREACH: 'this host has no route there',
  EADDRNOTAVAIL: 'no address or port of this host is left to come from',
};

/** The code, and what it says of the way: 'EINVAL (this host's own routing table has a blackhole route there)'. */
export function wayInWords(errno: string): string {
  const words = WORDS[errno];
  return words === undefined ? errno : `${errno} (${words})`;
}
