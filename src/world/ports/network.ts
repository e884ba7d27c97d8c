/** One end of a connection. For a UNIX socket `address` is its path and `port` 0. */
export interface Endpoint {
  /** An IP address in its canonical text; IPv4 mapped into IPv6 is already IPv4. */
  readonly address: string;
  readonly port: number;
}

/** What TLS agreed on, for Received fields and events. */
export interface TlsFacts {
  /** 'TLSv1.3' and the like. */
  readonly version: string;
  /** The registered name of the cipher suite: 'TLS_AES_256_GCM_SHA384'. */
  readonly cipher: string;
  /** The name the client asked for, where it did (SNI). */
  readonly serverName?: string;
  /** The name in the certificate that the client showed and a trusted proxy has verified. */
  readonly clientName?: string;
  /** On a client: whether the peer's certificate is valid for the name asked, and if not, why. */
  readonly verified?: boolean;
  readonly failure?: string;
  /** On a client that asked for it: the certificate that the peer showed, in DER. */
  readonly certificate?: Buffer;
}

/** How to be a TLS server; `context` is an opaque, cached value made by `Network.tlsContext`. */
export interface TlsServerOptions {
  readonly context: TlsContext;
  /** Milliseconds until a handshake that does not end is cut. */
  readonly timeoutMs: number;
}

/** How to be a TLS client. Verification never refuses by itself: the facts say, the caller decides. */
export interface TlsClientOptions {
  readonly serverName: string;
  readonly timeoutMs: number;
  /** Also gives the certificate of the peer. */
  readonly showCertificate?: boolean;
}

/** An opaque certificate and key ready for handshakes. */
export type TlsContext = object & { readonly tlsContext: true };

/** The reader of a stream. Calls never overlap; after `closed` none follow. */
export interface ByteSink {
  /** Octets as they came; the buffer belongs to the reader. */
  data(chunk: Buffer): void;
  /** The peer has sent all it will (half-closed). Writing is still possible. */
  end(): void;
  /** What was written has left the process after `write` had answered false. */
  drain(): void;
  /** The connection is gone; with an error where it did not end by agreement. */
  closed(error?: Error): void;
}

/** A connection that carries bytes, over whatever transport. */
export interface ByteStream {
  readonly local: Endpoint;
  /** The socket's other end: maybe a proxy. */
  readonly peer: Endpoint;
  /** The client as the world sees it: what limits, policy and Received fields use. Equal to `peer` without a proxy. */
  readonly client: Endpoint;
  readonly tls: TlsFacts | undefined;
  /** Of the client's TLS where that ended at a trusted proxy, by the word of the proxy; `tls` is of this connection. */
  readonly tlsToProxy?: TlsFacts | undefined;
  /** Sets the reader; may be called again to change it. Reading begins with the first call. */
  start(sink: ByteSink): void;
  /** Queues octets; false when the peer is slower than we are, and `drain` follows. */
  write(bytes: Buffer | string): boolean;
  /** Octets written and not yet taken by the system. */
  readonly pendingBytes: number;
  pause(): void;
  resume(): void;
  /** Gives octets back: whoever reads next, a sink or a TLS handshake, gets them first. Only while paused. */
  unread(chunk: Buffer): void;
  /**
   * Sends what is queued, then our end of the connection. With 'both-ways' the peer has said that it will send no more: where all
   * is with the system already, nothing of its side is waited for.
   */
  end(bytes?: Buffer | string, how?: 'both-ways'): void;
  /** Ends it now, both ways. */
  destroy(): void;
  /**
   * Turns the rest of the connection into TLS as the server. Octets already received but not delivered are discarded
   * (RFC 3207 §4.2). `reply`, where given, is sent before in the clear. The sink stays.
   */
  startTlsServer(options: TlsServerOptions, reply?: Buffer | string): Promise<TlsFacts>;
  /** The same as the client. */
  startTlsClient(options: TlsClientOptions): Promise<TlsFacts>;
}

/** An opaque bound socket, made by whoever was allowed to bind it and handed to the process that accepts. */
export type ListenHandle = object;

/** A socket that accepts connections. */
export interface Listening {
  readonly local: Endpoint;
  /** Stops accepting; connections live on. */
  close(): Promise<void>;
}

/** What to dial. `address` is an IP address, never a name, or a UNIX path with port 0. */
export interface DialOptions {
  readonly address: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly timeoutMs: number;
}

/** A UDP socket. */
export interface DatagramSocket {
  send(bytes: Buffer, port: number, address: string): void;
  close(): void;
}

/** Sockets. Errors carry a POSIX `code` (ECONNREFUSED, ETIMEDOUT, ENETUNREACH, ...). */
export interface Network {
  dial(options: DialOptions): Promise<ByteStream>;
  /** Accepts on an address, or on a bound socket that the process was given. */
  listen(
    where: { readonly address: string; readonly port: number } | { readonly handle: ListenHandle },
    accept: (stream: ByteStream) => void,
  ): Promise<Listening>;
  /** Opens a UDP socket on a random port of the family. */
  datagram(family: 4 | 6, receive: (bytes: Buffer, from: Endpoint) => void): Promise<DatagramSocket>;
  tlsContext(certificatePem: string, keyPem: string): TlsContext;
}
