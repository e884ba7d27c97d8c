import { assert } from '../../../base/assert.ts';
import { needsSmtpUtf8 } from '../../../mail/mailbox.ts';
import type { Reply } from '../../../mail/reply.ts';
import { mailCommand, rcptCommand } from './commands.ts';
import { DotStuffing } from './dot-stuffing.ts';
import type { PeerExtensions } from './extensions.ts';
import { JOINED_CONTENT_BYTES_MAX } from './limits.ts';
import type {
  ClientEffect,
  ClientPhase,
  MailTransaction,
  RecipientVerdict,
  RefusedCommand,
  SessionFailure,
} from './port.ts';

type Step = 'reset' | 'mail' | 'rcpt' | 'data' | 'end' | 'void-end';

const PHASES: Readonly<Record<Step, ClientPhase>> = {
  reset: 'mail',
  mail: 'mail',
  rcpt: 'recipient',
  data: 'data-start',
  end: 'data-end',
  'void-end': 'data-end',
};

const COMMANDS: Readonly<Record<Step, RefusedCommand>> = {
  reset: 'RSET',
  mail: 'MAIL',
  rcpt: 'RCPT',
  data: 'DATA',
  end: 'end of data',
  'void-end': 'end of data',
};

/** What a transaction runs on. */
export interface TransactionTerms {
  readonly peer: PeerExtensions;
  readonly lmtp: boolean;
  /** The transaction before ended unfinished: RSET goes first. */
  readonly reset: boolean;
  /** We have logged in to the peer. */
  readonly authenticated: boolean;
  readonly push: (effect: ClientEffect) => void;
}

/** One mail transaction (RFC 5321 §3.3) from RSET or MAIL to the last reply. */
export class Transaction {
  readonly #mail: MailTransaction;
  readonly #terms: TransactionTerms;
  /** With CHUNKING the content goes as one BDAT (RFC 3030). LMTP has no settled meaning for its replies: always DATA there. */
  readonly #chunking: boolean;
  readonly #verdicts: (RecipientVerdict | undefined)[];
  readonly #dots = new DotStuffing();
  /** Replies that are due, in order. */
  readonly #due: Step[] = [];
  #taken = 0;
  /** RCPT commands sent, and replies to them. */
  #named = 0;
  #judged = 0;
  /** Recipients that RCPT accepted, and how many of them LMTP has answered after the content. */
  readonly #accepted: number[] = [];
  #concluded = 0;
  #mailRefused = false;
  #content: 'none' | 'sending' | 'sent' = 'none';
  #framed = 0;
  #over = false;

  constructor(mail: MailTransaction, terms: TransactionTerms) {
    this.#mail = mail;
    this.#terms = terms;
    this.#chunking = terms.peer.chunking && !terms.lmtp;
    this.#verdicts = new Array<RecipientVerdict | undefined>(mail.recipients.length).fill(undefined);
  }

  /** Whether content is being sent and still wanted. */
  get sendingContent(): boolean {
    return this.#content === 'sending' && !this.#over;
  }

  get phase(): ClientPhase {
    if (this.#content === 'sending') return 'content';
    const step = this.#due[this.#taken];
    return step === undefined ? 'mail' : PHASES[step];
  }

  /** Sends the first commands; all of them at once where the peer offers PIPELINING (RFC 2920). */
  begin(): void {
    const lacks = whatPeerLacks(this.#mail, this.#terms.peer);
    if (lacks !== undefined) {
      this.#fill({ kind: 'impossible', lacks });
      this.#finish(true, this.#terms.reset);
      return;
    }
    if (!this.#terms.peer.pipelining) {
      if (this.#terms.reset) this.#send('RSET\r\n', 'reset');
      else this.#send(this.#mailCommand(), 'mail');
      return;
    }
    this.#beginPipelined();
  }

  #beginPipelined(): void {
    const { recipients, whole } = this.#mail;
    let text = '';
    if (this.#terms.reset) {
      text = 'RSET\r\n';
      this.#due.push('reset');
    }
    text += this.#mailCommand();
    this.#due.push('mail');
    for (const recipient of recipients) {
      text += rcptCommand(recipient, this.#terms.peer);
      this.#due.push('rcpt');
    }
    this.#named = recipients.length;
    if (!this.#chunking) {
      this.#send(`${text}DATA\r\n`, 'data');
    } else if (whole !== undefined && whole.length <= JOINED_CONTENT_BYTES_MAX) {
      // RFC 3030 §4.2: the content need not wait for the recipients; where all are refused the BDAT is refused too.
      this.#content = 'sent';
      this.#send(Buffer.concat([Buffer.from(`${text}BDAT ${whole.length} LAST\r\n`), whole]), 'end');
    } else {
      this.#terms.push({ do: 'send', bytes: text });
    }
  }

  /** Takes a reply. Returns the quote of one that answers nothing. */
  reply(reply: Reply): SessionFailure | undefined {
    const step = this.#due[this.#taken];
    const first = Math.floor(reply.code / 100);
    if (step === undefined || (first === 3 && step !== 'data')) return this.#strange(reply);
    if (reply.code === 421 && step !== 'end') return { kind: 'refused', command: COMMANDS[step], reply };
    this.#taken += 1;
    switch (step) {
      case 'reset':
        if (first !== 2) return { kind: 'refused', command: 'RSET', reply };
        if (!this.#terms.peer.pipelining) this.#send(this.#mailCommand(), 'mail');
        return undefined;
      case 'mail':
        return this.#mailReply(reply, first);
      case 'rcpt':
        return this.#rcptReply(reply, first);
      case 'data':
        return this.#dataReply(reply, first);
      case 'end':
        return this.#endReply(reply, first);
      default:
        this.#finish(true, true);
        return undefined;
    }
  }

  #mailReply(reply: Reply, first: number): undefined {
    if (first !== 2) {
      this.#mailRefused = true;
      this.#fill({ kind: 'refused', command: 'MAIL', reply });
      if (this.#due.length === this.#taken) this.#finish(true, true);
      return;
    }
    if (!this.#terms.peer.pipelining) this.#nextRecipient();
  }

  #nextRecipient(): void {
    const recipient = this.#mail.recipients[this.#named];
    if (recipient === undefined) return this.#startContent();
    this.#named += 1;
    this.#send(rcptCommand(recipient, this.#terms.peer), 'rcpt');
  }

  #rcptReply(reply: Reply, first: number): undefined {
    const index = this.#judged;
    this.#judged += 1;
    if (!this.#mailRefused) {
      if (first === 2) this.#accepted.push(index);
      else this.#verdicts[index] = { kind: 'refused', command: 'RCPT', reply: tooManyIsTransient(reply) };
    }
    if (!this.#terms.peer.pipelining) this.#nextRecipient();
    else if (this.#due.length === this.#taken) this.#startContent();
  }

  /** After the last RCPT reply, where DATA or BDAT has not gone out with it. */
  #startContent(): void {
    if (this.#accepted.length === 0) return this.#finish(true, true);
    if (!this.#chunking) return this.#send('DATA\r\n', 'data');
    this.#terms.push({ do: 'send', bytes: `BDAT ${this.#mail.sizeBytes} LAST\r\n` });
    this.#sendContent();
  }

  #dataReply(reply: Reply, first: number): SessionFailure | undefined {
    if (this.#accepted.length > 0) {
      if (first === 2) return this.#strange(reply);
      if (first === 3) this.#sendContent();
      else {
        this.#fill({ kind: 'refused', command: 'DATA', reply });
        this.#finish(true, true);
      }
    } else if (first !== 3) {
      this.#finish(true, true);
    } else if (this.#mailRefused) {
      // A server that refused MAIL and now asks for content cannot be trusted to throw it away.
      this.#finish(false, false);
    } else {
      this.#send('.\r\n', 'void-end'); // RFC 2920 §3.1: all recipients refused, and yet 354
    }
    return undefined;
  }

  #sendContent(): void {
    this.#due.push('end');
    const whole = this.#mail.whole;
    if (whole === undefined) {
      this.#content = 'sending';
      this.#terms.push({ do: 'content' });
      return;
    }
    this.#content = 'sent';
    const framed = this.frame(whole);
    if (this.#chunking) {
      this.#terms.push({ do: 'send', bytes: framed });
    } else if (framed.length <= JOINED_CONTENT_BYTES_MAX) {
      this.#terms.push({ do: 'send', bytes: Buffer.concat([framed, this.#dots.end()]) });
    } else {
      this.#terms.push({ do: 'send', bytes: framed });
      this.#terms.push({ do: 'send', bytes: this.#dots.end() });
    }
  }

  /** Makes content ready for the wire. */
  frame(chunk: Buffer): Buffer {
    if (!this.#chunking) return this.#dots.stuff(chunk);
    this.#framed += chunk.length;
    assert(this.#framed <= this.#mail.sizeBytes, 'content is no longer than it was said to be');
    // The reply to BDAT follows its last octet, and may be here before the driver comes back.
    if (this.#framed === this.#mail.sizeBytes) this.#content = 'sent';
    return chunk;
  }

  /** All content has been framed. */
  contentEnd(): void {
    assert(!this.#chunking || this.#framed === this.#mail.sizeBytes, 'content is as long as it was said to be');
    this.#content = 'sent';
    if (!this.#chunking) this.#terms.push({ do: 'send', bytes: this.#dots.end() });
  }

  #endReply(reply: Reply, first: number): SessionFailure | undefined {
    const early = this.#content === 'sending';
    if (early && first === 2) return this.#strange(reply);
    if (this.#accepted.length === 0) {
      this.#finish(reply.code !== 421, true);
      return undefined;
    }
    const verdict: RecipientVerdict =
      first === 2 ? { kind: 'accepted', reply } : { kind: 'refused', command: 'end of data', reply };
    if (this.#terms.lmtp && !early && reply.code !== 421) {
      // RFC 2033 §4.2: one reply for each recipient that RCPT accepted, in their order.
      this.#verdicts[this.#accepted[this.#concluded] ?? 0] = verdict;
      this.#concluded += 1;
      if (this.#concluded < this.#accepted.length) {
        this.#due.push('end');
        return undefined;
      }
    } else {
      this.#fill(verdict);
    }
    // RFC 3030 §4.1: after a refused BDAT the transaction is in no known state; RSET costs nothing when pipelined.
    this.#finish(!early && reply.code !== 421, first !== 2 && this.#chunking);
    return undefined;
  }

  /**
   * Takes a reply to content of which the server has seen nothing, where it can only be a refusal: some do not wait for what they
   * will not take. False where the reply means something else.
   */
  refuseUnseen(reply: Reply): boolean {
    if (reply.code < 400 || this.#content === 'none' || this.#due[this.#taken] !== 'end') return false;
    this.#taken += 1;
    this.#fill({ kind: 'refused', command: 'end of data', reply });
    this.#finish(false, false);
    return true;
  }

  /** The session is over: whoever has no verdict has none. */
  fail(failure: SessionFailure): void {
    this.#fill({
      kind: 'unanswered',
      failure,
      // 421 to a command before the end of data means that the content was not taken (RFC 5321 §3.8).
      contentSent:
        failure.kind !== 'refused' && this.#content === 'sent' && (this.#judged === 0 || this.#accepted.length > 0),
    });
    this.#finish(false, false);
  }

  #strange(reply: Reply): SessionFailure {
    return { kind: 'invalid', phase: this.phase, quote: `${reply.code} ${reply.text.join(' / ')}` };
  }

  #mailCommand(): string {
    const { envelope } = this.#mail;
    const { peer, authenticated } = this.#terms;
    return mailCommand(envelope, this.#mail, peer, { smtpUtf8: wantsSmtpUtf8(this.#mail), authenticated });
  }

  #send(bytes: Buffer | string, step: Step): void {
    this.#due.push(step);
    this.#terms.push({ do: 'send', bytes });
  }

  #fill(verdict: RecipientVerdict): void {
    for (let i = 0; i < this.#verdicts.length; i++) this.#verdicts[i] ??= verdict;
  }

  #finish(usable: boolean, reset: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.resetAfter = reset;
    const verdicts = this.#verdicts as RecipientVerdict[];
    this.#terms.push({ do: 'done', end: { verdicts, usable, answered: this.#taken > 0 } });
  }

  /** Whether the next transaction of the session must begin with RSET. */
  resetAfter = false;
}

/** RFC 5321 §4.5.3.1.10: 552 to RCPT is an old way of saying 452. */
function tooManyIsTransient(reply: Reply): Reply {
  return reply.code === 552 ? { ...reply, code: 452 } : reply;
}

/**
 * RFC 6531 §3.4 asks for SMTPUTF8 where an address or the header needs it. The flag alone, on content of pure ASCII, needs nothing;
 * a domain can go in A-labels.
 */
function wantsSmtpUtf8(mail: MailTransaction): boolean {
  const { envelope, recipients } = mail;
  if (envelope.smtpUtf8) return true;
  const sender = envelope.reversePath;
  return (sender !== null && needsSmtpUtf8(sender)) || recipients.some((recipient) => needsSmtpUtf8(recipient.mailbox));
}

function whatPeerLacks(
  mail: MailTransaction,
  peer: PeerExtensions,
): '8BITMIME' | 'BINARYMIME' | 'SMTPUTF8' | 'SIZE' | undefined {
  const { envelope, recipients } = mail;
  if (!peer.smtpUtf8) {
    const sender = envelope.reversePath;
    // The range of ASCII.
    const beyondAscii = (localPart: string): boolean => /[^\x00-\x7f]/.test(localPart);
    const addresses =
      (sender !== null && beyondAscii(sender.localPart)) || recipients.some((r) => beyondAscii(r.mailbox.localPart));
    if (addresses || (envelope.smtpUtf8 && mail.eightBit)) return 'SMTPUTF8';
  }
  if (envelope.body === 'binarymime' && !(peer.binaryMime && peer.chunking)) return 'BINARYMIME';
  if (mail.eightBit && !peer.eightBitMime) return '8BITMIME';
  if (peer.sizeMax !== undefined && mail.sizeBytes > peer.sizeMax) return 'SIZE';
  return undefined;
}
