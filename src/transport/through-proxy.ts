import { errnoOf, Fault } from '../events/fault.ts';
import { isHostName } from '../protocol/dns/name.ts';
import { HttpConnectClient } from '../protocol/proxy/http-connect-client.ts';
import { Socks5Client } from '../protocol/proxy/socks5-client.ts';
import type { TunnelMachine, TunnelTarget } from '../protocol/proxy/tunnel.ts';
import type { ByteStream } from '../world/ports/network.ts';
import type { Resolver } from '../world/ports/resolver.ts';
import type { World } from '../world/world.ts';
import { PROXY_KIND_MS, PROXY_WORDS_MAX } from './limits.ts';
import type { DialRequest, ProxyTerms } from './port.ts';
import { addressesOf } from './proxy-address.ts';
import { otherKindOf, plainKindOf } from './proxy-kind.ts';
import type { ProxyFault, ProxyTrouble } from './proxy-fault.ts';
import { openTunnel, type TunnelOpening } from './tunnel-opening.ts';

/** What connections through proxies need. */
export interface ProxyRooms {
  readonly world: { readonly network: Pick<World['network'], 'dial'>; readonly clock: World['clock'] };
  readonly resolver: Resolver;
}

/** How a connection through a proxy came out. */
export type ThroughProxy =
  | { readonly kind: 'open'; readonly stream: ByteStream }
  /** The proxy works, the host does not answer it. */
  | { readonly kind: 'target-unreachable'; readonly error: Error & { readonly code: string } }
  | { readonly kind: 'proxy-failed'; readonly fault: ProxyFault };

/** Asks one proxy for a connection. Never rejects. */
export async function dialThrough(proxy: ProxyTerms, request: DialRequest, rooms: ProxyRooms): Promise<ThroughProxy> {
  const { timeoutMs } = request;
  const reached = await reachProxy(proxy, timeoutMs, rooms);
  if ('why' in reached) {
    const plain = reached.withoutTls === true ? await withoutTls(proxy, timeoutMs, rooms) : undefined;
    if (plain !== undefined) return failed(proxy, 'transport.proxy-wrong-protocol', plain);
    return failed(proxy, 'transport.proxy-unreachable', reached.why);
  }
  const machine = machineOf(proxy, targetOf(proxy, request));
  const opening = await openTunnel(reached, machine, rooms.world.clock, timeoutMs);
  const outcome = outcomeOf(proxy, opening, timeoutMs);
  if (outcome.kind !== 'proxy-failed' || opening.kind !== 'silent') return outcome;
  const kindMs = Math.min(PROXY_KIND_MS, timeoutMs);
  const kind = await otherKindOf(proxy, () => reachProxy(proxy, kindMs, rooms), rooms.world.clock, kindMs);
  return kind === undefined ? outcome : failed(proxy, 'transport.proxy-wrong-protocol', kind);
}

/** What a proxy answers in that agreed on no TLS. */
function withoutTls(proxy: ProxyTerms, timeoutMs: number, rooms: ProxyRooms): Promise<string | undefined> {
  const kindMs = Math.min(PROXY_KIND_MS, timeoutMs);
  return plainKindOf(proxy, () => reachProxy({ ...proxy, tls: 'none' }, kindMs, rooms), rooms.world.clock, kindMs);
}

function outcomeOf(proxy: ProxyTerms, opening: TunnelOpening, timeoutMs: number): ThroughProxy {
  switch (opening.kind) {
    case 'open':
      return opening;
    case 'target-unreachable':
      return unreachable(proxy, opening.errno, opening.words);
    case 'login-refused':
      return failed(proxy, 'transport.proxy-login-refused', opening.words);
    case 'wrong-protocol':
      return failed(proxy, 'transport.proxy-wrong-protocol', opening.words);
    case 'refused':
      return failed(proxy, 'transport.proxy-refused', opening.words);
    case 'silent': {
      const seconds = Math.round(timeoutMs / 1000);
      // Past its greeting a SOCKS proxy is at work: it is the host that lets it wait.
      if (opening.phase === 'connect' && !opening.hungUp)
        return unreachable(proxy, 'ETIMEDOUT', `no answer in ${seconds} s`);
      return failed(
        proxy,
        'transport.proxy-silent',
        `${opening.hungUp ? 'it closed the connection' : `no answer in ${seconds} s`} when spoken to in ${KINDS[proxy.kind]}`,
      );
    }
  }
}

/** A proxy of another kind may wait for more instead of saying so. */
const KINDS: Readonly<Record<ProxyTerms['kind'], string>> = { socks5: 'SOCKS 5', 'http-connect': 'HTTP' };

function unreachable({ name }: ProxyTerms, code: string, words: string): ThroughProxy {
  const message = `${code}; the proxy ${name} says: ${words.slice(0, PROXY_WORDS_MAX)}`;
  return { kind: 'target-unreachable', error: Object.assign(new Error(message), { code }) };
}

function failed({ name, host, port }: ProxyTerms, trouble: ProxyTrouble, why: string): ThroughProxy {
  return {
    kind: 'proxy-failed',
    fault: new Fault(trouble, { proxy: name, host: `${host}:${port}`, why: why.slice(0, PROXY_WORDS_MAX) }),
  };
}

/** Connects to the proxy itself, with TLS where it has to be. */
async function reachProxy(
  proxy: ProxyTerms,
  timeoutMs: number,
  rooms: ProxyRooms,
): Promise<ByteStream | { readonly why: string; readonly withoutTls?: boolean }> {
  const found = await addressesOf(proxy.host, rooms.resolver);
  if ('why' in found) return found;
  let why = '';
  let withoutTls = false;
  for (const address of found.addresses) {
    let stream: ByteStream;
    try {
      stream = await rooms.world.network.dial({ address, port: proxy.port, timeoutMs });
    } catch (error) {
      why = errnoOf(error) || (error instanceof Error ? error.message : String(error));
      continue;
    }
    if (proxy.tls === 'none') return stream;
    try {
      const facts = await stream.startTlsClient({ serverName: proxy.host, timeoutMs });
      if (proxy.tls === 'required' || facts.verified === true) return stream;
      why = `its certificate is not valid for ${proxy.host}: ${facts.failure ?? 'it cannot be verified'}`;
    } catch (error) {
      why = `TLS with it could not be agreed on: ${error instanceof Error ? error.message : String(error)}`;
      withoutTls = true;
    }
    stream.destroy();
  }
  return { why, withoutTls };
}

/** Names go to a proxy that looks them up itself; an address literal stays an address. */
function targetOf({ resolve }: ProxyTerms, { name, address, port }: DialRequest): TunnelTarget {
  return { host: resolve === 'proxy' && isHostName(name) ? name : address, port };
}

function machineOf({ kind, login }: ProxyTerms, target: TunnelTarget): TunnelMachine {
  if (kind === 'http-connect') return new HttpConnectClient(target, login);
  return new Socks5Client(target, login !== undefined && 'user' in login ? login : undefined);
}
