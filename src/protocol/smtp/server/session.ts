/**
 * The state of one session and what a command may do with it: reply, ask, change the transaction, begin content.
 * Effects gather here in order; the machine hands them out.
 */
import { assert } from '../../../base/assert.ts';
import type { EnvelopeOptions, EnvelopeRecipient } from '../../../mail/envelope.ts';
import { replyKind, type Reply } from '../../../mail/reply.ts';
import type { ForwardedFrom } from '../../../mail/sender-check.ts';
import type { SaslServer } from '../../sasl/port.ts';
import { ContentScanner } from '../content/content-scanner.ts';
import { writeReply } from '../grammar/reply.ts';
import { heldRepliesMax, idleCommandsMax, shownLineMax } from '../limits.ts';
import { replies } from '../replies.ts';
import type { Answer, Effect, Question, ServerOffer } from './port.ts';

/** Where in the dialogue a session is. 'refused': the banner was 554 and only QUIT is left (RFC 5321 §3.1). 'chunks': BDAT has begun. */
export type Phase = 'refused' | 'start' | 'ready' | 'mail' | 'rcpt' | 'chunks';

/** What the next octets are. */
export type Input = 'nothing' | 'command' | 'sasl' | 'data' | 'chunk' | 'tls' | 'closed';

/** A transaction: MAIL was accepted. */
export interface Transaction {
  readonly envelope: EnvelopeOptions;
  readonly recipients: EnvelopeRecipient[];
  /** Recipients refused for good. */
  refused: number;
}

/** The octets of a BDAT chunk that are still to come, and what becomes of them. */
export interface Chunk {
  readonly size: number;
  remaining: number;
  readonly last: boolean;
  /** The reply once they are dropped; undefined where they are content. */
  readonly refusal: Reply | undefined;
}

/** A question's continuation. */
export type Then = (replies: readonly [Reply, ...Reply[]]) => void;

/** A login that is going on. */
export interface Exchange {
  readonly mechanism: string;
  readonly server: SaslServer;
}

/** One session: made by the machine, changed by the commands. */
export class Session {
  readonly offer: ServerOffer;
  phase: Phase = 'start';
  input: Input = 'nothing';
  tls = false;
  extended = false;
  greetingName = '';
  account: string | undefined;
  /** Said by XFORWARD; forgotten at the end of a transaction. */
  forwarded: ForwardedFrom | undefined;
  messages = 0;
  errors = 0;
  transaction: Transaction | undefined;
  scanner: ContentScanner | undefined;
  chunk: Chunk | undefined;
  exchange: Exchange | undefined;
  /** The command being carried out, as the driver may show it: without credentials. */
  line = '';
  /** Whether a line that is no command may be a part of a login: AUTH was the last command. */
  secretsMayFollow = false;
  /** Whether its reply may wait for those of the following ones (RFC 2920 §3.2). */
  groups = false;
  #transactions = 0;
  #idle = 0;
  #held = '';
  #mayHold = true;
  #contentGivenUp = false;
  #then: Then | undefined;
  #effects: Effect[] = [];

  constructor(offer: ServerOffer) {
    this.offer = offer;
  }

  get asking(): boolean {
    return this.#then !== undefined;
  }

  get ended(): boolean {
    return this.input === 'closed';
  }

  /** The effects since the last call. Replies are sent, unless a group goes on behind the answer to a question. */
  take(): readonly Effect[] {
    if (!this.asking) this.flush();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Replies to the command. A refusal is shown, a permanent one counted; 421 ends the session (RFC 5321 §3.8). */
  reply(reply: Reply, refusal: 'counts' | 'passes' = 'counts'): void {
    if (this.ended) return;
    this.#held += writeReply(reply);
    if (!this.groups) this.#mayHold = false;
    if (this.#held.length > heldRepliesMax) this.flush();
    if (reply.code >= 400) this.#effects.push({ kind: 'refused', line: this.line.slice(0, shownLineMax), reply });
    if (reply.code === replies.shuttingDown.code) this.close();
    else if (reply.code >= 500 && refusal === 'counts') this.countError();
  }

  /** Sends what is held. */
  flush(): void {
    if (this.#held !== '') this.#effects.push({ kind: 'send', octets: this.#held });
    this.#held = '';
    this.#mayHold = true;
  }

  /** Asks the driver; `then` gets the answer. Nothing is read until it has come. */
  ask(question: Question, then: Then): void {
    assert(!this.asking, 'one question at a time');
    if (!this.#mayHold) this.flush();
    this.#then = then;
    this.#effects.push({ kind: 'ask', question });
  }

  /** The driver has answered. An answer for a session that has ended meanwhile is dropped. */
  answered(answer: Answer): void {
    const then = this.#then;
    this.#then = undefined;
    if (this.ended) return;
    assert(then !== undefined, 'an answer follows a question');
    const [first, ...more] = 'reply' in answer ? [answer.reply] : answer.replies;
    assert(first !== undefined, 'an answer has a reply');
    then([first, ...more]);
  }

  /** A command that brings no mail further. */
  countIdle(): void {
    this.#idle += 1;
    if (this.#idle > idleCommandsMax) this.countError();
  }

  countError(): void {
    this.errors += 1;
    if (this.errors >= this.offer.errorsMax && !this.ended) this.reply(replies.tooManyErrors);
  }

  /** MAIL was accepted. */
  beginTransaction(envelope: EnvelopeOptions): void {
    this.#transactions += 1;
    this.transaction = { envelope, recipients: [], refused: 0 };
    this.phase = 'mail';
  }

  /** Whether MAIL may open another transaction (RFC 9422 §4.1). */
  get mayOpenTransaction(): boolean {
    return this.#transactions < this.offer.messagesMax;
  }

  /** The transaction ends without a message. */
  abandon(why: 'reset' | 'refused' | 'closed'): void {
    if (this.transaction !== undefined && !this.#contentGivenUp) this.#effects.push({ kind: 'abandon', why });
    this.endTransaction();
  }

  /** The message is refused before its end: the driver need not keep it while the rest is read. */
  giveContentUp(): void {
    this.#effects.push({ kind: 'abandon', why: 'refused' });
    this.#contentGivenUp = true;
  }

  endTransaction(): void {
    this.transaction = undefined;
    this.forwarded = undefined;
    this.scanner = undefined;
    this.#contentGivenUp = false;
    if (this.phase !== 'refused' && this.phase !== 'start') this.phase = 'ready';
  }

  /** Content may come. */
  beginContent(dots: boolean): ContentScanner {
    const { bareLineEndings, messageSizeMax } = this.offer;
    this.scanner = new ContentScanner({ dots, bareLineEndings, sizeMax: messageSizeMax });
    return this.scanner;
  }

  /** Asks whether the message is accepted, and ends the transaction with the answer. */
  offerMessage(scanner: ContentScanner): void {
    this.groups = false;
    this.ask({ about: 'message', sizeBytes: scanner.size, eightBit: scanner.eightBit }, (answers) => {
      if (answers.some((reply) => replyKind(reply) === 'positive')) {
        this.messages += 1;
        this.#idle = 0;
      }
      const recipients = this.transaction?.recipients.length ?? 0;
      this.endTransaction();
      this.replyToMessage(answers, recipients);
    });
  }

  /** Replies to the end of mail data: one reply, under LMTP one for each recipient (RFC 2033 §4.2). */
  replyToMessage([first, ...more]: readonly [Reply, ...Reply[]], recipients: number): void {
    this.groups = false;
    const count = this.offer.profile === 'lmtp' ? Math.max(recipients, 1) : 1;
    for (let i = 0; i < count; i++) this.reply(i === 0 ? first : (more[i - 1] ?? first));
  }

  /** Forgets all that was said in the clear (RFC 3207 §4.2). */
  forget(): void {
    this.phase = 'start';
    this.extended = false;
    this.greetingName = '';
    this.account = undefined;
    this.exchange = undefined;
  }

  close(afterQuit = false): void {
    if (this.ended) return;
    this.abandon('closed');
    this.input = 'closed';
    this.#then = undefined;
    this.flush();
    this.#effects.push({ kind: 'close', afterQuit });
  }
}
