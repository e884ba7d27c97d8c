/** What a PROXY header says: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, versions 1 and 2. */

/** One end of the connection that the proxy took: an IP address in canonical text. */
export interface ProxiedEndpoint {
  readonly address: string;
  readonly port: number;
}

/** Whom the header speaks of. */
export type ProxiedConnection =
  /** The proxy speaks for itself (health checks): the connection's own addresses count. */
  | { readonly kind: 'local' }
  /** A client over TCP. */
  | { readonly kind: 'tcp'; readonly source: ProxiedEndpoint; readonly destination: ProxiedEndpoint }
  /** A client over UDP, which cannot be ours. */
  | { readonly kind: 'udp'; readonly source: ProxiedEndpoint; readonly destination: ProxiedEndpoint }
  /** A client on the proxy's host; paths are as they came, and prove nothing. */
  | { readonly kind: 'unix'; readonly source: string; readonly destination: string }
  /** A client whose address the proxy does not know or cannot say. */
  | { readonly kind: 'unknown' };

/** What the proxy says about the client's TLS session that ended at the proxy. */
export interface ProxiedTls {
  /** The client presented a certificate over this connection. */
  readonly certificateOnConnection: boolean;
  /** The client presented a certificate at least once over the TLS session. */
  readonly certificateInSession: boolean;
  /** The client presented a certificate and the proxy verified it. */
  readonly verified: boolean;
  readonly version?: string;
  readonly cipher?: string;
  readonly commonName?: string;
  readonly signatureAlgorithm?: string;
  readonly keyAlgorithm?: string;
}

/** What came with the addresses. Text is as the proxy sent it: never to be trusted further than the proxy. */
export interface ProxiedFacts {
  readonly alpn?: string;
  /** The name that the client asked for (SNI or the like). */
  readonly authority?: string;
  readonly uniqueId?: Buffer;
  readonly namespace?: string;
  /** Only where the client spoke TLS with the proxy. */
  readonly tls?: ProxiedTls;
  /** TLVs without a meaning here, by type. */
  readonly others: readonly { readonly type: number; readonly value: Buffer }[];
}

/** A header that was read. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  readonly connection: ProxiedConnection;
  readonly facts: ProxiedFacts;
}

/** The facts of a header that has none. */
export const noFacts: ProxiedFacts = { others: [] };
