import type { Settings } from '../../../settings/index.ts';
import { isLoopback, parseIp } from '../../../base/ip.ts';

/** One address where a listener should be. */
export interface Place {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** Every address of every listener; UNIX sockets are left out, and so are ports that the system chooses. */
export function places({ listeners }: Pick<Settings, 'listeners'>): readonly Place[] {
  return Object.entries(listeners).flatMap(([name, { address, port }]) =>
    [address]
      .flat()
      .filter((one) => !one.startsWith('/') && port !== 0)
      .map((one) => ({ name, address: one, port })),
  );
}

/** An address with its port, as people write it. */
export const showPlace = (address: string, port: number): string =>
  address.startsWith('/') ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

const RESERVED = /(?:^|\.)(?:test|example|invalid|localhost|local|home\.arpa|internal|example\.(?:com|net|org))$/i;

/** Whether a name is one of those that are in no public name service (RFC 6761). */
export const isReservedName = (name: string): boolean => RESERVED.test(name);

/** Whether an address is reached from this host only; a listener on every address is not. */
export const onLoopback = (address: string): boolean => {
  const ip = parseIp(address);
  return address.startsWith('/') || (ip !== undefined && isLoopback(ip) && BigInt(ip.value) !== 0n);
};

/** Whether the service is one for trying out: nobody outside reaches it, and its name is none of the public ones. */
export function isForTrying({ listeners, server }: Pick<Settings, 'listeners' | 'server'>): boolean {
  const all = Object.values(listeners).flatMap(({ address }) => address);
  return isReservedName(server.name) && all.every(onLoopback);
}

/** Whether nothing is sent to elsewhere: mail comes by LMTP alone, which passes nothing on, and every address leads to a mailbox here. */
export function isStore({ listeners, domains }: Pick<Settings, 'listeners' | 'domains'>): boolean {
  const all = Object.values(listeners);
  if (all.length === 0 || all.some(({ profile }) => profile !== 'lmtp')) return false;
  const own = new Set(Object.keys(domains).map((domain) => domain.toLowerCase()));
  const targets = Object.values(domains).flatMap(({ aliases, catchAll }) => [
    ...Object.values(aliases).flat(),
    ...(catchAll === undefined ? [] : [catchAll]),
  ]);
  return targets.every(
    (target) => !target.includes('@') || own.has(target.slice(target.lastIndexOf('@') + 1).toLowerCase()),
  );
}

/** Why the service needs the name service; undefined where it can do without. */
export function needsNames(settings: Settings): string | undefined {
  if (isForTrying(settings)) return undefined;
  const { smartHosts, addressSpaces } = settings.routing;
  const everything = addressSpaces.find(({ match, senders }) => match === '*' && senders === undefined);
  if (everything === undefined) return 'mail for elsewhere goes to the MX hosts of its domain';
  const byMx = addressSpaces.find(({ via }) => via === 'mx');
  if (byMx !== undefined) return `mail for ${byMx.match} goes to its MX hosts`;
  const named = Object.values(smartHosts)
    .flatMap(({ hosts }) => hosts)
    .find(({ host }) => parseIp(host) === undefined && !host.startsWith('/') && host !== 'localhost');
  return named === undefined ? undefined : `smart host ${named.host} is given by its name`;
}
