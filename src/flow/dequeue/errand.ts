import type { Journal } from '../../events/journal.ts';
import { replyKind } from '../../mail/reply.ts';
import type { DequeueEntry, DequeueProgram } from '../../settings/dequeue.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { Programs } from '../../world/ports/process.ts';
import { askHost, type AskParts, type HostAnswer } from './ask-host.ts';
import type { HostDialogue } from './dialogue.ts';
import { DIALOGUE_LINE_CHARACTERS_MAX, DIALOGUE_LINES_MAX, FIRST_RUN_MS, LOOK_AT_CLOCK_MS, PORTS } from './limits.ts';
import type { DequeueProgress, DequeueRun, DequeueState } from './port.ts';
import { runProgram } from './program.ts';
import { intervalOf, nextTimeOfDay, retryWait } from './schedule.ts';
import { Told } from './told.ts';

/** What an entry works with. */
export interface ErrandParts {
  readonly clock: Clock;
  readonly programs: Programs;
  readonly journal: Journal;
  /** What the configuration in force has for asking a host. */
  readonly rooms: () => Omit<AskParts, 'show' | 'opened' | 'clock'>;
  /** Whether mail is taken: while it is not, no host is asked to send any. */
  readonly takes: () => boolean;
  /** Called whenever the state has changed. */
  readonly changed: (state: DequeueState) => void;
}

/** The program before it failed, which has an event of its own. */
const NOT_ASKED = { outcome: 'failed', asked: [], soonAgain: true, byProgram: true } as const;

/** Whoever held the mail would send it in vain, or to another host of ours. */
const PAUSED = {
  outcome: 'paused',
  result: 'not asked: mail is refused by order (ims transfer)',
  asked: [],
  soonAgain: false,
} as const;

/** One entry: runs when its time has come, or when it is told to. One run at a time. */
export class Errand {
  readonly name: string;
  readonly entry: DequeueEntry;
  readonly #parts: ErrandParts;
  readonly #told: Told;
  #timer: Timer | undefined;
  /** By the monotonic clock; undefined where only times of day are given. */
  #dueMs: number | undefined;
  /** Up to where the wall clock has been looked at for times of day. */
  #seenWallMs: number;
  #failures = 0;
  #running = false;
  #closed = false;
  /** A run is owed since mail was refused by order. */
  #owed = false;
  #last: DequeueRun | undefined;
  #lines: string[] = [];
  #dialogue: HostDialogue | undefined;

  constructor(name: string, entry: DequeueEntry, parts: ErrandParts) {
    this.name = name;
    this.entry = entry;
    this.#parts = parts;
    this.#told = new Told(name, this.#host, parts.journal, parts.clock);
    this.#seenWallMs = parts.clock.wall();
    const interval = intervalOf(entry);
    if (interval !== undefined) this.#dueMs = parts.clock.now() + Math.min(interval, FIRST_RUN_MS);
    this.#arm();
    parts.changed(this.state());
  }

  get #host(): string {
    const { command, host, port } = this.entry;
    return command === 'none' || host === undefined ? '' : `${host}:${port ?? PORTS[command]}`;
  }

  state(): DequeueState {
    const { clock } = this.#parts;
    const due = this.#dueMs === undefined ? Infinity : clock.wall() + this.#dueMs - clock.now();
    const next = Math.min(due, nextTimeOfDay(this.entry.at ?? [], this.#seenWallMs) ?? Infinity);
    return {
      name: this.name,
      command: this.entry.command,
      host: this.#host,
      running: this.#running,
      nextAtMs: this.#running || next === Infinity ? undefined : Math.round(next),
      last: this.#last,
      failingSinceMs: this.#told.failingSinceMs,
    };
  }

  progress(fromLine: number): DequeueProgress {
    return { lines: this.#lines.slice(fromLine), running: this.#running, run: this.#last };
  }

  /** Runs now, unless it is running. */
  start(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    this.#timer?.cancel();
    this.#lines = [];
    this.#parts.changed(this.state());
    void this.#run();
  }

  /** Makes up for what was paused. */
  goOn(): void {
    if (this.#owed) this.start();
  }

  /** Begins no more runs; one that is asking a host is ended, one that receives is not. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#dialogue?.destroy();
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    const began = clock.now();
    const atMs = clock.wall();
    const answer = await this.#go().catch((error: unknown): HostAnswer => {
      // The frontier of this entry: whatever went wrong says nothing about others.
      const result = error instanceof Error ? error.message : String(error);
      return { outcome: 'failed', result, asked: [], soonAgain: true };
    });
    this.#dialogue = undefined;
    this.#running = false;
    this.#last = {
      atMs,
      tookMs: Math.round(clock.now() - began),
      outcome: answer.outcome,
      result: answer.result,
    };
    if (this.#closed) return;
    this.#plan(answer);
    this.#tell(answer);
    this.#parts.changed(this.state());
  }

  /** The programs, and the host between them. */
  async #go(): Promise<HostAnswer> {
    const { entry } = this;
    if (!this.#parts.takes()) return PAUSED;
    const before = entry.before === undefined ? undefined : await this.#program('before', entry.before);
    let answer: HostAnswer;
    if (before?.ok === false) answer = { ...NOT_ASKED, result: `the program before it: ${before.words}` };
    else if (entry.command === 'none' || entry.host === undefined)
      answer = { outcome: 'done', result: before?.words ?? '', asked: [], soonAgain: false };
    else {
      const { clock, rooms } = this.#parts;
      const parts: AskParts = {
        ...rooms(),
        clock,
        show: (who, line) => this.#show(who, line),
        opened: (dialogue) => {
          this.#dialogue = dialogue;
          if (this.#closed) dialogue.destroy();
        },
      };
      answer = await askHost(this.name, { ...entry, command: entry.command, host: entry.host }, parts);
    }
    if (entry.after !== undefined) await this.#program('after', entry.after);
    return answer;
  }

  async #program(
    when: 'before' | 'after',
    program: DequeueProgram,
  ): Promise<{ readonly ok: boolean; readonly words: string }> {
    const { programs, clock } = this.#parts;
    const began = clock.now();
    this.#show('*', `running ${program.command.join(' ')}`);
    const environment = { IMS_DEQUEUE: this.name, IMS_HOST: this.entry.host ?? '' };
    const end = await runProgram(programs, program, environment);
    this.#show('*', `${end.words}${end.output === '' ? '' : `: ${end.output}`}`);
    const took = Math.round(clock.now() - began);
    this.#told.programEnded(when, program.command[0] ?? '', { ...end, took });
    return end;
  }

  #show(who: 'S' | 'C' | '*', line: string): void {
    if (this.#lines.length >= DIALOGUE_LINES_MAX) return;
    const clean = line.slice(0, DIALOGUE_LINE_CHARACTERS_MAX).replace(/[\x00-\x1f\x7f]/g, '?');
    this.#lines.push(`${who}: ${clean}`);
  }

  /** A failed run is made again sooner than the schedule says, as long as that makes sense. */
  #plan({ outcome, soonAgain }: HostAnswer): void {
    const { clock } = this.#parts;
    this.#owed = outcome === 'paused';
    if (!this.#owed) this.#failures = outcome === 'failed' || outcome === 'refused' ? this.#failures + 1 : 0;
    const interval = intervalOf(this.entry) ?? Infinity;
    const wait = this.#failures > 0 && soonAgain ? Math.min(interval, retryWait(this.#failures)) : interval;
    this.#dueMs = wait === Infinity ? undefined : clock.now() + wait;
    this.#arm();
  }

  #tell({ outcome, result, asked, byProgram }: HostAnswer): void {
    const told = this.#told;
    if (asked.length > 0) told.asked(this.entry.command.toUpperCase(), result);
    for (const { line, reply } of asked)
      if (replyKind(reply) !== 'positive' && reply.code !== 453) told.refused(line, reply);
    if (outcome === 'paused') return;
    if (outcome === 'done' || outcome === 'nothing') told.works();
    else if (outcome === 'failed' && !byProgram) {
      const { nextAtMs } = this.state();
      told.failed(result, Math.max(0, (nextAtMs ?? 0) - this.#parts.clock.wall()));
    } else told.fails();
  }

  #arm(): void {
    const { clock } = this.#parts;
    if (this.#closed) return;
    this.#timer?.cancel();
    const wall = clock.wall();
    const time = nextTimeOfDay(this.entry.at ?? [], this.#seenWallMs);
    const untilTime = time === undefined ? Infinity : Math.min(Math.max(0, time - wall), LOOK_AT_CLOCK_MS);
    const untilDue = this.#dueMs === undefined ? Infinity : Math.max(0, this.#dueMs - clock.now());
    const wait = Math.min(untilTime, untilDue);
    if (wait !== Infinity) this.#timer = clock.after(Math.ceil(wait), () => this.#look());
  }

  #look(): void {
    const { clock } = this.#parts;
    const wall = clock.wall();
    const time = nextTimeOfDay(this.entry.at ?? [], this.#seenWallMs);
    this.#seenWallMs = wall;
    const timeHasCome = time !== undefined && time <= wall;
    if (timeHasCome || (this.#dueMs !== undefined && this.#dueMs <= clock.now())) this.start();
    else this.#arm();
  }
}
