/** The operator process: the control socket, and everything that looks into the service. A fault of it never stops mail. */
import { type OperatorContext, runAction, type Supervisor, type Workers } from '../../operate/actions/index.ts';
import type { ServiceStatus } from '../../operate/actions/context.ts';
import { acceptsMail } from '../../operate/actions/verdict.ts';
import type { Condition } from '../../operate/doctor/condition.ts';
import { type ActionEnd, type ControlServer, serveControl } from '../../operate/control/server.ts';
import type { EventRecord as WrittenEvent } from '../../events/render.ts';
import { type EventLog, openEventLog } from '../../operate/journal/event-log.ts';
import { createJournal, type Levels, type RunningJournal } from '../../operate/journal/journal.ts';
import { lookAtMetrics } from '../../operate/metrics/look.ts';
import type { Measures } from '../../operate/metrics/measures.ts';
import { metricsText } from '../../operate/metrics/text.ts';
import type { CountRecord } from '../../operate/metrics/counts.ts';
import { outputWriter } from '../../operate/journal/output-writer.ts';
import { searchTimelines } from '../../operate/tracking/search.ts';
import { MovementKeeper } from '../../operate/movement/keeper.ts';
import { TransferKeeper } from '../../operate/transfer/keeper.ts';
import type { Settings } from '../../settings/index.ts';
import type { Host } from '../../world/ports/host.ts';
import type { Http } from '../../world/ports/http.ts';
import type { Output } from '../../world/ports/output.ts';
import type { World } from '../../world/world.ts';
import type { Voice } from '../last-words.ts';
import type { ToChild } from '../messages.ts';
import { Board } from '../parts/board.ts';
import { heardBy } from '../parts/from-events.ts';
import { eventDirectory, runDirectory } from '../paths.ts';
import { RecentEvents } from '../recent-events.ts';
import type { ReloadResult, SupervisorStatus } from '../supervisor/answers.ts';
import { VERSION } from '../version.ts';
import { Administration } from './administration.ts';
import { eventReader } from './event-reader.ts';
import { beginExamination, type Examination } from './examination.ts';
import { HealthEndpoint, type HealthLook } from './health.ts';
import { LentSockets } from './lent-sockets.ts';
import { serviceStatus } from './status.ts';
import type { ChildDuties, SupervisorLink } from '../worker/link.ts';

/** Waits before a control socket that could not be served is tried again. */
const CONTROL_RETRY_MS = 5_000;

/** What the operator process needs besides what it is told. */
export interface OperatorParts {
  readonly world: World;
  readonly output: Output;
  /** What the examiner looks at; without it nothing is examined. */
  readonly host?: () => Promise<Host>;
  /** What serves the console and the administrator API; without it they are not served. */
  readonly http?: () => Promise<Http>;
  /** Where the program lies. */
  readonly programDirectory?: string;
}

/** Makes the duties of the operator process. */
export function createOperator(parts: OperatorParts, supervisor: SupervisorLink): ChildDuties {
  return new Operator(parts, supervisor);
}

class Operator implements ChildDuties {
  readonly #parts: OperatorParts;
  readonly #supervisor: SupervisorLink;
  readonly #prepared = new Map<number, Settings>();
  #settings: Settings | undefined;
  #journal: RunningJournal | undefined;
  #log: EventLog | undefined;
  #control: ControlServer | undefined;
  #examination: Examination | undefined;
  #levels: Levels = {};
  #stopped = false;
  #health: HealthEndpoint | undefined;
  #administration: Administration | undefined;
  readonly #lent: LentSockets;
  readonly #recent = new RecentEvents();
  readonly #board: Board;
  readonly #movement: MovementKeeper;
  #transfer: TransferKeeper | undefined;

  constructor(parts: OperatorParts, supervisor: SupervisorLink) {
    this.#parts = parts;
    this.#supervisor = supervisor;
    this.#lent = new LentSockets(supervisor);
    this.#board = new Board(parts.world.clock);
    this.#movement = new MovementKeeper({
      ...parts.world,
      workers: this.#workers(),
      settings: () => this.#now(),
      looked: (answers) => void this.#transfer?.heard(answers.map(({ mode }) => mode)),
    });
  }

  async start({ briefing }: Extract<ToChild, { kind: 'start' }>): Promise<void> {
    const { world, output } = this.#parts;
    const { settings, place } = briefing;
    this.#settings = settings;
    this.#levels = settings.events.levels;
    const plain = createJournal({
      clock: world.clock,
      process: { role: 'operator' },
      levels: settings.events.levels,
      writers: [outputWriter(output, settings.events.format, 'standard output', () => journal), this.#recent],
      heard: this.#recent.heard,
    });
    const journal: RunningJournal = heardBy(plain, this.#board, 'operator');
    this.#journal = journal;
    // Nothing may be made below a data directory that cannot be used: there the events are in memory alone.
    if (place === undefined) {
      this.#log = openEventLog({
        world,
        directory: eventDirectory(settings, 'operator'),
        settings: settings.events,
        journal: () => journal,
      });
      journal.add(this.#log);
    }
    const transfer = new TransferKeeper({
      ...world,
      journal,
      workers: this.#workers(),
      data: () => (place === undefined ? this.#now().server.data : undefined),
      board: this.#board,
    });
    this.#transfer = transfer;
    await transfer.start((await this.#status()).startedAtMs);
    const context = this.#context(journal, transfer);
    await this.#serve(context, journal, place ?? runDirectory(settings));
    this.#health = new HealthEndpoint({
      world,
      journal,
      board: this.#board,
      look: () => this.#healthLook(),
      socket: (at) => this.#lent.borrow('health', at),
      metrics: async (form) => metricsText(await lookAtMetrics(context), form),
    });
    await this.#health.use(settings.server.health);
    this.#administer(context, journal, place ?? settings.server.data);
    this.#examine(context, journal, place);
    this.#movement.start();
    this.#tellParts();
    this.#board.onChange(() => this.#tellParts());
  }

  /** Serves the control socket; where it cannot be, tries again and again. */
  async #serve(context: OperatorContext, journal: RunningJournal, directory: string, told = ''): Promise<void> {
    const { world } = this.#parts;
    const part = 'control socket';
    const control = await serveControl({
      network: world.network,
      disk: world.disk,
      journal,
      directory,
      version: VERSION,
      run: (action, input, stream) => runAction(context, action, input, stream),
    }).catch((error: unknown) => ({ ok: false as const, why: error instanceof Error ? error.message : String(error) }));
    if (control.ok) {
      this.#control = control.server;
      this.#board.set({ part, state: 'running' });
      if (this.#stopped) await control.server.close();
      return;
    }
    const { why } = control;
    if (why !== told) journal.emit('service.part-failed', { part, error: why });
    this.#board.set({ part, state: 'failed', event: 4751, cause: why, cure: 'ims doctor --only service' });
    if (!this.#stopped)
      world.clock.after(CONTROL_RETRY_MS, () => {
        if (!this.#stopped) void this.#serve(context, journal, directory, why);
      });
  }

  /** Tells the supervisor how the parts of this process are, and what the checks have found. */
  #tellParts(): void {
    const attention = this.#conditions().map(({ cause, event }) => ({
      cause,
      ...(event === undefined ? {} : { event }),
    }));
    void this.#supervisor.ask('parts', { parts: this.#board.all(), attention }).catch(() => undefined); // it is told again with the next change
  }

  #conditions(): readonly Condition[] {
    // The status itself lists every part: what it says must not be said twice.
    return (this.#examination?.conditions() ?? []).filter(({ check }) => check !== 'service.everything-runs');
  }

  async #healthLook(): Promise<HealthLook> {
    const { verdict, parts } = await this.#status();
    return { verdict, ready: acceptsMail(parts) };
  }

  async #status(): Promise<ServiceStatus> {
    return serviceStatus((await this.#supervisor.ask('status', {})) as SupervisorStatus, this.#conditions());
  }

  readonly listen: ChildDuties['listen'] = ({ name }, handle) => this.#lent.came(name, handle);

  async prepare({ briefing }: Extract<ToChild, { kind: 'prepare' }>): Promise<void> {
    this.#prepared.set(briefing.generation, briefing.settings);
  }

  apply(generation: number): void {
    const next = this.#prepared.get(generation);
    this.#prepared.clear();
    if (next === undefined) return;
    this.#settings = next;
    this.#setLevels(next.events.levels);
    void this.#health?.use(next.server.health);
    this.#administration?.use(next.server.console);
    this.#examination?.lookSoon();
  }

  forget(generation: number): void {
    this.#prepared.delete(generation);
  }

  async call(name: string, input: unknown): Promise<unknown> {
    if (name === 'suspect') return this.#examination?.suspect(String(input));
    throw new Error(`the operator process answers no calls (${name})`);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#examination?.stop();
    this.#movement.stop();
    this.#transfer?.stop();
    this.#health?.close();
    this.#administration?.close();
    await this.#control?.close();
    await this.#log?.close();
  }

  counts(): CountRecord {
    return this.#recent.counts();
  }

  voice(): Voice | undefined {
    return this.#journal && { journal: this.#journal, flush: async () => this.#log?.close() };
  }

  #examine(context: OperatorContext, journal: RunningJournal, place: string | undefined): void {
    const { world, host } = this.#parts;
    if (host === undefined) return;
    this.#examination = beginExamination({
      world,
      host,
      directory: place ?? this.#now().server.data,
      journal: {
        emit: (name, given) => {
          journal.emit(name, given);
          this.#tellParts();
        },
      },
      settings: () => this.#now(),
      status: () => context.supervisor.status(),
      async request(action, input) {
        const end = await runWhole(context, action, input);
        return end.ok ? end.result : undefined;
      },
    });
  }

  #administer(context: OperatorContext, journal: RunningJournal, directory: string): void {
    const { world, http, programDirectory = '' } = this.#parts;
    if (http === undefined) return;
    this.#administration = new Administration({
      world,
      journal,
      board: this.#board,
      http,
      programDirectory,
      directory,
      serverName: () => this.#now().server.name,
      socket: (at) => this.#lent.borrow('console', at),
      run: (action, input) => runWhole(context, action, input),
    });
    this.#administration.use(this.#now().server.console);
  }

  #now(): Settings {
    if (this.#settings === undefined) throw new Error('the operator process has not started yet');
    return this.#settings;
  }

  #setLevels(levels: Levels): void {
    this.#levels = levels;
    this.#journal?.setLevels(levels);
  }

  #context(journal: RunningJournal, transfer: TransferKeeper): OperatorContext {
    const { world } = this.#parts;
    return {
      workers: this.#workers(),
      supervisor: this.#supervisorActions(),
      settings: () => this.#now(),
      conditions: () => this.#conditions(),
      lookAgain: async (checks) => this.#examination?.lookAgain(checks),
      examine: async (only) => this.#examination?.examine(only),
      console: () => this.#administration?.look() ?? { place: undefined, served: false },
      movement: () => this.#movement.look(),
      transfer,
      disk: world.disk,
      clock: world.clock,
      journal,
      timelines: {
        find: async (query, most) => {
          // What the workers have not written yet belongs to the answer too.
          await this.#supervisor.ask('workers', { call: 'write-timeline', input: undefined });
          const directories = await this.#logDirectories('timeline');
          return searchTimelines({ disk: world.disk, directories, query, most });
        },
      },
      events: eventReader({
        ...world,
        directories: () => this.#logDirectories('events'),
        // What was told just now belongs to the answer, also what is not written yet.
        write: () => Promise.all([this.#log?.flush(), this.#supervisor.ask('write-events', undefined)]),
        unwritten: async () => [
          ...((await this.#supervisor.ask('recent-events', undefined)) as WrittenEvent[]),
          ...this.#recent.all(),
        ],
      }),
    };
  }

  /** The directories of all processes that write there, also of those that are gone. */
  async #logDirectories(kind: 'timeline' | 'events'): Promise<readonly string[]> {
    const { disk } = this.#parts.world;
    const parent = `${this.#now().server.data}/${kind}`;
    if ((await disk.entry(parent)) === undefined) return [];
    return (await disk.list(parent)).map((name) => `${parent}/${name}`);
  }

  #workers(): Workers {
    return {
      call: async (name, input) => {
        const answers = (await this.#supervisor.ask('workers', { call: name, input })) as readonly {
          worker: number;
          ok: boolean;
          result: unknown;
        }[];
        return answers.map(({ worker, ok, result }) =>
          ok ? { worker, ok, result } : { worker, ok, why: String(result) },
        ) as unknown as Awaited<ReturnType<Workers['call']>> as never; // the worker's side is typed by the same table (WorkerCalls)
      },
    };
  }

  #supervisorActions(): Supervisor {
    return {
      status: () => this.#status(),
      measures: async () => (await this.#supervisor.ask('measures', undefined)) as Measures,
      reload: async () => {
        const result = (await this.#supervisor.ask('reload', {})) as ReloadResult;
        if (result.ok) return { kind: 'applied', generation: result.generation, changes: result.changes, warnings: [] };
        return result.problems === undefined
          ? { kind: 'unconfirmed', why: result.why }
          : { kind: 'refused', problems: result.problems };
      },
      stop: async () => {
        await this.#supervisor.ask('stop', {});
      },
      setLevels: async (levels) => {
        const next = { ...this.#levels, ...levels };
        this.#setLevels(next);
        await this.#supervisor.ask('workers', { call: 'levels', input: next });
      },
      levels: async () => this.#levels,
    };
  }
}

/** Runs an action for whoever takes its answer whole. */
const runWhole = (context: OperatorContext, action: string, input: unknown): Promise<ActionEnd> =>
  runAction(context, action, input, { item: () => false, onGone: () => undefined });
