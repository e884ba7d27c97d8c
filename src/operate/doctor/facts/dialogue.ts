import type { Clock } from '../../../world/ports/clock.ts';
import type { ByteSink, ByteStream } from '../../../world/ports/network.ts';
import { replyBytesMax } from '../limits.ts';

/** A reply of one or more lines (RFC 5321 §4.2.1). */
export interface DialogueReply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** One side of a line dialogue, for checks: sends a command, and reads one reply or says in words why there is none. */
export class Dialogue implements ByteSink {
  readonly #stream: ByteStream;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #waitMs: number;
  #held = '';
  #over: string | undefined;
  #wake: () => void = () => undefined;

  constructor(stream: ByteStream, clock: Pick<Clock, 'after'>, waitMs: number) {
    this.#stream = stream;
    this.#clock = clock;
    this.#waitMs = waitMs;
    stream.start(this);
  }

  data(chunk: Buffer): void {
    this.#held += chunk.toString('latin1');
    if (this.#held.length > replyBytesMax) this.#over = 'it sends more than any reply has';
    this.#wake();
  }

  end(): void {
    this.#end('it ended the connection');
  }

  drain(): void {
    // Commands of a check are smaller than what the system takes at once.
  }

  closed(): void {
    this.#end('the connection broke');
  }

  #end(why: string): void {
    this.#over ??= why;
    this.#wake();
  }

  /** Sends a command and reads its reply. */
  ask(command: string): Promise<DialogueReply | string> {
    this.#held = '';
    this.#stream.write(`${command}\r\n`);
    return this.reply();
  }

  /** Reads one reply. */
  async reply(): Promise<DialogueReply | string> {
    let late = false;
    const timer = this.#clock.after(this.#waitMs, () => {
      late = true;
      this.#wake();
    });
    try {
      for (;;) {
        const reply = this.#take();
        if (reply !== undefined) return reply;
        if (this.#over !== undefined) return this.#over;
        if (late) return `nothing within ${this.#waitMs / 1000} s`;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      timer.cancel();
    }
  }

  #take(): DialogueReply | string | undefined {
    const lines = this.#held.split('\n');
    const last = lines.findIndex((line, index) => index < lines.length - 1 && !/^\d{3}-/.test(line));
    if (last === -1) return undefined;
    const taken = lines.slice(0, last + 1).map((line) => line.replace(/\r$/, ''));
    this.#held = lines.slice(last + 1).join('\n');
    const code = /^\d{3}(?: |$)/.test(taken[last] ?? '') ? Number(taken[last]?.slice(0, 3)) : undefined;
    return code === undefined
      ? `it answers '${(taken[last] ?? '').slice(0, 100)}', which is no SMTP reply`
      : { code, lines: taken };
  }
}
