/**
 * The SMTP server machine: what a session is told and asked, from octets. It reads one command after another, and none while
 * a question is open; what it cannot use yet it copies, so that the driver may reuse its buffer.
 */
import { replyKind, type Reply } from '../../../mail/reply.ts';
import { replies } from '../replies.ts';
import { readChunkOctets, readData } from './content-input.ts';
import { dispatch } from './dispatch.ts';
import { LineReader } from './line-reader.ts';
import type { Answer, Effect, ServerMachine, ServerOffer, SessionFacts, Waiting } from './port.ts';
import { Session } from './session.ts';
import { continueLogin } from './verbs/auth.ts';

/** Makes the machine of one session. */
export function createServerMachine(offer: ServerOffer): ServerMachine {
  return new Machine(offer);
}

const NONE = Buffer.alloc(0);

class Machine implements ServerMachine {
  readonly #session: Session;
  readonly #lines = new LineReader();
  /** Octets [at, length) of `#octets` are not used yet. */
  #octets: Buffer = NONE;
  #at = 0;
  #stopping = false;

  constructor(offer: ServerOffer) {
    this.#session = new Session(offer);
  }

  open(tls: boolean): readonly Effect[] {
    const session = this.#session;
    session.tls = tls;
    session.ask({ about: 'connection' }, ([reply]) => {
      session.input = 'command';
      if (replyKind(reply) === 'positive') session.reply(replies.banner(session.offer.hostName, session.offer.banner));
      else this.#refuseConnection(reply);
      session.flush();
    });
    return session.take();
  }

  receive(chunk: Buffer): readonly Effect[] {
    if (this.#session.ended || this.#session.input === 'tls') return [];
    if (this.#at === this.#octets.length) {
      this.#octets = chunk;
    } else {
      this.#octets = Buffer.concat([this.#octets.subarray(this.#at), chunk]);
    }
    this.#at = 0;
    return this.#run();
  }

  answer(answer: Answer): readonly Effect[] {
    this.#session.answered(answer);
    return this.#run();
  }

  tlsStarted(): readonly Effect[] {
    if (this.#session.input !== 'tls') return [];
    this.#session.tls = true;
    this.#session.forget();
    this.#session.input = 'command';
    return this.#run();
  }

  timedOut(): readonly Effect[] {
    return this.#end(replies.timeout);
  }

  shutDown(): readonly Effect[] {
    this.#stopping = true;
    return this.#run();
  }

  get waiting(): Waiting {
    const { input, phase, asking } = this.#session;
    if (asking || input === 'nothing') return 'answer';
    if (input === 'closed' || input === 'tls') return input;
    if (input === 'data' || input === 'chunk') return 'data';
    return phase === 'start' ? 'greeting' : 'command';
  }

  get bufferedBytes(): number {
    return this.#octets.length - this.#at;
  }

  get facts(): SessionFacts {
    const { greetingName, extended, tls, account, forwarded, messages, errors } = this.#session;
    return { greetingName, extended, tls, account, forwarded, messages, errors };
  }

  /** A refusal by 421 ends the session; after another one it lasts until QUIT (RFC 5321 §3.1). */
  #refuseConnection(reply: Reply): void {
    this.#session.phase = 'refused';
    this.#session.reply(reply);
  }

  /** Reads on as far as there are octets and no question is open. */
  #run(): readonly Effect[] {
    const session = this.#session;
    while (!session.asking && this.#step());
    if (session.ended || session.input === 'tls') this.#forgetOctets();
    else this.#keepOctets();
    return session.take();
  }

  /** One command, line of an exchange, or stretch of content; false when there is nothing more to do. */
  #step(): boolean {
    const session = this.#session;
    switch (session.input) {
      case 'command':
      case 'sasl':
        if (this.#stopping && session.phase !== 'chunks') {
          this.#endHere(replies.shuttingDown);
          return false;
        }
        return this.#readLine();
      case 'data':
      case 'chunk': {
        if (this.#at === this.#octets.length) return false;
        const read = session.input === 'data' ? readData : readChunkOctets;
        this.#at = read(session, this.#octets, this.#at);
        return true;
      }
      case 'nothing':
      case 'tls':
      case 'closed':
        return false;
    }
  }

  #readLine(): boolean {
    const line = this.#lines.read(this.#octets, this.#at);
    this.#at = line.end;
    if (line.kind === 'none') return false;
    if (line.kind === 'endless') {
      this.#endHere(replies.lineEndless);
      return false;
    }
    const session = this.#session;
    if (session.input === 'sasl')
      continueLogin(session, line.kind === 'line' ? line.text : undefined, line.kind === 'too-long');
    else dispatch(session, line);
    return true;
  }

  #end(reply: Reply): readonly Effect[] {
    if (this.#session.input === 'tls') this.#session.close();
    else this.#endHere(reply);
    this.#forgetOctets();
    return this.#session.take();
  }

  #endHere(reply: Reply): void {
    this.#session.line = '';
    this.#session.reply(reply);
  }

  /** The driver may reuse the octets it gave: what is not used yet is copied. */
  #keepOctets(): void {
    if (this.#at === this.#octets.length) return this.#forgetOctets();
    if (this.#copied === this.#octets) return;
    this.#octets = Buffer.from(this.#octets.subarray(this.#at));
    this.#at = 0;
    this.#copied = this.#octets;
  }

  #forgetOctets(): void {
    this.#octets = NONE;
    this.#at = 0;
    this.#copied = NONE;
  }

  /** The buffer that is known to be our own. */
  #copied: Buffer = NONE;
}
