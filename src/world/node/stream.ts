import * as net from 'node:net';
import * as tls from 'node:tls';
import type {
  ByteSink,
  ByteStream,
  Endpoint,
  TlsClientOptions,
  TlsContext,
  TlsFacts,
  TlsServerOptions,
} from '../ports/network.ts';
import { countLargeBuffer } from './large-buffers.ts';

/** IPv4 mapped into IPv6 becomes IPv4, so that no access list sees two spellings of one address. */
export function canonicalAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** The secure context inside the opaque value. */
export function secureContextOf(context: TlsContext): tls.SecureContext {
  return context as unknown as tls.SecureContext; // made by `nodeNetwork.tlsContext` and nowhere else
}

/** Connections that this process has open. */
export const openStreams = { count: 0 };

function timeoutError(what: string): Error {
  return Object.assign(new Error(`${what} timed out`), { code: 'ETIMEDOUT' });
}

/** What a stream that shares a connection with others knows that a socket would know itself. */
export interface SharedEnds {
  readonly local: Endpoint;
  readonly peer: Endpoint;
  readonly client: Endpoint;
  /** Whether the shared connection has all that it should hold; `drained` is then called when it has room again. */
  full(drained: () => void): boolean;
  /** Called once, when nobody uses the stream any more. */
  over(): void;
}

/** A connection of the machine as a `ByteStream`; after STARTTLS the TLS socket takes the plain one's place. */
export class NodeStream implements ByteStream {
  readonly peer: Endpoint;
  readonly client: Endpoint;
  readonly #path: string;
  readonly #shared: SharedEnds | undefined;
  #local: Endpoint | undefined;
  #socket: net.Socket;
  #sink: ByteSink | undefined;
  #facts: TlsFacts | undefined;
  #error: Error | undefined;
  #closed = false;
  #attached = false;
  #upgrading = false;

  constructor(socket: net.Socket, path = '', shared?: SharedEnds) {
    this.#socket = socket;
    this.#path = path;
    this.#shared = shared;
    this.#local = shared?.local;
    this.peer = shared?.peer ?? {
      address: path === '' ? canonicalAddress(socket.remoteAddress) : path,
      port: socket.remotePort ?? 0,
    };
    this.client = shared?.client ?? this.peer;
    // What shares a connection has no descriptor of its own.
    if (shared === undefined) openStreams.count += 1;
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Asked of the system when it is needed, which most connections never do. */
  get local(): Endpoint {
    const { localAddress, localPort } = this.#socket;
    this.#local ??= { address: this.#path === '' ? canonicalAddress(localAddress) : this.#path, port: localPort ?? 0 };
    return this.#local;
  }

  get tls(): TlsFacts | undefined {
    return this.#facts;
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  start(sink: ByteSink): void {
    this.#sink = sink;
    if (this.#closed) {
      setImmediate(() => sink.closed(this.#error));
      return;
    }
    if (!this.#attached) this.#attach();
    this.#socket.resume();
  }

  write(bytes: Buffer | string): boolean {
    if (this.#closed || this.#socket.writableEnded || this.#socket.destroyed) return true;
    const room = this.#socket.write(bytes);
    return this.#shared === undefined ? room : !this.#shared.full(this.#onDrain) && room;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  unread(chunk: Buffer): void {
    if (!this.#closed && chunk.length > 0) this.#socket.unshift(chunk);
  }

  end(bytes?: Buffer | string, how?: 'both-ways'): void {
    if (this.#closed) return;
    if (how === 'both-ways' && this.#facts === undefined) {
      if (bytes !== undefined) this.#socket.write(bytes);
      if (this.#socket.writableLength === 0) this.#socket.destroy();
      else this.#socket.end();
    } else if (bytes === undefined) this.#socket.end();
    else this.#socket.end(bytes);
  }

  destroy(): void {
    this.#socket.destroy();
    // The other end of a shared connection may never confirm it.
    if (this.#shared !== undefined) setImmediate(this.#onClose);
  }

  /** What carried this stream is gone. */
  cut(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
    setImmediate(this.#onClose);
  }

  startTlsServer(options: TlsServerOptions, reply?: Buffer | string): Promise<TlsFacts> {
    const begin = (): Promise<TlsFacts> =>
      this.#upgrade(
        (plain) =>
          new tls.TLSSocket(plain, {
            isServer: true,
            secureContext: secureContextOf(options.context),
            requestCert: false,
          }),
        'secure',
        options.timeoutMs,
      );
    this.#detach();
    // What was pipelined in the clear must not be taken for the peer's words after TLS (RFC 3207 §4.2).
    this.#socket.pause();
    while (reply !== undefined && this.#socket.read() !== null);
    if (reply === undefined) return begin();
    return new Promise((resolve, reject) => {
      this.#socket.write(reply, (error) => {
        if (error) reject(error);
        else begin().then(resolve, reject);
      });
    });
  }

  startTlsClient(options: TlsClientOptions): Promise<TlsFacts> {
    this.#detach();
    this.#socket.pause();
    return this.#upgrade(
      (plain) =>
        tls.connect({
          socket: plain,
          rejectUnauthorized: false,
          minVersion: 'TLSv1.2',
          ...(net.isIP(options.serverName) === 0 ? { servername: options.serverName } : { host: options.serverName }),
        }),
      'secureConnect',
      options.timeoutMs,
      options.showCertificate,
    );
  }

  #upgrade(
    wrap: (plain: net.Socket) => tls.TLSSocket,
    event: 'secure' | 'secureConnect',
    timeoutMs: number,
    showCertificate = false,
  ): Promise<TlsFacts> {
    const plain = this.#socket;
    plain.removeListener('error', this.#onError);
    plain.removeListener('close', this.#onClose);
    this.#upgrading = true;
    const secure = wrap(plain);
    this.#socket = secure;
    return new Promise((resolve, reject) => {
      let settled = false;
      const fail = (error: Error): void => {
        if (settled) return;
        settled = true;
        clearTimeout(limit);
        this.#upgrading = false;
        this.#error = error;
        secure.destroy();
        plain.destroy();
        this.#onClose();
        reject(error);
      };
      // A silent TLS client is never timed out by Node itself.
      const limit = setTimeout(() => fail(timeoutError('TLS handshake')), timeoutMs);
      secure.on('error', fail);
      secure.on('close', () =>
        fail(Object.assign(new Error('connection closed during the TLS handshake'), { code: 'ECONNRESET' })),
      );
      secure.once(event, () => {
        if (settled) return;
        settled = true;
        clearTimeout(limit);
        this.#upgrading = false;
        secure.removeAllListeners('error');
        secure.removeAllListeners('close');
        secure.on('error', this.#onError);
        secure.on('close', this.#onClose);
        const shown = showCertificate ? secure.getPeerX509Certificate()?.raw : undefined;
        const facts = {
          ...factsOf(secure, event === 'secureConnect'),
          ...(shown === undefined ? {} : { certificate: shown }),
        };
        this.#facts = facts;
        if (this.#sink !== undefined) {
          this.#attach();
          secure.resume();
        }
        resolve(facts);
      });
    });
  }

  #attach(): void {
    this.#attached = true;
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    this.#socket.on('drain', this.#onDrain);
  }

  #detach(): void {
    this.#attached = false;
    this.#socket.removeListener('data', this.#onData);
    this.#socket.removeListener('end', this.#onEnd);
    this.#socket.removeListener('drain', this.#onDrain);
  }

  readonly #onData = (chunk: Buffer): void => {
    // What a shared connection brings was deciphered into memory that the engine counts itself.
    if (this.#shared === undefined) countLargeBuffer(chunk.length);
    if (!this.#closed) this.#sink?.data(chunk);
  };
  readonly #onEnd = (): void => {
    if (!this.#closed) this.#sink?.end();
  };
  readonly #onDrain = (): void => {
    if (!this.#closed) this.#sink?.drain();
  };
  readonly #onError = (error: Error): void => {
    this.#error ??= error;
  };
  readonly #onClose = (): void => {
    if (this.#closed || this.#upgrading) return;
    this.#closed = true;
    if (this.#shared === undefined) openStreams.count -= 1;
    else this.#shared.over();
    this.#sink?.closed(this.#error);
  };
}

function factsOf(socket: tls.TLSSocket, asClient: boolean): TlsFacts {
  const serverName = (socket as { servername?: string | false }).servername;
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.standardName ?? 'unknown',
    ...(typeof serverName === 'string' && serverName !== '' ? { serverName } : {}),
    ...(asClient ? { verified: socket.authorized } : {}),
    ...(asClient && !socket.authorized ? { failure: whyUnverified(socket) } : {}),
  };
}

/** Why a certificate is not accepted: the code that can be searched for, and what the certificate says about it. */
function whyUnverified(socket: tls.TLSSocket): string {
  const code = String(socket.authorizationError ?? 'certificate not valid');
  const { subjectaltname, subject, issuer, valid_to } = socket.getPeerCertificate();
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `${code}, it is for ${subjectaltname ?? `CN=${String(subject?.CN)}`}`;
    case 'CERT_HAS_EXPIRED':
      return `${code}, it ended on ${valid_to}`;
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `${code}, this host does not know its issuer ${String(issuer?.CN ?? issuer?.O)}`;
    default:
      return code;
  }
}
