/**
 * Supervisor: the only privileged process. Binds, locks, forks, lends and watches; holds no mail.
 *
 * Called by the service's main. Promises: a child that ends is started again, and the others never notice; a configuration is
 * confirmed by every worker or not applied at all; a stop ends within ten seconds. Never: reads mail, answers a peer.
 *
 * Diagnostics: service.*, supervisor.*
 */
import type { Journal } from '../../events/journal.ts';
import { type Change, type Problem, printProblem } from '../../operate/config/index.ts';
import type { Children } from '../../world/ports/children.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { Briefing, ListenerState, PreviousEnd } from '../messages.ts';
import { ChildSlot } from './child-slot.ts';
import { LeaseTable } from './leases.ts';
import { type BoundSocket, Listeners } from './listeners.ts';
import { limits } from './limits.ts';

/** What a reload found in the configuration file. */
export type Reloaded =
  | { readonly ok: true; readonly briefing: Briefing; readonly changes: readonly Change[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What the supervisor is made of. */
export interface SupervisorParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly children: Children;
  readonly bind: (address: string, port: number) => BoundSocket;
  readonly inherited: readonly { readonly name: string; readonly socket: BoundSocket }[];
  readonly briefing: Briefing;
  readonly configurationPath: string;
  readonly workers: number;
  /** Shards on disk that no worker of this number would own. */
  readonly orphans: readonly number[];
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** Reads the configuration anew; compares it with what is in use. */
  readonly reload: (inUse: Briefing) => Promise<Reloaded>;
  /** Resolves when the events told so far can be read from disk. */
  readonly writeEvents: () => Promise<void>;
  /** Tells the service manager (sd_notify). */
  readonly notify: (state: string) => void;
  /** Called once everything runs. */
  readonly onStarted: () => void;
}

/** What `ims status` shows of the processes. */
export interface SupervisorStatus {
  readonly generation: number;
  readonly startedAtMs: number;
  readonly configuration: string;
  readonly processes: readonly {
    readonly role: string;
    readonly index: number;
    readonly pid: number | undefined;
    readonly state: string;
    readonly restarts: number;
    readonly sinceMs: number;
  }[];
  readonly listeners: readonly ListenerState[];
}

/** How a reload ended. */
export type ReloadResult =
  | { readonly ok: true; readonly generation: number; readonly changes: readonly Change[] }
  /** The file is wrong (`problems`), or it is right and a worker could not take it (`why`). */
  | { readonly ok: false; readonly problems: readonly Problem[] | undefined; readonly why: string };

/** Runs the processes of one service. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #workers: ChildSlot[] = [];
  readonly #operator: ChildSlot;
  readonly #listeners: Listeners;
  readonly #leases: LeaseTable;
  readonly #startedAtMs: number;
  #briefing: Briefing;
  #accepting = false;
  #announced = false;
  #operatorWait: Timer | undefined;
  #announcement: Timer | undefined;
  #onStopped: (() => void) | undefined;
  #reloading = false;
  #stopping: Promise<void> | undefined;
  #confirmations:
    | { readonly generation: number; readonly told: (worker: number, problem: string | undefined) => void }
    | undefined;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#briefing = parts.briefing;
    this.#startedAtMs = parts.clock.wall();
    for (let index = 0; index < parts.workers; index += 1) this.#workers.push(this.#slot('worker', index));
    this.#operator = this.#slot('operator', 0);
    this.#leases = new LeaseTable(parts.workers, async (worker, key, wanted) => {
      const slot = this.#workers[worker];
      // A worker that is starting has its shares before it; it is not asked.
      return slot?.state === 'ready' ? Number(await slot.call('give-up', { key, wanted })) : 0;
    });
    this.#listeners = new Listeners({
      clock: parts.clock,
      journal: parts.journal,
      bind: parts.bind,
      inherited: parts.inherited,
      onBound: (name, socket) => {
        for (const worker of this.#workers) if (worker.state === 'ready') this.#lend(worker, name, socket);
      },
    });
  }

  start(): void {
    this.#listeners.open(this.#briefing.settings.listeners);
    // Whatever ended the service before, it was not a message: a worker's own crash is seen by a supervisor that lives.
    for (const worker of this.#workers) worker.start('killed');
    // Mail comes first: loading the operator process too would slow the workers down.
    this.#operatorWait = this.#parts.clock.after(limits.operatorWaitMs, () => this.#startOperator());
  }

  status(): SupervisorStatus {
    return {
      generation: this.#briefing.generation,
      startedAtMs: this.#startedAtMs,
      configuration: this.#parts.configurationPath,
      processes: [...this.#workers, this.#operator].map(({ role, index, pid, state, restarts, sinceMs }) => ({
        role,
        index,
        pid,
        state,
        restarts,
        sinceMs,
      })),
      listeners: this.#listeners.states(),
    };
  }

  /** Reads the configuration again; every worker confirms it, or nothing changes. */
  async reload(): Promise<ReloadResult> {
    if (this.#reloading) return { ok: false, problems: undefined, why: 'another reload is under way' };
    this.#reloading = true;
    this.#parts.notify('RELOADING=1');
    try {
      const result = await this.#reloadOnce();
      const { journal, configurationPath } = this.#parts;
      if (result.ok) {
        const list = (names: readonly string[]): string => (names.length === 0 ? 'nothing' : names.join(', '));
        journal.emit('service.configuration-applied', {
          generation: result.generation,
          changed: list(result.changes.map(({ key }) => key)),
          restart: list(result.changes.filter(({ restart }) => restart).map(({ key }) => key)),
        });
      } else {
        journal.emit('service.configuration-refused', { path: configurationPath, problems: result.why });
      }
      return result;
    } finally {
      this.#reloading = false;
      this.#parts.notify('READY=1');
    }
  }

  /** Calls back once everything has ended, whoever ordered it. */
  onStopped(listener: () => void): void {
    this.#onStopped = listener;
  }

  /** Drains and ends everything, within ten seconds. */
  stop(cause: string): Promise<void> {
    this.#stopping ??= this.#stopOnce(cause);
    return this.#stopping;
  }

  async #reloadOnce(): Promise<ReloadResult> {
    const read = await this.#parts.reload(this.#briefing);
    if (!read.ok) return { ok: false, problems: read.problems, why: read.problems.map(printProblem).join('; ') };
    const { briefing } = read;
    const asked = this.#workers.filter(({ state }) => state === 'ready');
    const problems = await this.#confirm(asked, briefing);
    const kind = problems.length === 0 ? 'apply' : 'forget';
    for (const child of [...asked, this.#operator]) child.send({ kind, generation: briefing.generation });
    if (problems.length > 0) return { ok: false, problems: undefined, why: problems.join('; ') };
    this.#briefing = briefing;
    return { ok: true, generation: briefing.generation, changes: read.changes };
  }

  #confirm(asked: readonly ChildSlot[], briefing: Briefing): Promise<readonly string[]> {
    return new Promise((resolve) => {
      const waiting = new Set(asked.map(({ index }) => index));
      const problems: string[] = [];
      const done = (): void => {
        limit.cancel();
        this.#confirmations = undefined;
        resolve(problems);
      };
      const limit = this.#parts.clock.after(limits.prepareMs, () => {
        for (const index of waiting) problems.push(`worker ${index} did not confirm in time`);
        done();
      });
      this.#confirmations = {
        generation: briefing.generation,
        told: (worker, problem) => {
          if (!waiting.delete(worker)) return;
          if (problem !== undefined) problems.push(problem);
          if (waiting.size === 0) done();
        },
      };
      for (const child of [...asked, this.#operator]) child.send({ kind: 'prepare', briefing });
      if (asked.length === 0) done();
    });
  }

  async #stopOnce(cause: string): Promise<void> {
    this.#parts.notify('STOPPING=1');
    this.#operatorWait?.cancel();
    this.#announcement?.cancel();
    this.#listeners.close();
    await Promise.all(this.#workers.map((worker) => worker.stop(limits.drainMs, limits.stopMs)));
    await this.#operator.stop(limits.operatorStopMs, limits.operatorStopMs);
    this.#parts.journal.emit('service.stopped', { cause });
    this.#onStopped?.();
  }

  #slot(role: 'worker' | 'operator', index: number): ChildSlot {
    const { clock, journal, children, user } = this.#parts;
    const slot: ChildSlot = new ChildSlot({
      role,
      index,
      clock,
      journal,
      fork: () => children.start(role, user),
      brief: (previousEnd) => this.#brief(index, previousEnd),
      onReady: () => this.#ready(slot),
      onCall: (name, input) => this.#answer(name, input),
      onPrepared: (generation, problem) => {
        if (role === 'worker' && this.#confirmations?.generation === generation)
          this.#confirmations.told(index, problem);
      },
    });
    return slot;
  }

  #brief(index: number, previousEnd: PreviousEnd) {
    const { workers, orphans } = this.#parts;
    const adopted = orphans.filter((shard) => shard % workers === index);
    return {
      kind: 'start' as const,
      briefing: this.#briefing,
      shard: index,
      workers,
      adopted,
      previousEnd,
      shares: this.#leases.sharesAtStart(index),
    };
  }

  #ready(slot: ChildSlot): void {
    if (slot.briefed < this.#briefing.generation) {
      // A reload went by while it started.
      slot.send({ kind: 'prepare', briefing: this.#briefing });
      slot.send({ kind: 'apply', generation: this.#briefing.generation });
    }
    if (slot.role === 'worker') for (const { name, socket } of this.#listeners.bound()) this.#lend(slot, name, socket);
    if (this.#workers.some(({ state }) => state !== 'ready')) return;
    if (!this.#accepting) {
      this.#accepting = true;
      this.#parts.notify('READY=1');
      this.#announcement = this.#parts.clock.after(limits.announceMs, () => this.#announce());
      this.#startOperator();
    }
    if (this.#operator.state === 'ready') this.#announce();
  }

  #startOperator(): void {
    this.#operatorWait?.cancel();
    if (this.#stopping === undefined && this.#operator.state === 'stopped') this.#operator.start('clean');
  }

  #announce(): void {
    this.#announcement?.cancel();
    if (this.#announced || this.#stopping !== undefined) return;
    this.#announced = true;
    this.#parts.journal.emit('service.started', {
      workers: this.#workers.length,
      listeners: this.#listeners.bound().length,
      generation: this.#briefing.generation,
    });
    this.#parts.onStarted();
  }

  #lend(worker: ChildSlot, name: string, socket: BoundSocket): void {
    worker.send({ kind: 'listen', name, address: socket.address, port: socket.port }, socket.handle);
  }

  /** The answers of all workers, those that cannot answer with why. */
  #askWorkers(call: string, input: unknown): Promise<readonly { worker: number; ok: boolean; result: unknown }[]> {
    return Promise.all(
      this.#workers.map((worker) =>
        worker.call(call, input).then(
          (result) => ({ worker: worker.index, ok: true, result }),
          (error: unknown) => ({
            worker: worker.index,
            ok: false,
            result: error instanceof Error ? error.message : String(error),
          }),
        ),
      ),
    );
  }

  /** What a child may ask for. */
  async #answer(name: string, input: unknown): Promise<unknown> {
    switch (name) {
      case 'status':
        return this.status();
      case 'reload':
        return this.reload();
      case 'stop':
        this.#parts.clock.after(50, () => void this.stop('ordered by the operator'));
        return undefined;
      case 'more': {
        const { worker, key, limit, wanted } = input as { worker: number; key: string; limit: number; wanted: number };
        return this.#leases.more(worker, key, limit, wanted);
      }
      case 'write-events':
        await Promise.all([this.#parts.writeEvents(), this.#askWorkers('write-events', undefined)]);
        return undefined;
      case 'workers': {
        const { call, input: asked } = input as { call: string; input: unknown };
        return this.#askWorkers(call, asked);
      }
      default:
        throw new Error(`unknown call ${name}`);
    }
  }
}
