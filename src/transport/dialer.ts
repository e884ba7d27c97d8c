/** Connections to other hosts: straight with a source address of choice, or by way of proxies, one after the other. */
import { assert } from '../base/assert.ts';
import { Fault } from '../events/fault.ts';
import type { Journal } from '../events/journal.ts';
import { type PassedOn, writeV1, writeV2 } from '../protocol/proxy/header-writer.ts';
import type { ByteStream, Network } from '../world/ports/network.ts';
import type { Gateways } from './gateway/port.ts';
import { gatewayFault, type GatewayFault, gatewayFaultInWords, isGatewayFault } from './gateway/trouble.ts';
import type { Dialer, DialRequest, GatewayWay, Way } from './port.ts';
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
  /** Hears what became of each connection that was asked of a way: 'unreachable' is said of the host, 'failed' of the way. */
  readonly dialled?: (way: Way, outcome: 'open' | 'unreachable' | 'failed', host: string, why?: string) => void;
}

/** Makes the dialer of a configuration; it remembers which proxies fail. */
export function createDialer(rooms: DialerRooms): Dialer {
  const health = rooms.health ?? new ProxyHealth({ clock: rooms.world.clock, journal: rooms.journal });
  const dial = async (request: DialRequest): Promise<ByteStream> => {
    // A UNIX socket is on this host, whatever way other mail takes.
    const ways = request.address.startsWith('/') ? [] : health.order(request.ways);
    const faults: (ProxyFault | GatewayFault)[] = [];
    for (const way of ways) {
      if (way === 'direct') return dialDirectly(request, rooms);
      if (way.kind === 'ssh-gateway') {
        const dialled = await dialFrom(way, request, rooms);
        if (dialled.kind !== 'gateway-failed') health.works(way.name);
        if (dialled.kind === 'open') return opened(dialled.stream, way, request, rooms);
        if (dialled.kind === 'target-unreachable') throw unreachable(dialled.error, way, request, rooms);
        rooms.dialled?.(way, 'failed', request.name, dialled.fault.data.why);
        health.rests(way.name);
        faults.push(dialled.fault);
        continue;
      }
      const paused = health.pauses(way.name, request);
      if (paused !== undefined) {
        faults.push(paused);
        continue;
      }
      const result = await dialThrough(way, request, rooms);
      if (result.kind === 'proxy-failed') {
        rooms.dialled?.(way, 'failed', request.name, result.fault.data.why);
        health.fails(way, result.fault, request);
        faults.push(result.fault);
        continue;
      }
      health.works(way.name, request);
      if (result.kind === 'open') return opened(result.stream, way, request, rooms);
      throw unreachable(result.error, way, request, rooms);
    }
    const [first, ...others] = faults;
    if (first !== undefined) throw together(first, others);
    return dialDirectly(request, rooms);
  };
  return {
    dial,
    heard(way, request, silentMs) {
      if (way === 'direct' || way.kind === 'ssh-gateway') return;
      if (silentMs === undefined) health.passes(way.name);
      else health.hangs(way, request, silentMs);
    },
  };
}

function opened(
  stream: ByteStream,
  way: Way,
  request: DialRequest,
  { dialled }: Pick<DialerRooms, 'dialled'>,
): ByteStream {
  dialled?.(way, 'open', request.name);
  request.taken?.(way);
  return withHeader(stream, request, undefined);
}

/** The host cannot be reached, by whatever way: says so, and gives the error back. */
function unreachable(error: Error, way: Way, { name }: DialRequest, { dialled }: Pick<DialerRooms, 'dialled'>): Error {
  dialled?.(way, 'unreachable', name, error.message);
  return error;
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
      return dialDirectly(request, { world: { network } });
    },
  };
}

async function dialDirectly(
  request: DialRequest,
  rooms: { readonly world: { readonly network: Pick<Network, 'dial'> } } & Pick<DialerRooms, 'dialled'>,
): Promise<ByteStream> {
  const { address, port, timeoutMs } = request;
  const localAddress = address.startsWith('/') ? undefined : address.includes(':') ? request.source6 : request.source4;
  const local = localAddress === undefined ? {} : { localAddress };
  // A UNIX socket says nothing about the way to other hosts.
  const told: Pick<DialerRooms, 'dialled'> = address.startsWith('/') ? {} : rooms;
  const stream = await rooms.world.network.dial({ address, port, timeoutMs, ...local }).catch((error: unknown) => {
    throw error instanceof Error ? unreachable(error, 'direct', request, told) : error;
  });
  told.dialled?.('direct', 'open', request.name);
  request.taken?.('direct');
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
