import type { Clock, Timer } from '../../../world/ports/clock.ts';
import type { ByteSink, ByteStream } from '../../../world/ports/network.ts';

/** A reply as it came. */
export interface PlainReply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** What is seen of a dialogue: 'S' the server said, 'C' we said, '*' a remark. */
export type Show = (who: 'S' | 'C' | '*', line: string) => void;

const REPLY_BYTES_MAX = 64 * 1024;
/** RFC 5321 §4.5.3.2.6 allows ten minutes for the end of data; a person at a terminal waits less. */
const REPLY_TIMEOUT_MS = 120_000;

/** The connection ended, or nothing came in time, or what came is no SMTP. */
export class DialogueEnded extends Error {
  override readonly name = 'DialogueEnded';
}

type Waiter = {
  readonly resolve: (reply: PlainReply) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
};

/** A simple SMTP client that shows what is said: one command, one reply. */
export class Dialogue implements ByteSink {
  readonly #stream: ByteStream;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #show: Show;
  #text = '';
  #lines: string[] = [];
  readonly #replies: PlainReply[] = [];
  #waiter: Waiter | undefined;
  #ended: Error | undefined;

  constructor(stream: ByteStream, clock: Pick<Clock, 'after'>, show: Show) {
    this.#stream = stream;
    this.#clock = clock;
    this.#show = show;
  }

  /** Begins to read; with implicit TLS call it after the handshake. */
  start(): void {
    this.#stream.start(this);
  }

  data(chunk: Buffer): void {
    this.#text += chunk.toString('latin1');
    if (this.#text.length > REPLY_BYTES_MAX || this.#lines.length > 1000)
      return this.#end(new DialogueEnded('the server sends more than a reply can be'));
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end === -1) return;
      const line = Buffer.from(this.#text.slice(0, end).replace(/\r$/, ''), 'latin1').toString('utf8');
      this.#text = this.#text.slice(end + 1);
      this.#line(line);
    }
  }

  #line(line: string): void {
    this.#show('S', line.replace(/[\0-\x1f\x7f]/g, '?'));
    const match = /^(\d{3})(?:([ -])(.*))?$/.exec(line);
    if (match === null) return this.#end(new DialogueEnded(`this is not an SMTP reply: ${line.slice(0, 80)}`));
    this.#lines.push(match[3] ?? '');
    if (match[2] === '-') return;
    const reply = { code: Number(match[1]), lines: this.#lines };
    this.#lines = [];
    const waiter = this.#waiter;
    if (waiter === undefined) {
      this.#replies.push(reply);
      return;
    }
    this.#waiter = undefined;
    waiter.timer.cancel();
    waiter.resolve(reply);
  }

  end(): void {
    this.#end(new DialogueEnded('the server ended the connection'));
  }

  drain(): void {
    // What is written waits in the stream; a test message is small.
  }

  closed(error?: Error): void {
    this.#end(
      new DialogueEnded(error === undefined ? 'the connection is closed' : `the connection broke: ${error.message}`),
    );
  }

  #end(error: Error): void {
    this.#ended ??= error;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.timer.cancel();
    waiter?.reject(this.#ended);
  }

  /** The next reply. */
  reply(): Promise<PlainReply> {
    const first = this.#replies.shift();
    if (first !== undefined) return Promise.resolve(first);
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(REPLY_TIMEOUT_MS, () =>
        this.#end(new DialogueEnded(`no reply came within ${REPLY_TIMEOUT_MS / 1000} s`)),
      );
      this.#waiter = { resolve, reject, timer };
    });
  }

  /** Sends a command, shown as `shown`, and waits for its reply. */
  command(line: string, shown = line): Promise<PlainReply> {
    this.#show('C', shown);
    this.#stream.write(`${line}\r\n`);
    return this.reply();
  }

  /** Sends mail data, already with its final dot. */
  content(octets: Buffer): Promise<PlainReply> {
    this.#show('*', `${octets.length} octets of mail data, then the final dot`);
    this.#stream.write(octets);
    return this.reply();
  }

  close(): void {
    this.#stream.end();
  }
}
