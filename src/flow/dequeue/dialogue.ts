import type { Reply } from '../../mail/reply.ts';
import { SmtpClient } from '../../protocol/smtp/client/client.ts';
import type { ClientEffect, ClientOptions } from '../../protocol/smtp/client/port.ts';
import type { DeliverySettings } from '../../settings/delivery.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { ByteSink, ByteStream } from '../../world/ports/network.ts';
import { failureInWords } from './failure.ts';
import { QUIT_WAIT_MS } from './limits.ts';

/** What a dialogue works with. */
export interface DialogueParts {
  readonly clock: Pick<Clock, 'after'>;
  readonly timeouts: DeliverySettings['timeouts'];
  readonly client: ClientOptions;
  /** The name that a certificate must fit. */
  readonly hostName: string;
  readonly verify: boolean;
  /** Hears each line: 'S' of the server, 'C' of ours, '*' a remark. */
  readonly show: (who: 'S' | 'C' | '*', line: string) => void;
}

/** A session of commands with one host: joins the client machine to a stream, keeps its time-outs, and shows what is said. */
export class HostDialogue implements ByteSink {
  readonly #stream: ByteStream;
  readonly #parts: DialogueParts;
  readonly #client: SmtpClient;
  #settle: ((end: Reply | 'ready' | { readonly why: string }) => void) | undefined;
  #timer: Timer | undefined;
  #handshake = false;
  #early: Buffer[] = [];
  #held = '';
  #over = false;
  #loggingIn = false;
  #why = 'the session is over';

  constructor(stream: ByteStream, parts: DialogueParts) {
    this.#stream = stream;
    this.#parts = parts;
    this.#client = new SmtpClient(parts.client);
  }

  /** Resolves when commands may follow, or with why not. */
  async open(): Promise<{ readonly why: string } | undefined> {
    const opened = this.#next();
    if (this.#parts.client.tls === 'established') void this.#startTls(() => []);
    this.#stream.start(this);
    const end = await opened;
    return typeof end === 'object' && 'why' in end ? end : undefined;
  }

  /** Sends a command and waits for its reply, or says why there is none. */
  async ask(line: string): Promise<Reply | { readonly why: string }> {
    if (this.#over) return { why: this.#why };
    const answered = this.#next();
    this.#run(this.#client.ask(line));
    const end = await answered;
    return end === 'ready' ? { why: 'no reply' } : end;
  }

  /** Says goodbye and ends the connection. */
  async quit(): Promise<void> {
    if (this.#over) return;
    const gone = this.#next();
    this.#run(this.#client.quit());
    await gone;
  }

  /** Gives the connection away: the roles turn (RFC 2645 §5.3). */
  turn(): ByteStream {
    this.#over = true;
    this.#timer?.cancel();
    return this.#stream;
  }

  /** Ends it now. */
  destroy(): void {
    this.#end('the service stops');
  }

  data(chunk: Buffer): void {
    if (this.#handshake) {
      this.#early.push(chunk);
      return;
    }
    this.#showReceived(chunk);
    this.#run(this.#client.receive(chunk));
  }

  end(): void {
    this.closed();
  }

  drain(): void {
    // Commands are smaller than what the system takes at once.
  }

  closed(): void {
    if (this.#over || this.#handshake) return; // a handshake that is cut ends by its own promise
    this.#run(this.#client.closed());
    this.#end('it closed the connection');
  }

  #next(): Promise<Reply | 'ready' | { readonly why: string }> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#watch();
    });
  }

  #run(effects: readonly ClientEffect[]): void {
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: ClientEffect): void {
    switch (effect.do) {
      case 'send':
        this.#showSent(effect.bytes.toString());
        this.#stream.write(effect.bytes);
        this.#watch();
        return;
      case 'start-tls':
        void this.#startTls(() => this.#client.tlsStarted());
        return;
      case 'ready':
        this.#done('ready');
        return;
      case 'answered':
        this.#done(effect.reply);
        return;
      case 'failed':
        this.#end(failureInWords(effect.failure));
        return;
      case 'close':
        this.#end('closed');
        return;
      case 'content':
      case 'done':
        return; // there are no transactions here
    }
  }

  async #startTls(then: () => readonly ClientEffect[]): Promise<void> {
    const { hostName, timeouts, verify, show } = this.#parts;
    this.#handshake = true;
    try {
      const facts = await this.#stream.startTlsClient({ serverName: hostName, timeoutMs: timeouts.connect });
      this.#handshake = false;
      show('*', `${facts.version} ${facts.cipher}`);
      if (verify && facts.verified !== true)
        return this.#end(`its certificate is not valid: ${facts.failure ?? 'it cannot be verified'}`);
    } catch (error) {
      this.#handshake = false;
      return this.#end(`TLS failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#run(then());
    for (const chunk of this.#early.splice(0)) this.data(chunk);
  }

  #done(end: Reply | 'ready' | { readonly why: string }): void {
    this.#timer?.cancel();
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(end);
  }

  #end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#why = why;
    this.#stream.destroy();
    this.#done({ why });
  }

  #watch(): void {
    this.#timer?.cancel();
    if (this.#over || this.#settle === undefined) return;
    const { greeting, mail } = this.#parts.timeouts;
    const { phase } = this.#client;
    const ms = phase === 'greeting' ? greeting : phase === 'quit' ? QUIT_WAIT_MS : mail;
    this.#timer = this.#parts.clock.after(ms, () => this.#run(this.#client.timedOut()));
  }

  #showReceived(chunk: Buffer): void {
    this.#held += chunk.toString('latin1');
    const lines = this.#held.split('\n');
    this.#held = (lines.pop() ?? '').slice(0, 1000);
    for (const line of lines) this.#parts.show('S', line.replace(/\r$/, ''));
  }

  /** What is said to log in is nobody's business. */
  #showSent(text: string): void {
    const line = text.replace(/\r\n$/, '');
    const auth = /^AUTH \S+/.exec(line);
    this.#loggingIn = auth !== null || (this.#loggingIn && this.#client.phase === 'auth');
    this.#parts.show('C', auth !== null ? `${auth[0]} ...` : this.#loggingIn ? '...' : line);
  }
}
