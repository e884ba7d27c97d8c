import { isIP } from 'node:net';

/** Where something is served on this host alone, as a setting says it; undefined where that is no loopback address with a port and no path. */
export function parseLoopbackPlace(text: string): { readonly address: string; readonly port: number } | undefined {
  if (text.startsWith('/')) return { address: text, port: 0 };
  const match = /^(?:\[([0-9a-fA-F:]{2,39})\]|([0-9.]{7,15})):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  const loopback = address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
  return loopback && port >= 1 && port <= 65_535 ? { address, port } : undefined;
}
