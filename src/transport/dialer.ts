/** Connections to other hosts: straight with a source address of choice, or by way of proxies, one after the other. */
import { assert } from '../base/assert.ts';
import { Fault } from '../events/fault.ts';
import type { Journal } from '../events/journal.ts';
import { type PassedOn, writeV1, writeV2 } from '../protocol/proxy/header-writer.ts';
import type { ByteStream, Network } from '../world/ports/network.ts';
import type { Gateways } from './gateway/port.ts';
import { gatewayFault, type GatewayFault, gatewayFaultInWords, isGatewayFault } from './gateway/trouble.ts';
import type { Dialer, DialRequest, GatewayWay } from './port.ts';
import { type ProxyFault, proxyFaultInWords } from './proxy-fault.ts';
import { PROXY_WORDS_MAX } from './limits.ts';
import { ProxyHealth } from './proxy-health.ts';
import { dialThrough, type ProxyRooms } from './through-proxy.ts';

/** What a dialer is made of. */
export interface DialerRooms extends ProxyRooms {
  readonly journal: Journal;
  /** Where routes lead through gateways. */
  readonly gateways?: Pick<Gateways, 'dial'>;
  /** What is known of the proxies, where that outlives a configuration. */
  readonly health?: ProxyHealth;
}

/** Makes the dialer of a configuration; it remembers which proxies fail. */
export function createDialer(rooms: DialerRooms): Dialer {
  const health = rooms.health ?? new ProxyHealth({ clock: rooms.world.clock, journal: rooms.journal });
  const dial = async (request: DialRequest): Promise<ByteStream> => {
    // A UNIX socket is on this host, whatever way other mail takes.
    const ways = request.address.startsWith('/') ? [] : health.order(request.ways);
    const faults: (ProxyFault | GatewayFault)[] = [];
    for (const way of ways) {
      if (way === 'direct') return dialDirectly(request, rooms.world.network);
      if (way.kind === 'ssh-gateway') {
        const dialled = await dialFrom(way, request, rooms);
        if (dialled.kind !== 'gateway-failed') health.works(way.name);
        if (dialled.kind === 'open') return withHeader(dialled.stream, request, undefined);
        if (dialled.kind === 'target-unreachable') throw dialled.error;
        health.rests(way.name);
        faults.push(dialled.fault);
        continue;
      }
      const paused = health.pauses(way.name);
      if (paused !== undefined) {
        faults.push(paused);
        continue;
      }
      const result = await dialThrough(way, request, rooms);
      if (result.kind === 'proxy-failed') {
        health.fails(way, result.fault, request);
        faults.push(result.fault);
        continue;
      }
      health.works(way.name, request);
      if (result.kind === 'open') return withHeader(result.stream, request, undefined);
      throw result.error;
    }
    const [first, ...others] = faults;
    if (first !== undefined) throw together(first, others);
    return dialDirectly(request, rooms.world.network);
  };
  return { dial };
}

function dialFrom(way: GatewayWay, request: DialRequest, { gateways }: DialerRooms): ReturnType<Gateways['dial']> {
  if (gateways !== undefined) return gateways.dial(way, request);
  const fault = gatewayFault('transport.gateway-unreachable', way.name, way.name, 'this process has no gateways');
  return Promise.resolve({ kind: 'gateway-failed', fault });
}

/** One fault that names all: whichever of them works first lets the mail go. */
function together(first: ProxyFault | GatewayFault, others: readonly (ProxyFault | GatewayFault)[]): Error {
  if (others.length === 0) return first;
  const inWords = others.map((each) => (isGatewayFault(each) ? gatewayFaultInWords(each) : proxyFaultInWords(each)));
  const why = [first.data.why, ...inWords].join('; ').slice(0, PROXY_WORDS_MAX);
  if (isGatewayFault(first)) return new Fault(first.event, { ...first.data, why });
  return new Fault(first.event, { ...first.data, why });
}

/** A dialer that knows no proxies. */
export function directDialer(network: Pick<Network, 'dial'>): Dialer {
  return {
    dial(request) {
      assert(request.ways.length === 0, 'a route without proxies');
      return dialDirectly(request, network);
    },
  };
}

async function dialDirectly(request: DialRequest, network: Pick<Network, 'dial'>): Promise<ByteStream> {
  const { address, port, timeoutMs } = request;
  const localAddress = address.startsWith('/') ? undefined : address.includes(':') ? request.source6 : request.source4;
  const stream = await network.dial({
    address,
    port,
    timeoutMs,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  return withHeader(
    stream,
    request,
    stream.peer.port === 0 ? undefined : { source: stream.local, destination: stream.peer },
  );
}

/** Says who we are to a host that expects a PROXY header; behind a proxy nobody knows the addresses of the connection. */
function withHeader(stream: ByteStream, { proxyHeader }: DialRequest, connection: PassedOn): ByteStream {
  if (proxyHeader !== undefined) stream.write(proxyHeader === 'v1' ? writeV1(connection) : writeV2(connection));
  return stream;
}
