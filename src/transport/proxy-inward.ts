/** PROXY headers of incoming connections: believed from trusted proxies, demanded of them, and refused from everybody else. */
import { cidrSets } from '../base/cidr.ts';
import type { EventName, Journal } from '../events/journal.ts';
import type { ProxiedConnection, ProxiedFacts } from '../protocol/proxy/header.ts';
import { HeaderReader, looksLikeHeader } from '../protocol/proxy/header-reader.ts';
import { writeReply } from '../protocol/smtp/grammar/reply.ts';
import type { Clock } from '../world/ports/clock.ts';
import type { ByteSink, ByteStream, Endpoint, TlsFacts, TlsServerOptions } from '../world/ports/network.ts';
import { LayeredStream, StreamUpon } from './layered-stream.ts';
import { HEADER_PEERS_MAX, HEADER_SILENCE_MS, HEADERS_AWAITED_MAX, REFUSED_LINGER_MS } from './limits.ts';

/** What a listener says about PROXY headers. */
export interface ProxyProtocolTerms {
  /** Networks of the proxies. */
  readonly trusted: readonly string[];
  /** Milliseconds until the header must be there. */
  readonly timeout: number;
}

/** What this needs. */
export interface ProxyInwardParts {
  readonly clock: Clock;
  readonly journal: Journal;
}

/** Takes connections of listeners behind proxies. */
export interface ProxyInward {
  /** The connection as its client's, once its header is read; undefined where it was closed instead. Never rejects. */
  take(stream: ByteStream, listener: string, terms: ProxyProtocolTerms): Promise<ByteStream | undefined>;
}

/** Makes it; one per worker. */
export function createProxyInward(parts: ProxyInwardParts): ProxyInward {
  const { clock, journal } = parts;
  const setOf = cidrSets();
  const told = new Map<string, number>();
  let awaited = 0;

  /** Whether to tell of it, so that a proxy's health checks do not fill the log. */
  const isNews = (event: EventName, listener: string, peer: string): boolean => {
    const key = `${event} ${listener} ${peer}`;
    const now = clock.now();
    const last = told.get(key);
    if (last !== undefined && now - last < HEADER_SILENCE_MS) return false;
    told.delete(key);
    const oldest = told.size >= HEADER_PEERS_MAX ? told.keys().next() : undefined;
    if (oldest?.done === false) told.delete(oldest.value);
    told.set(key, now);
    return true;
  };

  const refuse = (stream: ByteStream, listener: string, why: string): undefined => {
    stream.destroy();
    const peer = stream.peer.address;
    if (isNews('transport.proxy-header-refused', listener, peer))
      journal.emit('transport.proxy-header-refused', { peer, listener, why });
    return undefined;
  };

  const take: ProxyInward['take'] = async (stream, listener, terms) => {
    if (!setOf(terms.trusted).has(stream.peer.address)) {
      return new StrangersStream(stream, clock, () => {
        const peer = stream.peer.address;
        if (isNews('transport.proxy-header-untrusted', listener, peer))
          journal.emit('transport.proxy-header-untrusted', { peer, listener });
      });
    }
    if (awaited >= HEADERS_AWAITED_MAX)
      return refuse(stream, listener, `${awaited} connections already wait for their headers`);
    awaited += 1;
    try {
      const read = await readHeader(stream, clock, terms.timeout);
      switch (read.kind) {
        case 'refused':
          return refuse(stream, listener, read.why);
        case 'gone':
          stream.destroy();
          return undefined;
        case 'read':
          return read.stream;
      }
    } finally {
      awaited -= 1;
    }
  };
  return { take };
}

type HeaderRead =
  | { readonly kind: 'read'; readonly stream: ByteStream }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'gone' };

function readHeader(stream: ByteStream, clock: Clock, timeoutMs: number): Promise<HeaderRead> {
  return new Promise((resolve) => {
    const reader = new HeaderReader();
    const settle = (read: HeaderRead): void => {
      deadline.cancel();
      resolve(read);
    };
    const deadline = clock.after(timeoutMs, () =>
      settle({ kind: 'refused', why: `no whole PROXY header came within ${timeoutMs} ms` }),
    );
    // A proxy looks whether we are there by connecting and leaving.
    const left = (): void =>
      settle(reader.begun ? { kind: 'refused', why: 'it ended within its PROXY header' } : { kind: 'gone' });
    stream.start({
      data(chunk) {
        const reading = reader.receive(chunk);
        if (reading.kind === 'more') return;
        if (reading.kind === 'refused') return settle(reading);
        const client = clientOf(reading.header.connection, stream);
        if (client === undefined) return settle({ kind: 'refused', why: 'its PROXY header speaks of a UDP client' });
        const { connection, facts } = reading.header;
        const local = connection.kind === 'tcp' ? connection.destination : undefined;
        const told = { client, local, tlsToProxy: tlsOf(facts) };
        settle({ kind: 'read', stream: new LayeredStream(stream, reading.rest, told) });
      },
      end: left,
      drain() {},
      closed: left,
    });
  });
}

/** Without an IP address: no network holds this client, and no limit per address counts it. */
const NOBODY: Endpoint = { address: '', port: 0 };

/**
 * The client by the header. One whose address the proxy does not tell must not be taken for the proxy, which may be trusted with
 * more than PROXY headers.
 */
function clientOf(connection: ProxiedConnection, stream: ByteStream): Endpoint | undefined {
  switch (connection.kind) {
    case 'tcp':
      return connection.source;
    case 'local':
      return stream.peer;
    case 'unix':
    case 'unknown':
      return NOBODY;
    case 'udp':
      return undefined;
  }
}

/** The client's TLS with the proxy: of a certificate counts only what the proxy has verified. */
function tlsOf({ tls, authority }: ProxiedFacts): TlsFacts | undefined {
  if (tls === undefined) return undefined;
  const { version = 'TLS', cipher = '', verified, commonName } = tls;
  return {
    version,
    cipher,
    ...(authority === undefined ? {} : { serverName: authority }),
    ...(verified && commonName !== undefined ? { clientName: commonName } : {}),
  };
}

const REFUSAL = writeReply({ code: 554, detail: '7.1', text: ['a PROXY header is not taken from this address'] });

/** A connection of somebody who is not a trusted proxy: one that begins with a PROXY header all the same is refused. */
class StrangersStream extends StreamUpon {
  readonly #clock: Clock;
  readonly #refused: () => void;
  /** The first octets were looked at before TLS. */
  #looked = false;

  constructor(below: ByteStream, clock: Clock, refused: () => void) {
    super(below);
    this.#clock = clock;
    this.#refused = refused;
  }

  override start(sink: ByteSink): void {
    let held: Buffer | undefined = Buffer.alloc(0);
    let refused = false;
    const pass = (): void => {
      const octets = held;
      held = undefined;
      if (octets !== undefined && octets.length > 0) sink.data(octets);
    };
    if (this.#looked) return super.start(sink);
    super.start({
      data: (chunk) => {
        if (refused) return;
        if (held === undefined) return sink.data(chunk);
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
        const looks = looksLikeHeader(held);
        if (looks === 'no') return pass();
        if (looks === 'maybe') return;
        refused = true;
        this.#refuse(REFUSAL);
        sink.closed();
      },
      end: () => {
        if (refused) return;
        pass();
        sink.end();
      },
      drain: () => {
        if (!refused) sink.drain();
      },
      closed: (error) => {
        if (!refused) sink.closed(error);
      },
    });
  }

  override async startTlsServer(options: TlsServerOptions, reply?: Buffer | string): Promise<TlsFacts> {
    // With a reply there was a conversation already.
    if (reply === undefined) await this.#lookBeforeTls(options.timeoutMs);
    return super.startTlsServer(options, reply);
  }

  #lookBeforeTls(timeoutMs: number): Promise<void> {
    this.#looked = true;
    return new Promise((resolve, reject) => {
      let held = Buffer.alloc(0);
      const fail = (why: string): void => {
        deadline.cancel();
        reject(new Error(why));
      };
      const deadline = this.#clock.after(timeoutMs, () => fail('nothing came to begin TLS with'));
      const left = (): void => fail('the connection ended before TLS');
      this.below.start({
        data: (chunk) => {
          held = Buffer.concat([held, chunk]);
          const looks = looksLikeHeader(held);
          if (looks === 'maybe') return;
          if (looks === 'yes') {
            this.#refuse();
            return fail('it began with a PROXY header');
          }
          deadline.cancel();
          this.hold(held);
          resolve();
        },
        end: left,
        drain() {},
        closed: left,
      });
    });
  }

  #refuse(reply?: string): void {
    this.#refused();
    if (reply === undefined) return this.below.destroy();
    this.below.end(reply);
    this.#clock.after(REFUSED_LINGER_MS, () => this.below.destroy());
  }
}
