/**
 * One session: joins the machine to its stream. Octets and answers go in, effects come out and are carried out in order.
 * Every way in is guarded: what goes wrong here ends this session with 421 and an event, and no other.
 */
import type { Answer, Effect, Question, ServerMachine } from '../../protocol/smtp/server/port.ts';
import { writeReply } from '../../protocol/smtp/grammar/reply.ts';
import { replies } from '../../protocol/smtp/replies.ts';
import type { ByteSink, ByteStream } from '../../world/ports/network.ts';
import type { SessionOrigin } from '../preparation/preparation.ts';
import type { Examination } from '../policy/sender-checks.ts';
import { answerQuestion } from './answers.ts';
import type { SessionClient } from './client.ts';
import { startTls } from './handshake.ts';
import { bufferedBytesMax, contentRateMin, greetingDelayMs, lingerMs, pendingBytesMax } from './limits.ts';
import type { Turned } from './reception.ts';
import type { Room } from './room.ts';
import { Deadline } from './timer-wheel.ts';
import { Transaction } from './transaction.ts';
import type { TransactionOwner } from './transaction.ts';

/** Why reading is stopped; several reasons may hold. */
const PAUSED_BY_DRAFT = 1;
const PAUSED_BY_READER = 2;
const PAUSED_BY_BUFFER = 4;

/** What a session is made of. */
export interface SessionParts {
  readonly id: string;
  readonly room: Room;
  readonly stream: ByteStream;
  readonly machine: ServerMachine;
  readonly profile: 'mx' | 'submission' | 'lmtp';
  readonly listener: string;
  /** The name that it was greeted with, where it is not that of the server. */
  readonly hostName?: string | undefined;
  /** We made the connection ourselves. */
  readonly turned?: Turned;
  readonly client: SessionClient;
  readonly begin: 'banner' | 'greeting-delay' | 'tls';
  /** The client's TLS with the proxy is as good as ours. */
  readonly encrypted?: boolean;
  /** The session is over, whatever ended it; called once. */
  readonly ended: (session: Session) => void;
}

export class Session implements ByteSink, TransactionOwner {
  readonly sessionId: string;
  readonly room: Room;
  readonly profile: 'mx' | 'submission' | 'lmtp';
  readonly client: SessionClient;
  account: string | undefined;
  loginFailures = 0;
  transaction: Transaction | undefined;
  readonly #parts: SessionParts;
  readonly #stream: ByteStream;
  readonly #machine: ServerMachine;
  readonly #deadline: Deadline;
  readonly #startedMs: number;
  #stage: 'before-banner' | 'open' | 'closing' | 'over' = 'before-banner';
  #paused = 0;
  #peerEnded = false;
  #transactions = 0;
  /** While content comes: when it began and how much has come, for the lowest rate. */
  #contentSinceMs = 0;
  #contentBytes = 0;
  #pausedSinceMs = 0;
  #waiting = '';

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.sessionId = parts.id;
    this.room = parts.room;
    this.profile = parts.profile;
    this.#stream = parts.stream;
    this.#machine = parts.machine;
    this.client = parts.client;
    this.#startedMs = this.room.clock.now();
    this.#deadline = new Deadline(() => this.#expired());
  }

  get clientAddress(): string {
    return this.client.address;
  }

  get stranger(): boolean {
    return this.client.stranger;
  }

  get intermediary(): boolean {
    return this.client.intermediary;
  }

  /** The only domains that mail is taken for; undefined where policy alone decides. */
  get onlyDomains(): ReadonlySet<string> | undefined {
    return this.#parts.turned?.domains;
  }

  get localAddress(): string {
    return this.client.localAddress;
  }

  get greetingName(): string {
    return this.#machine.facts.greetingName;
  }

  get examination(): Examination | undefined {
    return this.transaction?.examination;
  }

  /** Whether mail data is coming in or being stored. */
  get busy(): boolean {
    return this.#stage === 'open' && this.transaction !== undefined;
  }

  /** Begins: handshake, pause before the banner, or the banner. */
  open(): void {
    switch (this.#parts.begin) {
      case 'banner':
        this.#stream.start(this);
        this.#welcome(this.#parts.encrypted === true);
        return;
      case 'greeting-delay':
        this.room.wheel.set(this.#deadline, this.#startedMs + greetingDelayMs);
        this.#stream.start(this);
        return;
      case 'tls':
        this.#handshake(undefined, () => {
          this.#stream.start(this);
          this.#welcome(true);
        });
    }
  }

  /** The service is stopping: ends at the next safe point. */
  shutDown(): void {
    if (this.#stage === 'before-banner') this.destroy('stopped');
    else if (this.#stage === 'open') this.#guarded(() => this.#machine.shutDown());
  }

  /** Ends it now. */
  destroy(why: string): void {
    if (this.#stage === 'over') return;
    this.#over(why);
    this.#stream.destroy();
  }

  origin(): SessionOrigin {
    const { greetingName, extended, forwarded } = this.#machine.facts;
    const { profile, account } = this;
    const { address: clientAddress, name: clientName, stranger } = this.client;
    const { tls, tlsToProxy } = this.#stream;
    const way = { stranger, tls, tlsToProxy, hostName: this.#parts.hostName };
    return { profile, clientAddress, clientName, greetingName, extended, account, forwarded, ...way };
  }

  data(chunk: Buffer): void {
    if (this.#stage === 'open') {
      this.#contentBytes += chunk.length;
      if (this.#waiting === 'greeting') this.room.proxyHeaders.begins(chunk, this.clientAddress, this.#parts.listener);
      this.#guarded(() => this.#machine.receive(chunk));
    } else if (this.#stage === 'before-banner') {
      this.#say(writeReply(replies.talkedFirst));
      this.#close();
    }
  }

  /** The peer will send no more, but still reads: what it asked for is answered before we close too. */
  end(): void {
    this.#peerEnded = true;
    if (this.#stage === 'before-banner') this.destroy('the client left');
    else if (this.#stage === 'open' && this.#machine.waiting !== 'answer') this.#close();
  }

  drain(): void {
    this.#resume(PAUSED_BY_READER);
  }

  closed(error?: Error): void {
    this.#over(error === undefined ? 'the client left' : error.message);
  }

  contentMayGoOn(): void {
    this.#resume(PAUSED_BY_DRAFT);
  }

  #welcome(tls: boolean): void {
    this.#stage = 'open';
    this.#guarded(() => this.#machine.open(tls));
  }

  #guarded(step: () => readonly Effect[]): void {
    try {
      this.#run(step());
    } catch (error) {
      this.#broken(error);
    }
  }

  /** Carries effects out; answers that come at once are given in the same turn, without recursion. */
  #run(effects: readonly Effect[]): void {
    let next: readonly Effect[] | undefined = effects;
    let active = effects.length > 0;
    while (next !== undefined) {
      let following: readonly Effect[] | undefined;
      for (const effect of next) {
        if (effect.kind === 'ask') following = this.#ask(effect.question);
        else this.#carryOut(effect);
      }
      active ||= next.length > 0;
      next = following;
    }
    this.#settle(active);
  }

  #carryOut(effect: Exclude<Effect, { kind: 'ask' }>): void {
    switch (effect.kind) {
      case 'send':
        this.#say(effect.octets);
        return;
      case 'content':
        if (this.transaction?.content(effect.chunk) === false) this.#pause(PAUSED_BY_DRAFT);
        return;
      case 'abandon':
        this.transaction?.discard();
        this.transaction = undefined;
        return;
      case 'start-tls':
        this.#handshake(effect.octets, () => {
          this.account = undefined;
          this.#guarded(() => this.#machine.tlsStarted());
        });
        return;
      case 'refused':
        this.room.proxyHeaders.refused(effect.line, this.clientAddress, this.#parts.listener);
        this.room.journal.emit('reception.command-refused', {
          session: this.sessionId,
          client: this.clientAddress,
          line: effect.line,
          reply: effect.reply,
        });
        return;
      case 'close':
        this.#close(effect.afterQuit);
    }
  }

  /** Asks the rooms. The effects that follow, where the answer is known at once. */
  #ask(question: Question): readonly Effect[] | undefined {
    const answer = answerQuestion(this, question);
    if (!(answer instanceof Promise)) return this.#machine.answer(answer);
    answer.then(
      (late) => this.#answered(late),
      (error: unknown) => this.#broken(error),
    );
    return undefined;
  }

  #answered(answer: Answer): void {
    if (this.#stage !== 'open') return;
    this.#guarded(() => this.#machine.answer(answer));
    if (this.#peerEnded && this.#machine.waiting !== 'answer') this.#close();
  }

  /** MAIL was accepted. */
  beginTransaction(envelope: Transaction['envelope']): void {
    this.#transactions += 1;
    const id = `${this.sessionId}.${this.#transactions}`;
    this.transaction = new Transaction(this.room, this, id, envelope, this.room.policy.examine(this, envelope));
  }

  #say(octets: string): void {
    if (!this.#stream.write(octets) && this.#stream.pendingBytes > pendingBytesMax) this.#pause(PAUSED_BY_READER);
  }

  #pause(why: number): void {
    if (this.#paused === 0) {
      this.#pausedSinceMs = this.room.clock.now();
      this.#stream.pause();
    }
    this.#paused |= why;
  }

  #resume(why: number): void {
    if ((this.#paused & why) === 0) return;
    this.#paused &= ~why;
    if (this.#paused !== 0 || this.#stage === 'over') return;
    // Time that we were not reading is not held against the sender.
    this.#contentSinceMs += this.room.clock.now() - this.#pausedSinceMs;
    if (this.#stage === 'open') this.#watch();
    this.#stream.resume();
  }

  /** After each step: how long to wait for the next, and whether to read on meanwhile. */
  #settle(active: boolean): void {
    if (this.#stage !== 'open') return;
    if (this.#machine.bufferedBytes > bufferedBytesMax) this.#pause(PAUSED_BY_BUFFER);
    else if (this.#paused !== 0) this.#resume(PAUSED_BY_BUFFER);
    const { waiting } = this.#machine;
    if (waiting !== this.#waiting) {
      this.#waiting = waiting;
      if (waiting === 'data') {
        this.#contentSinceMs = this.room.clock.now();
        this.#contentBytes = 0;
      }
    } else if (!active && waiting !== 'data') return; // octets that complete no command buy no time
    this.#watch();
  }

  #watch(): void {
    const { timeouts } = this.room.settings;
    const now = this.room.clock.now();
    switch (this.#machine.waiting) {
      case 'greeting':
      case 'command': {
        const wait = this.#machine.waiting === 'greeting' ? timeouts.greeting : timeouts.command;
        this.room.wheel.set(this.#deadline, Math.min(now + wait, this.#startedMs + timeouts.session));
        return;
      }
      case 'data': {
        const slowest = this.#contentSinceMs + timeouts.data + (this.#contentBytes * 1000) / contentRateMin;
        this.room.wheel.set(this.#deadline, Math.min(now + timeouts.data, slowest));
        return;
      }
      case 'answer':
      case 'tls':
      case 'closed':
        this.room.wheel.set(this.#deadline, Infinity);
    }
  }

  #expired(): void {
    switch (this.#stage) {
      case 'before-banner':
        this.#welcome(this.#parts.encrypted === true);
        return;
      case 'open':
        if ((this.#paused & PAUSED_BY_DRAFT) !== 0) this.#watch();
        else this.#guarded(() => this.#machine.timedOut());
        return;
      case 'closing':
        this.destroy('closed');
        return;
      case 'over':
    }
  }

  #handshake(octets: string | undefined, done: () => void): void {
    const parts = { room: this.room, stream: this.#stream, client: this.clientAddress, listener: this.#parts.listener };
    void startTls(parts, octets).then((why) => {
      if (why !== undefined) this.destroy(why);
      else if (this.#stage === 'before-banner' || this.#stage === 'open') done();
    });
  }

  /** Sends what is queued and our end; a peer that does not close in time is cut. */
  #close(afterQuit = false): void {
    if (this.#stage === 'closing' || this.#stage === 'over') return;
    this.#stage = 'closing';
    this.transaction?.discard();
    this.transaction = undefined;
    if (afterQuit) this.#stream.end(undefined, 'both-ways');
    else this.#stream.end();
    this.room.wheel.set(this.#deadline, this.room.clock.now() + lingerMs);
    // Octets still coming are read and dropped, or closing would reset the connection and lose the last reply.
    if (this.#paused !== 0) this.#stream.resume();
    this.#paused = 0;
  }

  #broken(error: unknown): void {
    if (this.#stage === 'over') return;
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.room.journal.emit('reception.session-broken', { session: this.sessionId, client: this.clientAddress, why });
    if (this.#stage === 'open') this.#stream.write(writeReply(replies.internalFault));
    this.#close();
  }

  #over(why: string): void {
    if (this.#stage === 'over') return;
    this.#stage = 'over';
    this.room.wheel.forget(this.#deadline);
    this.transaction?.discard();
    this.transaction = undefined;
    const { messages, errors } = this.#machine.facts;
    this.room.journal.emit('reception.session-ended', {
      session: this.sessionId,
      client: this.clientAddress,
      listener: this.#parts.listener,
      duration: Math.round(this.room.clock.now() - this.#startedMs),
      messages,
      errors,
      why,
    });
    this.#parts.ended(this);
    this.#parts.turned?.over({ messages, why });
  }
}
