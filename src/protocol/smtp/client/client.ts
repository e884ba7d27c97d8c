import { assert } from '../../../base/assert.ts';
import { printReply, type Reply } from '../../../mail/reply.ts';
import { chooseAuth, type ClientAuth } from './auth.ts';
import { noExtensions, parseExtensions, type PeerExtensions } from './extensions.ts';
import { AUTH_CHALLENGES_MAX, TRANSACTION_RECIPIENTS_MAX } from './limits.ts';
import type {
  ClientEffect,
  ClientOptions,
  ClientPhase,
  MailTransaction,
  RefusedCommand,
  SessionFailure,
} from './port.ts';
import { ReplyReader } from './reply-reader.ts';
import { Transaction } from './transaction.ts';

const COMMANDS: Readonly<Partial<Record<ClientPhase, RefusedCommand>>> = {
  greeting: 'greeting',
  hello: 'EHLO',
  starttls: 'STARTTLS',
  auth: 'AUTH',
};

/** A client session of SMTP (RFC 5321) or LMTP (RFC 2033). Each input returns the effects to carry out. */
export class SmtpClient {
  /** What the server offers; known from the effect 'ready' on. */
  peer: PeerExtensions = noExtensions;
  /** The name by which the server greeted, '' before. */
  peerName = '';
  readonly #options: ClientOptions;
  readonly #reader = new ReplyReader();
  readonly #push = (effect: ClientEffect): void => void this.#effects.push(effect);
  #effects: ClientEffect[] = [];
  #phase: ClientPhase = 'greeting';
  #helo: boolean;
  #encrypted: boolean;
  #auth: ClientAuth | undefined;
  #challenges = 0;
  #transaction: Transaction | undefined;
  #reset = false;
  /** Complete replies so far: octets that complete none buy the server no time. */
  replies = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#helo = options.helo && options.protocol === 'smtp';
    this.#encrypted = options.tls === 'established';
  }

  /** What it waits for. */
  get phase(): ClientPhase {
    return this.#transaction?.phase ?? this.#phase;
  }

  /** Whether content is being sent and still wanted. */
  get sendingContent(): boolean {
    return this.#transaction?.sendingContent ?? false;
  }

  /** Octets from the server. */
  receive(chunk: Buffer): readonly ClientEffect[] {
    if (this.#phase === 'over' || this.#phase === 'tls') return [];
    const quote = this.#reader.read(chunk, (reply) => this.#reply(reply));
    if (quote !== undefined) this.#fail({ kind: 'invalid', phase: this.phase, quote });
    return this.#take();
  }

  /** The connection ended. */
  closed(): readonly ClientEffect[] {
    if (this.#phase === 'quit') this.#close();
    else this.#fail({ kind: 'closed', phase: this.phase });
    return this.#take();
  }

  /** The time for the present phase is over. */
  timedOut(): readonly ClientEffect[] {
    if (this.#phase === 'quit') this.#close();
    else this.#fail({ kind: 'timed-out', phase: this.phase });
    return this.#take();
  }

  /** The driver cannot go on, for example because the content cannot be read. */
  abandon(): readonly ClientEffect[] {
    this.#fail({ kind: 'abandoned', phase: this.phase });
    return this.#take();
  }

  /** TLS is there after 'start-tls'. What the server said before no longer counts (RFC 3207 §4.2). */
  tlsStarted(): readonly ClientEffect[] {
    assert(this.#phase === 'tls', 'TLS starts when asked for');
    this.#encrypted = true;
    this.#hello();
    return this.#take();
  }

  /** Begins a transaction in a session that is ready. */
  transact(mail: MailTransaction): readonly ClientEffect[] {
    assert(this.#phase === 'ready' && this.#transaction === undefined, 'a transaction begins in a ready session');
    assert(
      mail.recipients.length > 0 && mail.recipients.length <= TRANSACTION_RECIPIENTS_MAX,
      'a transaction has recipients, within bounds',
    );
    this.#transaction = new Transaction(mail, {
      peer: this.peer,
      lmtp: this.#options.protocol === 'lmtp',
      reset: this.#reset,
      authenticated: this.#auth !== undefined,
      push: this.#push,
    });
    this.#transaction.begin();
    return this.#take();
  }

  /** Makes the next octets of the content ready for the wire. */
  frame(chunk: Buffer): Buffer {
    assert(this.#transaction !== undefined, 'content belongs to a transaction');
    return this.#transaction.frame(chunk);
  }

  /** All content has gone through `frame`. */
  contentEnd(): readonly ClientEffect[] {
    if (this.sendingContent) this.#transaction?.contentEnd();
    return this.#take();
  }

  /** Sends a command of its own, such as ETRN, in a session that is ready; 'answered' follows. */
  ask(line: string): readonly ClientEffect[] {
    assert(this.#phase === 'ready' && this.#transaction === undefined, 'a command follows in a ready session');
    this.#phase = 'command';
    this.#push({ do: 'send', bytes: `${line}\r\n` });
    return this.#take();
  }

  /** Says goodbye; 'close' follows. */
  quit(): readonly ClientEffect[] {
    if (this.#phase === 'ready' && this.#transaction === undefined) {
      this.#phase = 'quit';
      this.#push({ do: 'send', bytes: 'QUIT\r\n' });
    } else if (this.#phase !== 'quit') {
      this.#close();
    }
    return this.#take();
  }

  #take(): readonly ClientEffect[] {
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    const last = effects[effects.length - 1];
    if (last?.do === 'done') {
      this.#reset = this.#transaction?.resetAfter ?? false;
      this.#transaction = undefined;
      if (!last.end.usable) this.#phase = 'over';
    }
    return effects;
  }

  /** Returns false where the octets after this reply must not be read. */
  #reply(reply: Reply): boolean {
    this.replies += 1;
    // It came in one piece with the reply that we have just answered: the server cannot have seen what it answers.
    if (this.#effects.some(({ do: what }) => what === 'send' || what === 'content')) {
      if (this.#transaction?.refuseUnseen(reply) === true) {
        this.#effects = this.#effects.filter(({ do: what }) => what === 'done');
        return false;
      }
      this.#fail({ kind: 'invalid', phase: this.phase, quote: `too early: ${printReply(reply)}` });
      return false;
    }
    if (this.#transaction !== undefined) return this.#transactionReply(reply);
    const positive = reply.code < 300;
    switch (this.#phase) {
      case 'greeting':
        if (!positive) return this.#refuse(reply);
        this.peerName = (reply.text[0] ?? '').split(' ', 1)[0] ?? '';
        this.#hello();
        return true;
      case 'hello':
        return this.#helloReply(reply, positive);
      case 'starttls':
        return this.#startTlsReply(reply, positive);
      case 'auth':
        return this.#authReply(reply, positive);
      case 'command':
        if (reply.code === 421) return this.#refuse(reply);
        this.#phase = 'ready';
        this.#push({ do: 'answered', reply });
        // What follows in the same octets answers nothing that was asked.
        return false;
      case 'quit':
        this.#close();
        return false;
      case 'ready':
        return this.#refuse(reply);
      default:
        return false;
    }
  }

  #transactionReply(reply: Reply): boolean {
    const failure = this.#transaction?.reply(reply);
    if (failure !== undefined) this.#fail(failure);
    // Whatever follows the last reply in the same octets answers nothing, and the next transaction must not take it for its own.
    return this.#effects[this.#effects.length - 1]?.do !== 'done';
  }

  #hello(): void {
    this.#phase = 'hello';
    const verb = this.#options.protocol === 'lmtp' ? 'LHLO' : this.#helo ? 'HELO' : 'EHLO';
    this.#push({ do: 'send', bytes: `${verb} ${this.#options.greetingName}\r\n` });
  }

  #helloReply(reply: Reply, positive: boolean): boolean {
    if (positive) {
      this.peer = this.#helo ? noExtensions : parseExtensions(reply);
      this.#afterHello();
      return true;
    }
    // RFC 5321 §3.2: a server that does not know EHLO may know HELO. After TLS it has already known it.
    if (reply.code >= 500 && this.#options.protocol === 'smtp' && !this.#helo && !this.#encrypted) {
      this.#helo = true;
      this.#hello();
      return true;
    }
    return this.#refuse(reply);
  }

  #afterHello(): void {
    const { tls, login } = this.#options;
    if (!this.#encrypted && (tls === 'needed' || (tls === 'offered' && this.peer.startTls))) {
      if (!this.peer.startTls) return this.#fail({ kind: 'starttls-missing' });
      this.#phase = 'starttls';
      return this.#push({ do: 'send', bytes: 'STARTTLS\r\n' });
    }
    if (login === undefined) return this.#ready();
    const { clearLogin } = this.#options;
    const shown = this.#encrypted || clearLogin === true;
    this.#auth = shown || clearLogin === 'hashed' ? chooseAuth(this.peer.auth, login, shown) : undefined;
    if (this.#auth === undefined) return this.#fail({ kind: 'auth-missing' });
    this.#phase = 'auth';
    this.#push({ do: 'send', bytes: `${this.#auth.command}\r\n` });
  }

  #startTlsReply(reply: Reply, positive: boolean): boolean {
    if (reply.code === 421) return this.#refuse(reply);
    if (!positive) {
      this.#fail({ kind: 'starttls-refused', reply });
      return false;
    }
    this.#phase = 'tls';
    this.#push({ do: 'start-tls' });
    return false;
  }

  #authReply(reply: Reply, positive: boolean): boolean {
    if (positive) {
      this.#ready();
      return true;
    }
    const answer =
      reply.code === 334 && this.#challenges < AUTH_CHALLENGES_MAX
        ? this.#auth?.answer(reply.text[0] ?? '')
        : undefined;
    if (answer === undefined) return this.#refuse(reply);
    this.#challenges += 1;
    this.#push({ do: 'send', bytes: `${answer}\r\n` });
    return true;
  }

  #ready(): void {
    this.#phase = 'ready';
    this.#push({ do: 'ready' });
  }

  #refuse(reply: Reply): boolean {
    this.#fail({ kind: 'refused', command: COMMANDS[this.#phase] ?? 'none', reply });
    return false;
  }

  #fail(failure: SessionFailure): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    if (this.#transaction !== undefined) return this.#transaction.fail(failure);
    // A session that is over in the same piece of input never was ready for anybody.
    this.#effects = this.#effects.filter(({ do: what }) => what !== 'ready');
    this.#push({ do: 'failed', failure });
  }

  #close(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#push({ do: 'close' });
  }
}
