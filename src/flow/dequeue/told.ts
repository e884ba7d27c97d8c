import { conditions } from '../../events/condition.ts';
import type { Journal } from '../../events/journal.ts';
import type { Reply } from '../../mail/reply.ts';
import type { Clock } from '../../world/ports/clock.ts';
import { WORDS_MAX } from './limits.ts';

/** What was told of an entry: that it does not work once as long as that lasts, and that it works again. */
export class Told {
  readonly #entry: string;
  readonly #host: string;
  readonly #journal: Journal;
  readonly #clock: Pick<Clock, 'wall'>;
  #raised;
  #failingSinceMs: number | undefined;

  constructor(entry: string, host: string, journal: Journal, clock: Pick<Clock, 'wall'>) {
    this.#entry = entry;
    this.#host = host;
    this.#journal = journal;
    this.#clock = clock;
    this.#raised = conditions(journal);
  }

  get failingSinceMs(): number | undefined {
    return this.#failingSinceMs;
  }

  asked(command: string, result: string): void {
    const { entry, host } = this.#names;
    this.#journal.emit('dequeue.asked', { entry, host, command, result: result.slice(0, WORDS_MAX) });
  }

  failed(why: string, next: number): void {
    this.fails();
    const { entry, host } = this.#names;
    this.#raised.raise('failed', 'dequeue.failed', { entry, host, why: why.slice(0, WORDS_MAX), next });
  }

  refused(command: string, reply: Reply): void {
    this.fails();
    const { entry, host } = this.#names;
    this.#raised.raise(`refused ${command} ${reply.code}`, 'dequeue.refused', { entry, host, command, reply });
  }

  programEnded(
    when: 'before' | 'after',
    program: string,
    end: { readonly took: number; readonly ok: boolean; readonly words: string; readonly output: string },
  ): void {
    const { entry } = this.#names;
    const { took, ok, words, output } = end;
    if (ok) {
      this.#raised.clear(`program ${when}`);
      this.#journal.emit('dequeue.program-ended', { entry, when, program, took, result: words, output });
    } else
      this.#raised.raise(`program ${when}`, 'dequeue.program-failed', { entry, when, program, why: words, output });
  }

  /** Everything went well. */
  works(): void {
    const since = this.#failingSinceMs;
    if (since === undefined) return;
    this.#failingSinceMs = undefined;
    this.#raised = conditions(this.#journal);
    const { entry, host } = this.#names;
    this.#journal.emit('dequeue.works-again', { entry, host, lasted: Math.max(0, this.#clock.wall() - since) });
  }

  /** It does not work, and no event needs to say so. */
  fails(): void {
    this.#failingSinceMs ??= this.#clock.wall();
  }

  get #names(): { readonly entry: string; readonly host: string } {
    return { entry: this.#entry, host: this.#host };
  }
}
