import type { DatagramSocket, Network } from '../../world/ports/network.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { World } from '../../world/world.ts';
import { createDialer, type DialerRooms } from '../dialer.ts';
import type { Way } from '../port.ts';
import { byStream } from './by-stream.ts';
import type { NameServer } from './name-servers.ts';

/** A proxy that leads to the name servers is known by its address. */
const NO_NAMES: Resolver = {
  query: () =>
    Promise.resolve({ kind: 'failure', reason: 'a proxy that leads to the name servers is known by its address' }),
};

/** How the name servers are reached. */
export interface ByProxiesOptions extends Omit<DialerRooms, 'resolver' | 'world' | 'gateways'> {
  readonly world: Pick<World, 'network' | 'clock'>;
  readonly ways: readonly Way[];
  readonly servers: readonly NameServer[];
  readonly timeoutMs: number;
}

/** The network as it is, but for these name servers: they are asked by way of proxies, by TCP (RFC 7766). */
export function byProxies({ world, ways, servers, timeoutMs, ...rooms }: ByProxiesOptions): Network {
  const { network } = world;
  const dialer = createDialer({ ...rooms, world, resolver: NO_NAMES });
  const far = byStream((address, port) => dialer.dial({ name: address, address, port, timeoutMs, ways }));
  const isFar = (address: string, port: number): boolean =>
    servers.some((server) => server.address === address && server.port === port);
  return {
    listen: (where, accept) => network.listen(where, accept),
    tlsContext: (certificate, key) => network.tlsContext(certificate, key),
    dial: (options) => (isFar(options.address, options.port) ? far : network).dial(options),
    async datagram(family, receive): Promise<DatagramSocket> {
      const [near, other] = await Promise.all([network.datagram(family, receive), far.datagram(family, receive)]);
      return {
        send: (bytes, port, address) => (isFar(address, port) ? other : near).send(bytes, port, address),
        close() {
          near.close();
          other.close();
        },
      };
    },
  };
}
