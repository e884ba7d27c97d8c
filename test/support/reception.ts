/** A reception with everything around it in memory: time that stands still, streams of text, a queue that keeps what it commits. */
import type { EventName, Journal } from '../../src/events/journal.ts';
import { createPolicy, type EtrnOutcome } from '../../src/flow/policy/policy.ts';
import { createPreparation, type Rewrite } from '../../src/flow/preparation/preparation.ts';
import type { Draft, NewMessage, QueueCondition } from '../../src/flow/queue/port.ts';
import { localLeases } from '../../src/flow/reception/leases.ts';
import { createReception, type Reception, type ReceptionListener } from '../../src/flow/reception/reception.ts';
import type { Directory, LoginVerdict, Resolution } from '../../src/flow/recipients/port.ts';
import { applyEdits } from '../../src/mail/edits.ts';
import { type Mailbox, printMailbox } from '../../src/mail/mailbox.ts';
import type { TimelineEntry } from '../../src/mail/timeline.ts';
import type { PolicySettings } from '../../src/settings/policy.ts';
import type { ReceptionSettings } from '../../src/settings/reception.ts';
import type { Clock, Timer } from '../../src/world/ports/clock.ts';
import type {
  ByteSink,
  ByteStream,
  Endpoint,
  TlsContext,
  TlsFacts,
  TlsServerOptions,
} from '../../src/world/ports/network.ts';

/** A clock that moves when told to. */
export class StillClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; fn: () => void }>();

  now(): number {
    return this.#now;
  }

  wall(): number {
    return 1_795_366_213_000 + this.#now;
  }

  after(ms: number, fn: () => void): Timer {
    const timer = { at: this.#now + ms, fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  soon(fn: () => void): void {
    queueMicrotask(fn);
  }

  get timers(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      let first: { at: number; fn: () => void } | undefined;
      for (const timer of this.#timers)
        if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer;
      if (first === undefined) break;
      this.#timers.delete(first);
      this.#now = Math.max(this.#now, first.at);
      first.fn();
    }
    this.#now = until;
  }
}

/** A stream whose far end is the test. */
export class TextStream implements ByteStream {
  readonly local: Endpoint = { address: '192.0.2.25', port: 25 };
  readonly peer: Endpoint;
  readonly client: Endpoint;
  tls: TlsFacts | undefined;
  sent = '';
  ended = false;
  destroyed = false;
  paused = false;
  /** The peer does not read: nothing that is written leaves. */
  stuck = false;
  pendingBytes = 0;
  /** What a handshake does; default: succeeds. */
  handshake: () => Promise<TlsFacts> = () => Promise.resolve({ version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' });
  #sink: ByteSink | undefined;
  #unread: Buffer[] = [];

  constructor(address = '198.51.100.7') {
    this.peer = { address, port: 40_000 };
    this.client = this.peer;
  }

  start(sink: ByteSink): void {
    this.#sink = sink;
    for (const chunk of this.#unread.splice(0).reverse()) sink.data(chunk);
  }

  write(bytes: Buffer | string): boolean {
    this.sent += bytes.toString();
    if (!this.stuck) return true;
    this.pendingBytes += bytes.length;
    return false;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  unread(chunk: Buffer): void {
    this.#unread.push(chunk);
  }

  end(bytes?: Buffer | string): void {
    if (bytes !== undefined) this.write(bytes);
    this.ended = true;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#sink?.closed();
  }

  async startTlsServer(_options: TlsServerOptions, reply?: Buffer | string): Promise<TlsFacts> {
    if (reply !== undefined) this.write(reply);
    this.tls = await this.handshake();
    return this.tls;
  }

  startTlsClient(): Promise<TlsFacts> {
    return Promise.reject(new Error('a server'));
  }

  /** The peer sends. */
  feed(octets: string | Buffer): void {
    this.#sink?.data(Buffer.isBuffer(octets) ? octets : Buffer.from(octets, 'utf8'));
  }

  /** The peer sends its end. */
  halfClose(): void {
    this.#sink?.end();
  }

  /** The peer is gone. */
  vanish(): void {
    this.destroyed = true;
    this.#sink?.closed(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  /** The peer reads again. */
  drained(): void {
    this.stuck = false;
    this.pendingBytes = 0;
    this.#sink?.drain();
  }

  /** What came since the last call. */
  take(): string {
    const { sent } = this;
    this.sent = '';
    return sent;
  }
}

/** A message that the queue took. */
export interface TakenMessage {
  readonly id: string;
  readonly message: NewMessage;
  /** As it came. */
  readonly original: Buffer;
  /** With its edits. */
  readonly content: Buffer;
}

/** A queue of committed messages. */
export class KeepingQueue {
  state: QueueCondition = { accepting: true };
  readonly taken: TakenMessage[] = [];
  drafts = 0;
  discarded = 0;
  /** Called instead of committing at once. */
  onCommit: () => Promise<void> = () => Promise.resolve();
  /** Octets until a draft asks for a pause; the test calls `release`. */
  roomBytes = Infinity;
  release: ((error?: Error) => void) | undefined;

  condition(): QueueCondition {
    return this.state;
  }

  begin(): Draft {
    this.drafts += 1;
    const chunks: Buffer[] = [];
    let size = 0;
    const limit = (): number => this.roomBytes;
    const keep = (message: NewMessage, original: Buffer): string => {
      const id = `0-${(this.taken.length + 1).toString(32)}`;
      this.taken.push({ id, message, original, content: applyEdits(original, message.edits) });
      return id;
    };
    return {
      get sizeBytes() {
        return size;
      },
      inMemory: chunks,
      write(chunk) {
        chunks.push(chunk);
        size += chunk.length;
        return size <= limit();
      },
      drained: (fn) => {
        this.release = fn;
      },
      commit: async (message) => {
        await this.onCommit();
        return keep(message, Buffer.concat(chunks));
      },
      discard: () => {
        this.discarded += 1;
      },
    };
  }
}

/** What the directory of a test knows: addresses and what they mean. */
export type Addresses = Readonly<Record<string, readonly string[] | Exclude<Resolution, { kind: 'ours' }>>>;

const mailboxOf = (text: string): Mailbox => {
  const at = text.lastIndexOf('@');
  return { localPart: text.slice(0, at), domain: text.slice(at + 1) };
};

/** A directory from a table; the domain 'example.test' is ours, we relay for 'held.test'. */
export function tableDirectory(addresses: Addresses): Directory {
  return {
    isLocalDomain: (domain) => domain === 'example.test' || domain === 'hosted.test',
    isRelayDomain: (domain) => domain === 'held.test',
    async resolve(recipient) {
      const known = addresses[printMailbox(recipient).toLowerCase()];
      if (known === undefined) {
        const ours = ['', 'example.test', 'hosted.test', 'mail.example.test'].includes(recipient.domain);
        if (!ours) return { kind: 'remote' };
        if (recipient.localPart.toLowerCase() !== 'postmaster') return { kind: 'unknown' };
        return { kind: 'ours', how: 'postmaster', targets: [mailboxOf('alice@example.test')] };
      }
      return 'kind' in known
        ? known
        : { kind: 'ours', how: known.length === 1 ? 'mailbox' : 'alias', targets: known.map(mailboxOf) };
    },
    mailbox: () => Promise.resolve({ kind: 'missing' }),
    login: (user, password): Promise<LoginVerdict> =>
      Promise.resolve(
        password === 'secret' ? { kind: 'accepted', account: user, senders: [user] } : { kind: 'refused' },
      ),
    maySendAs: (account, sender) => printMailbox(sender) === account,
  };
}

/** Reception settings of a test. */
export const standardReception: ReceptionSettings = {
  messageSizeMax: 50 * 1024 ** 2,
  recipientsMax: 1000,
  messagesPerSessionMax: 10_000,
  connectionsMax: 5000,
  connectionsPerAddressMax: 200,
  errorsMax: 20,
  headerSizeMax: 256 * 1024,
  hopsMax: 50,
  bodyMemoryMax: 128 * 1024 ** 2,
  bareLineEndings: 'refuse',
  timeouts: { greeting: 300_000, command: 300_000, data: 300_000, session: 7_200_000 },
};

/** What a test may change of the scene. */
export interface SceneOptions {
  readonly addresses?: Addresses;
  readonly policy?: Partial<PolicySettings>;
  readonly reception?: Partial<ReceptionSettings>;
  readonly descriptors?: { used(): number; readonly limit: number };
  readonly certificate?: boolean;
  /** A real one, for streams that really encrypt. */
  readonly tlsContext?: TlsContext;
  readonly etrn?: (domain: string) => EtrnOutcome;
  readonly rewrite?: Rewrite;
  readonly serverName?: string;
  readonly resolver?: NonNullable<Parameters<typeof createPolicy>[0]['resolver']>;
}

/** Everything around a reception. */
export interface Scene {
  readonly reception: Reception;
  readonly clock: StillClock;
  readonly queue: KeepingQueue;
  readonly events: { readonly name: EventName; readonly data: Readonly<Record<string, unknown>> }[];
  readonly timeline: TimelineEntry[];
  /** Connects a client. */
  connect(listener?: Partial<ReceptionListener>, address?: string): TextStream;
}

const noPolicy: PolicySettings = {
  localNetworks: [],
  blockedNetworks: [],
  etrn: { hosts: [] },
  blockedSenders: [],
  refuseNullMxSenders: false,
  spf: { mode: 'off', receivedSpf: false, timeout: 5000 },
  dnsbl: [],
  uncheckedNetworks: [],
};

/** Builds a reception of the real parts, with the world around it in memory. */
export function scene(options: SceneOptions = {}): Scene {
  const clock = new StillClock();
  const queue = new KeepingQueue();
  const events: Scene['events'] = [];
  const journal: Journal = { emit: (name, data) => void events.push({ name, data }) };
  const timeline: TimelineEntry[] = [];
  const settings = { ...standardReception, ...options.reception };
  const directory = tableDirectory(options.addresses ?? { 'alice@example.test': ['alice@example.test'] });
  const serverName = options.serverName ?? 'mail.example.test';
  const router = {
    nextHop: ({ domain }: Mailbox) => (directory.isLocalDomain(domain) ? 'local' : `mx:${domain}`),
  };
  const etrn = options.etrn;
  const reception = createReception({
    clock,
    random: { bytes: (count) => Buffer.alloc(count, 7) },
    settings,
    policy: createPolicy({
      settings: { ...noPolicy, ...options.policy },
      directory,
      journal,
      clock,
      ...(options.resolver === undefined ? {} : { resolver: options.resolver }),
      ...(etrn === undefined ? {} : { etrn }),
    }),
    preparation: createPreparation({
      serverName,
      reception: settings,
      expiryMs: { urgent: 1, normal: 2, bulk: 3 },
      router,
      clock,
      receivedSpf: options.policy?.spf?.receivedSpf === true,
      ...(options.rewrite === undefined ? {} : { rewrite: options.rewrite }),
    }),
    queue,
    journal,
    timeline: { add: (entry) => void timeline.push(entry) },
    serverName,
    tls: () =>
      options.certificate === false
        ? undefined
        : { context: options.tlsContext ?? ({ tlsContext: true } as TlsContext), timeoutMs: 30_000 },
    leases: localLeases({ connections: settings.connectionsMax, perAddress: settings.connectionsPerAddressMax }),
    descriptors: options.descriptors ?? { used: () => 20, limit: 4096 },
  });
  return {
    reception,
    clock,
    queue,
    events,
    timeline,
    connect(listener = {}, address) {
      const stream = new TextStream(address);
      reception.accept(stream, { name: 'test', profile: 'mx', tls: 'starttls', greetingDelay: false, ...listener });
      return stream;
    },
  };
}

/** Lets everything that waits for promises go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/** Sends one message and returns the last reply. */
export async function deliver(
  stream: TextStream,
  content: string | Buffer,
  {
    from = 'sender@remote.test',
    to = ['alice@example.test'],
    greet = true,
  }: { from?: string; to?: readonly string[]; greet?: boolean } = {},
): Promise<string> {
  if (greet) stream.feed('EHLO client.remote.test\r\n');
  stream.feed(`MAIL FROM:<${from}>\r\n${to.map((one) => `RCPT TO:<${one}>\r\n`).join('')}DATA\r\n`);
  await settled();
  stream.take();
  const octets = Buffer.isBuffer(content) ? content : Buffer.from(content, 'utf8');
  stream.feed(Buffer.concat([stuffed(octets), Buffer.from('.\r\n')]));
  await settled();
  return stream.take();
}

/** Dot-stuffing of RFC 5321 §4.5.2; content without a last line end gets one. */
export function stuffed(content: Buffer): Buffer {
  const text = content.toString('latin1').replace(/(^|\r\n)\./g, '$1..');
  return Buffer.from(text.endsWith('\r\n') || text === '' ? text : `${text}\r\n`, 'latin1');
}
