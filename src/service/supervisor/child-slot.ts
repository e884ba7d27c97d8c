import type { Journal } from '../../events/journal.ts';
import type { PartState } from '../../operate/actions/context.ts';
import type { Child, ChildEnd } from '../../world/ports/children.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { FromChild, PreviousEnd, ToChild } from '../messages.ts';
import { KeptCounts } from '../../operate/metrics/counts.ts';
import { limits } from './limits.ts';

/** What a slot needs to keep one child alive. */
export interface SlotParts {
  readonly role: 'worker' | 'operator';
  readonly index: number;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly fork: () => Child;
  /** The first message to a new child. */
  readonly brief: (previousEnd: PreviousEnd) => ToChild;
  readonly onReady: () => void;
  /** Called where the child has ended. */
  readonly onChanged: () => void;
  /** What on this host keeps such a child from living, as far as it can be seen. */
  readonly whyFailing: (how: string) => Promise<string>;
  /** Calls of the child that are for the supervisor or for others. */
  readonly onCall: (name: string, input: unknown) => Promise<unknown>;
  readonly onPrepared: (generation: number, problem: string | undefined) => void;
}

/** A crash of its own is told from an end that somebody ordered: only the first may be a message's fault. */
export function endKind(end: ChildEnd): PreviousEnd {
  if (end.signal !== undefined) {
    return ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP'].includes(end.signal) ? 'crashed' : 'killed';
  }
  return end.code === 0 ? 'clean' : 'crashed';
}

/** Keeps one child process alive: starts it, starts it again when it ends or hangs, and carries calls both ways. */
export class ChildSlot {
  state: 'starting' | 'ready' | 'waiting' | 'stopping' | 'stopped' = 'stopped';
  restarts = 0;
  sinceMs = 0;
  /** The generation of the configuration that the child was started with. */
  briefed = 0;
  /** What the child says of its parts. */
  parts: readonly PartState[] = [];
  /** What it and its predecessors have counted. */
  readonly counts = new KeptCounts();
  /** Why it does not stay alive, where it has ended so often that this is told instead of each end. */
  failing: string | undefined;
  readonly #parts: SlotParts;
  readonly #calls = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void; timer: Timer }
  >();
  #child: Child | undefined;
  #calling = 0;
  #failures = 0;
  /** How often in a row it ended before it could do anything: one condition, however often it is tried. */
  #unready = 0;
  #steady: Timer | undefined;
  #startedAt = 0;
  #heardAt = 0;
  #spoke = false;
  #timer: Timer | undefined;
  #watch: Timer | undefined;
  #onStopped: (() => void) | undefined;

  constructor(parts: SlotParts) {
    this.#parts = parts;
  }

  get role(): 'worker' | 'operator' {
    return this.#parts.role;
  }

  get index(): number {
    return this.#parts.index;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(previousEnd: PreviousEnd): void {
    const { clock } = this.#parts;
    this.state = 'starting';
    this.parts = [];
    this.sinceMs = clock.wall();
    this.#startedAt = clock.now();
    this.#heardAt = this.#startedAt;
    this.#spoke = false;
    const child = this.#parts.fork();
    this.#child = child;
    child.onMessage((message) => {
      if (child === this.#child) this.#receive(message as FromChild);
    });
    child.onEnd((end) => {
      if (child === this.#child) this.#ended(end);
    });
    const brief = this.#parts.brief(previousEnd);
    if (brief.kind === 'start') this.briefed = brief.briefing.generation;
    child.send(brief);
    this.#watchOver();
  }

  send(message: ToChild, handle?: object): boolean {
    return this.#child?.send(message, handle) ?? false;
  }

  /** Asks the child; rejects when it ends or does not answer. */
  call(name: string, input: unknown): Promise<unknown> {
    this.#calling += 1;
    const id = this.#calling;
    return new Promise((resolve, reject) => {
      // One that is starting answers what it can: it may wait for its storage.
      if ((this.state !== 'ready' && this.state !== 'starting') || !this.send({ kind: 'call', id, name, input })) {
        reject(new Error(`${this.#parts.role} ${this.#parts.index} is ${this.state}`));
        return;
      }
      if (this.silentMs !== undefined) return reject(new Error(this.#silence(this.silentMs)));
      this.#calls.set(id, { resolve, reject, timer: this.#patience(id, reject, limits.callMs) });
    });
  }

  /** For how long it has said nothing at all, where that is longer than it should be. */
  get silentMs(): number | undefined {
    const silent = this.#parts.clock.now() - this.#heardAt;
    return this.state === 'ready' && silent > limits.quietMs ? silent : undefined;
  }

  /** Ends a call that is not answered: at once where the child says nothing at all, and at the latest after `leftMs`. */
  #patience(id: number, reject: (error: Error) => void, leftMs: number): Timer {
    const { clock, role, index } = this.#parts;
    return clock.after(Math.min(leftMs, limits.quietLookMs), () => {
      const silent = this.silentMs;
      const waiting = this.#calls.get(id);
      if (silent === undefined && leftMs > limits.quietLookMs && waiting !== undefined) {
        this.#calls.set(id, { ...waiting, timer: this.#patience(id, reject, leftMs - limits.quietLookMs) });
        return;
      }
      this.#calls.delete(id);
      reject(new Error(silent === undefined ? `${role} ${index} did not answer in time` : this.#silence(silent)));
    });
  }

  #silence(ms: number): string {
    return `${this.#parts.role} ${this.#parts.index} has not reacted for ${Math.round(ms / 1000)} s`;
  }

  /** Asks the child to end, and kills it when it has not by `killAfterMs`. */
  stop(graceMs: number, killAfterMs: number): Promise<void> {
    if (this.#child === undefined || this.state === 'stopped') {
      this.#timer?.cancel();
      this.state = 'stopped';
      return Promise.resolve();
    }
    this.state = 'stopping';
    this.#watch?.cancel();
    this.send({ kind: 'stop', graceMs });
    const kill = this.#parts.clock.after(killAfterMs, () => this.#child?.kill('SIGKILL'));
    return new Promise((resolve) => {
      this.#onStopped = () => {
        kill.cancel();
        resolve();
      };
    });
  }

  #receive(message: FromChild): void {
    this.#heardAt = this.#parts.clock.now();
    this.#spoke = true;
    switch (message.kind) {
      case 'ready':
        if (this.state === 'starting') {
          this.state = 'ready';
          this.sinceMs = this.#parts.clock.wall();
          this.#lives();
        }
        this.#parts.onReady();
        break;
      case 'prepared':
        this.#parts.onPrepared(message.generation, message.problem);
        break;
      case 'call':
        this.#parts.onCall(message.name, message.input).then(
          (result) => this.send({ kind: 'answer', id: message.id, ok: true, result }),
          (error: unknown) => this.send({ kind: 'answer', id: message.id, ok: false, result: String(error) }),
        );
        break;
      case 'answer': {
        const waiting = this.#calls.get(message.id);
        this.#calls.delete(message.id);
        waiting?.timer.cancel();
        if (message.ok) waiting?.resolve(message.result);
        else waiting?.reject(new Error(String(message.result)));
        break;
      }
      case 'alive':
        if (message.counts !== undefined) this.counts.heard(message.counts);
        break;
      case 'stopped':
        break;
    }
  }

  #watchOver(): void {
    this.#watch?.cancel();
    this.#watch = this.#parts.clock.after(limits.watchMs, () => {
      const { clock, journal, role, index } = this.#parts;
      const silent = Math.round(clock.now() - this.#heardAt);
      if (silent <= (this.#spoke ? limits.silentMs : limits.firstWordMs)) return this.#watchOver();
      if (this.failing === undefined) journal.emit('supervisor.child-hung', { role, index, silent });
      this.#child?.kill('SIGABRT');
      // One that was stopped (SIGSTOP) takes no other signal than this.
      this.#watch = clock.after(limits.watchMs, () => this.#child?.kill('SIGKILL'));
    });
  }

  #ended(end: ChildEnd): void {
    const { clock, journal, role, index } = this.#parts;
    this.#watch?.cancel();
    this.#steady?.cancel();
    this.#child = undefined;
    for (const { reject, timer } of this.#calls.values()) {
      timer.cancel();
      reject(new Error(`${role} ${index} ended`));
    }
    this.#calls.clear();
    this.counts.ended();
    if (this.state === 'stopping') {
      this.state = 'stopped';
      this.#onStopped?.();
      return;
    }
    const steady = clock.now() - this.#startedAt >= limits.steadyMs;
    this.#failures = steady ? 0 : this.#failures + 1;
    const step = Math.min(Math.max(this.#failures - 1, 0), limits.restartWaitsMs.length - 1);
    const waitMs = limits.restartWaitsMs[step] ?? 0;
    this.#unready = this.state === 'starting' ? this.#unready + 1 : 0;
    this.restarts += 1;
    this.state = 'waiting';
    this.sinceMs = clock.wall();
    this.parts = [];
    const how = end.errno ?? end.signal ?? `exit code ${end.code ?? 0}`;
    if (this.#unready >= limits.unreadyEndsMax || this.#failures >= limits.endsMax) void this.#tellFailing(how);
    else if (this.#unready <= 1) journal.emit('supervisor.child-ended', { role, index, how, wait: waitMs });
    this.#parts.onChanged();
    this.#timer = clock.after(waitMs, () => this.start(endKind(end)));
  }
  /** That it ends again and again lasts: it is told once, with what is behind it. */
  async #tellFailing(how: string): Promise<void> {
    if (this.failing !== undefined) return;
    this.failing = `it ends again and again (${how})`;
    const { journal, role, index } = this.#parts;
    const times = this.#failures;
    const cause = await this.#parts.whyFailing(how);
    this.failing = `${this.failing}: ${cause}`;
    journal.emit('supervisor.child-failing', { role, index, times, how, cause });
    this.#parts.onChanged();
  }

  /** One that never came so far works again now; one that did so before must have lived for a while. */
  #lives(): void {
    if (this.failing === undefined) return;
    this.#steady = this.#parts.clock.after(this.#unready > 0 ? 0 : limits.steadyMs, () => {
      const { journal, role, index } = this.#parts;
      this.failing = undefined;
      this.#unready = 0;
      journal.emit('supervisor.child-lives', { role, index });
      this.#parts.onChanged();
    });
  }
}
