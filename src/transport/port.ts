/** The door of transport: how connections to other hosts are made, straight or by way of proxies. */
import type { ByteStream } from '../world/ports/network.ts';

/** A proxy that makes connections for us. */
export interface ProxyTerms {
  /** Its name in the configuration. */
  readonly name: string;
  readonly kind: 'socks5' | 'http-connect';
  /** Host name or IP address. */
  readonly host: string;
  readonly port: number;
  readonly login?: { readonly user: string; readonly password: string } | { readonly token: string };
  /** TLS to the proxy itself: 'required' takes any certificate, 'verified' one that fits its name. */
  readonly tls: 'none' | 'required' | 'verified';
  /** Its share among the proxies that stand beside it in a route and have one; without it the order holds. */
  readonly weight?: number;
  /** Who looks up the addresses of the hosts that mail goes to. */
  readonly resolve: 'here' | 'proxy';
  /** The name that mail greets with which takes it, where it is another one than that of the route. */
  readonly greetingName?: string;
}

/** A gateway that makes connections for us, in its session of SSH. */
export interface GatewayWay {
  /** Its name in the configuration. */
  readonly name: string;
  readonly kind: 'ssh-gateway';
  readonly resolve: 'here' | 'proxy';
  readonly greetingName?: string;
}

/** One way to another host. */
export type Way = ProxyTerms | GatewayWay | 'direct';

/** A connection that is wanted. */
export interface DialRequest {
  readonly name: string;
  /** An IP address, or a UNIX path with port 0; the name again where only proxies look it up. */
  readonly address: string;
  readonly port: number;
  /** Our own address by family, for direct connections. */
  readonly source4?: string | undefined;
  readonly source6?: string | undefined;
  readonly timeoutMs: number;
  /** In the order to try them; a way is left for the next one where its proxy fails, not where the host does. Empty: direct. */
  readonly ways: readonly Way[];
  /** Begins with a PROXY header that names our own end of the connection. */
  readonly proxyHeader?: 'v1' | 'v2' | undefined;
  /** Hears which of the ways the connection took, before it is there. */
  readonly taken?: ((way: Way) => void) | undefined;
}

/** Makes connections. */
export interface Dialer {
  /**
   * Rejects with an error that carries a POSIX `code` where the host cannot be reached, and with a `Fault` of an event of
   * transport where the proxies are at fault: that says nothing about the host.
   */
  dial(request: DialRequest): Promise<ByteStream>;
  /** Over a connection that took this way came a first word of the host, or, where `silentMs` is given, no more for so long. */
  heard?(way: Way, request: DialRequest, silentMs?: number): void;
}
