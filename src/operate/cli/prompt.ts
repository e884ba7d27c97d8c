import type { CliIo } from './io.ts';

const ENTER = /[\r\n\x04]/;
const CANCEL = '\x03';
const BACK = /[\x7f\b]/;
const LINE_MAX = 8192;

/** Several questions in a row on a terminal. `end` must be called, or the process waits for more input. */
export class Prompt {
  readonly #io: Pick<CliIo, 'stdin' | 'stdout'>;
  readonly #input: AsyncIterator<Buffer | string>;
  #held = '';

  constructor(io: Pick<CliIo, 'stdin' | 'stdout'>) {
    this.#io = io;
    this.#input = io.stdin[Symbol.asyncIterator]();
  }

  /** Asks for a line; undefined where the input has ended. */
  async line(question: string): Promise<string | undefined> {
    this.#io.stdout.write(question);
    for (;;) {
      const at = this.#held.indexOf('\n');
      if (at !== -1 || this.#held.length > LINE_MAX) {
        const line = at === -1 ? this.#held : this.#held.slice(0, at);
        this.#held = at === -1 ? '' : this.#held.slice(at + 1);
        return line.replace(/\r$/, '');
      }
      if (!(await this.#more())) return undefined;
    }
  }

  /** Asks for a line without showing what is typed; undefined where the input has ended, or at Ctrl-C. */
  async secret(question: string): Promise<string | undefined> {
    this.#io.stdin.setRawMode?.(true);
    this.#io.stdout.write(question);
    try {
      let line = '';
      for (;;) {
        while (this.#held !== '') {
          const character = this.#held.charAt(0);
          this.#held = this.#held.slice(1);
          if (character === CANCEL) return undefined;
          if (ENTER.test(character)) return line;
          if (BACK.test(character)) line = line.slice(0, -1);
          else if (line.length < LINE_MAX) line += character;
        }
        if (!(await this.#more())) return undefined;
      }
    } finally {
      this.#io.stdin.setRawMode?.(false);
      this.#io.stdout.write('\n');
    }
  }

  /** Asks for yes or no; what Enter means is written large. */
  async confirm(question: string, usual: boolean): Promise<boolean | undefined> {
    for (;;) {
      const line = await this.line(`${question} [${usual ? 'Y/n' : 'y/N'}] `);
      if (line === undefined) return undefined;
      const word = line.trim().toLowerCase();
      if (word === '') return usual;
      if (word === 'y' || word === 'yes') return true;
      if (word === 'n' || word === 'no') return false;
    }
  }

  /** Gives the input back. */
  async end(): Promise<void> {
    await this.#input.return?.();
  }

  async #more(): Promise<boolean> {
    const next = await this.#input.next();
    if (next.done === true) return false;
    this.#held += next.value.toString();
    return true;
  }
}
