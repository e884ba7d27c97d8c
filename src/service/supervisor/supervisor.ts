/**
 * Supervisor: the only privileged process. Binds, locks, forks, lends and watches; holds no mail.
 *
 * Called by the service's main. Promises: a child that ends is started again, and the others never notice; a configuration is
 * confirmed by every worker or not applied at all; a stop ends within ten seconds. Never: reads mail, answers a peer.
 *
 * Diagnostics: service.*, supervisor.*
 */
import type { EventRecord } from '../../events/render.ts';
import type { PartState } from '../../operate/actions/context.ts';
import { type Attention, listensForMail, verdictOf } from '../../operate/actions/verdict.ts';
import { printProblem } from '../../operate/config/index.ts';
import type { CountRecord } from '../../operate/metrics/counts.ts';
import type { Children } from '../../world/ports/children.ts';
import type { Timer } from '../../world/ports/clock.ts';
import type { Briefing, PreviousEnd } from '../messages.ts';
import type { Board } from '../parts/board.ts';
import type { Reloaded, ReloadResult, SupervisorStatus } from './answers.ts';
import { askWorkers, measure } from './asking.ts';
import { ChildSlot, type SlotParts } from './child-slot.ts';
import { LeaseTable } from './leases.ts';
import { type BoundSocket, Listeners } from './listeners.ts';
import { limits } from './limits.ts';
import { LentSockets } from './lent-sockets.ts';
import { isHeldUp, overview, processOf } from './overview.ts';
import { Verdict } from './verdict.ts';

/** What the supervisor is made of. */
export interface SupervisorParts extends Pick<SlotParts, 'clock' | 'journal' | 'whyFailing'> {
  readonly children: Children;
  readonly bind: (address: string, port: number) => BoundSocket;
  /** Gives a UNIX socket to the user that the service works as. */
  readonly give: (path: string) => void;
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
  /** The supervisor's own parts: configuration, storage, certificate. */
  readonly board: Board;
  /** The last events of this process. */
  readonly recentEvents: () => readonly EventRecord[];
  /** What this process has counted. */
  readonly counts?: () => CountRecord;
  /** Tells the service manager (sd_notify). */
  readonly notify: (state: string) => void;
  /** Called once everything runs. */
  readonly onStarted: () => void;
}

/** Runs the processes of one service. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #workers: ChildSlot[] = [];
  readonly #operator: ChildSlot;
  readonly #listeners: Listeners;
  readonly #leases: LeaseTable;
  readonly #startedAtMs: number;
  readonly #verdict: Verdict;
  readonly #lent: LentSockets;
  #orphans: readonly number[];
  #briefing: Briefing;
  readonly #listening = new Set<ChildSlot>();
  #accepting = false;
  #announced = false;
  /** Whether the start was said to be one in part. */
  #told = false;
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
    this.#orphans = parts.orphans;
    this.#lent = new LentSockets(parts);
    this.#verdict = new Verdict(parts, () => this.status().parts);
    parts.board.onChange(() => this.#changed());
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
      layer: parts.briefing.layer,
      onChanged: () => this.#changed(),
      onBound: (name, socket) => {
        for (const worker of this.#workers) if (worker.state === 'ready') this.#lend(worker, name, socket);
      },
    });
  }

  /** The storage is there now: starts the rest. The operator process begins anew at the place where it belongs. */
  async storageFound(briefing: Briefing, orphans: readonly number[]): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#briefing = briefing;
    this.#orphans = orphans;
    await this.#operator.stop(limits.operatorStopMs, limits.operatorStopMs);
    if (this.#workers.every(({ state }) => state === 'stopped')) return this.start();
    // They run already, for want of space alone; what lies in the storage, such as a certificate, they get now.
    this.startOperator();
    await this.reload();
  }

  /** Lets the operator process begin anew, at another place while the configured one is gone, or back there. */
  async moveOperator(to: { readonly place?: string }): Promise<void> {
    const { place: _, ...briefing } = this.#briefing;
    this.#briefing = { ...briefing, ...to };
    await this.#operator.stop(limits.operatorStopMs, limits.operatorStopMs);
    this.startOperator();
  }

  start(): void {
    if (this.#stopping !== undefined) return;
    this.#listeners.open(this.#briefing.settings.listeners);
    // Whatever ended the service before, it was not a message: a worker's own crash is seen by a supervisor that lives.
    for (const worker of this.#workers) worker.start('killed');
    // Mail comes first: what the operator process does at its start would slow the workers down.
    this.#operatorWait = this.#parts.clock.after(limits.operatorWaitMs, () => this.startOperator());
  }

  status(): SupervisorStatus {
    const children = [...this.#workers, this.#operator];
    const listeners = this.#listeners.states();
    const startedAtMs = this.#startedAtMs;
    return {
      parts: overview({ own: this.#parts.board.all(), briefing: this.#briefing, listeners, children, startedAtMs }),
      generation: this.#briefing.generation,
      startedAtMs,
      configuration: this.#parts.configurationPath,
      processes: children.map(processOf),
      listeners,
    };
  }

  /** Reads the configuration again; every worker confirms it, or nothing changes. */
  async reload(read: SupervisorParts['reload'] = this.#parts.reload): Promise<ReloadResult> {
    if (this.#reloading) return { ok: false, problems: undefined, why: 'another reload is under way' };
    this.#reloading = true;
    this.#parts.notify('RELOADING=1');
    try {
      const result = await this.#reloadOnce(read);
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
      this.#parts.notify(this.#verdict.with('READY=1'));
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

  async #reloadOnce(from: SupervisorParts['reload']): Promise<ReloadResult> {
    const read = await from(this.#briefing);
    if (!read.ok) return { ok: false, problems: read.problems, why: read.problems.map(printProblem).join('; ') };
    const briefing = this.#listeners.withoutGivenUp(read.briefing, read.listeners);
    const asked = this.#workers.filter(({ state }) => state === 'ready');
    const problems = await this.#confirm(asked, briefing);
    const kind = problems.length === 0 ? 'apply' : 'forget';
    for (const child of [...asked, this.#operator]) child.send({ kind, generation: briefing.generation });
    if (problems.length > 0) return { ok: false, problems: undefined, why: problems.join('; ') };
    this.#briefing = briefing;
    read.applied();
    this.#listeners.giveUp(read.listeners);
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
    this.#verdict.end();
    this.#parts.board.set({ part: 'service', state: 'stopped', cause });
    this.#listeners.close();
    await Promise.all(this.#workers.map((worker) => worker.stop(limits.drainMs, limits.stopMs)));
    await this.#operator.stop(limits.operatorStopMs, limits.operatorStopMs);
    this.#lent.close();
    this.#parts.journal.emit('service.stopped', { cause });
    this.#onStopped?.();
  }

  #slot(role: 'worker' | 'operator', index: number): ChildSlot {
    const { clock, journal, children, user, whyFailing } = this.#parts;
    const slot: ChildSlot = new ChildSlot({
      role,
      index,
      clock,
      journal,
      fork: () => children.start(role, user),
      brief: (previousEnd) => this.#brief(index, previousEnd),
      onReady: () => this.#ready(slot),
      onChanged: () => this.#changed(),
      whyFailing,
      onCall: (name, input) => this.#answer(name, input, slot),
      onPrepared: (generation, problem) => {
        if (role === 'worker' && this.#confirmations?.generation === generation)
          this.#confirmations.told(index, problem);
      },
    });
    return slot;
  }

  #brief(index: number, previousEnd: PreviousEnd) {
    const { workers } = this.#parts;
    const adopted = this.#orphans.filter((shard) => shard % workers === index);
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
    if (slot.role === 'worker') {
      for (const { name, socket } of this.#listeners.bound()) this.#lend(slot, name, socket);
      // A connection that comes before the worker listens would be refused: until then the service does not run.
      slot.call('listening', undefined).then(
        () => this.#started(slot),
        () => undefined, // it has ended, and its successor will listen
      );
    }
    this.#changed();
    if (slot.role === 'operator') this.#started(slot);
  }

  /** Once all workers take mail the service runs; it is said when the operator process answers too. */
  #started(slot: ChildSlot): void {
    this.#listening.add(slot);
    if (!this.#workers.every((worker) => worker.state === 'ready' && this.#listening.has(worker))) return;
    if (!this.#accepting) {
      this.#accepting = true;
      this.#parts.notify(this.#verdict.with('READY=1'));
      this.#announcement = this.#parts.clock.after(limits.announceMs, () => this.#announce());
      this.startOperator();
    }
    if (this.#operator.state === 'ready') this.#announce();
  }

  /** Some part is otherwise than it was. */
  #changed(): void {
    this.#verdict.changed();
    if (this.#accepting || this.#stopping !== undefined) return;
    const heldUp = this.#workers.some(isHeldUp) || this.#parts.board.all().some(({ state }) => state === 'failed');
    if (!heldUp) return;
    // What keeps mail from being accepted must not keep the explanation of it.
    this.startOperator();
    if (this.#told || this.#operator.state !== 'ready') return;
    if (this.#workers.some((worker) => worker.state === 'starting' && !isHeldUp(worker))) return;
    this.#tellInPart();
    this.#parts.notify(this.#verdict.with('READY=1'));
  }

  /** The last event of a troubled start is its cause. */
  #tellInPart(): void {
    this.#told = true;
    this.#parts.journal.emit('service.runs-in-part', { verdict: verdictOf(this.status().parts) });
  }

  /** Starts what needs no storage: the operator process, which explains why the rest waits. */
  startOperator(): void {
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
    if (!this.#told && !listensForMail(this.status().parts)) this.#tellInPart();
  }

  #lend(worker: ChildSlot, name: string, socket: BoundSocket): void {
    worker.send({ kind: 'listen', name, address: socket.address, port: socket.port }, socket.handle);
  }

  /** What a child may ask for. */
  async #answer(name: string, input: unknown, slot: ChildSlot): Promise<unknown> {
    switch (name) {
      case 'parts': {
        const { parts, attention } = input as { parts: readonly PartState[]; attention?: readonly Attention[] };
        slot.parts = parts;
        if (attention !== undefined) this.#verdict.attention = attention;
        this.#changed();
        return undefined;
      }
      case 'recent-events': {
        const answers = await askWorkers(this.#workers, 'recent-events', undefined);
        return [
          ...this.#parts.recentEvents(),
          ...answers.flatMap(({ ok, result }) => (ok ? (result as EventRecord[]) : [])),
        ];
      }
      case 'status':
        return this.status();
      case 'measures':
        return measure(this.#workers, this.#operator, this.#parts.counts?.() ?? {}, this.#parts.clock);
      case 'reload':
        return this.reload();
      case 'stop':
        this.#parts.clock.after(50, () => void this.stop('ordered by the operator'));
        return undefined;
      case 'more': {
        const { worker, key, limit, wanted } = input as { worker: number; key: string; limit: number; wanted: number };
        return this.#leases.more(worker, key, limit, wanted);
      }
      case 'lend-socket':
        return this.#lent.lend(input, (of, socket) => this.#lend(slot, of, socket));
      case 'write-events':
        await Promise.all([this.#parts.writeEvents(), askWorkers(this.#workers, 'write-events', undefined)]);
        return undefined;
      case 'suspect':
        return this.#operator.call('suspect', input);
      case 'workers': {
        const { call, input: asked } = input as { call: string; input: unknown };
        return askWorkers(this.#workers, call, asked);
      }
      default:
        throw new Error(`unknown call ${name}`);
    }
  }
}
