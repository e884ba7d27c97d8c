import { loadConfiguration } from '../../src/operate/config/index.ts';
import { createJournal } from '../../src/operate/journal/journal.ts';
import { outputWriter } from '../../src/operate/journal/output-writer.ts';
import { Board } from '../../src/service/parts/board.ts';
import { createOperator } from '../../src/service/operator/operator.ts';
import { Supervisor } from '../../src/service/supervisor/supervisor.ts';
import { type ChildDuties, serveSupervisor } from '../../src/service/worker/link.ts';
import { createWorker } from '../../src/service/worker/worker.ts';
import type { Settings } from '../../src/settings/index.ts';
import type { Journal } from '../../src/events/journal.ts';
import type { Output } from '../../src/world/ports/output.ts';
import { type ChildProgram, type SimChild, simChildren } from '../../src/world/sim/children.ts';
import type { SimMachine } from '../../src/world/sim/machine.ts';
import { handleOf } from '../../src/world/sim/network.ts';
import type { SimProcess } from '../../src/world/sim/process.ts';
import type { SimTime } from '../../src/world/sim/time.ts';
import type { Ledger } from './ledger.ts';

/** Segments so small that a run seals and compacts some. */
const GEOMETRY = {
  segmentBytes: 128 * 1024,
  batchBytes: 64 * 1024,
  inlineBytes: 4096,
  slackBytes: 64 * 1024,
  spareSegments: 1,
  reserveSegments: 1,
};

/** The service of a simulation as a person at its machine has it. */
export interface SimService {
  /** Starts the supervisor, where it does not run. */
  start(): void;
  /** Ends it in order. */
  stop(): void;
  readonly supervisor: SimProcess | undefined;
  readonly children: readonly SimChild[];
  /** Asks a worker, past the supervisor. */
  askAll(name: string, input: unknown): Promise<readonly unknown[] | undefined>;
}

/** What the service of a simulation runs in. */
export interface ServiceParts {
  readonly time: SimTime;
  readonly machine: SimMachine;
  readonly settings: Settings;
  readonly workers: number;
  readonly ledger: Ledger;
  readonly nameServer: string;
  /** Takes every event of every process, as its standard output. */
  readonly line: (text: string) => void;
}

/** The settings of simulations. */
export function simSettings(text: string): Settings {
  const loaded = loadConfiguration(text, 'ims.yaml', { directory: '/srv' });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message }) => `${line}: ${message}`).join('; '));
  return loaded.settings;
}

/** Makes a service that is not started yet. */
export function makeService(parts: ServiceParts): SimService {
  const { time, machine, settings } = parts;
  const locks = new Map<string, SimProcess>();
  const duties = new Map<SimProcess, ChildDuties>();
  let current:
    | {
        readonly process: SimProcess;
        readonly supervisor: Supervisor;
        readonly children: ReturnType<typeof simChildren>;
      }
    | undefined;
  const output: Output = {
    terminal: false,
    dropped: 0,
    line(text) {
      parts.line(text);
      return true;
    },
    onRoom: () => undefined,
    flush: () => Promise.resolve(),
  };

  const main = (role: 'worker' | 'operator', { process, world, link, exit }: ChildProgram): void => {
    const takeLock = async (path: string): Promise<object | 'held'> => {
      const holder = locks.get(path);
      if (holder?.alive === true && holder !== process) return 'held';
      locks.set(path, process);
      return {};
    };
    serveSupervisor(
      link,
      world.clock,
      (supervisor) => {
        const made =
          role === 'operator'
            ? createOperator({ world, output }, supervisor)
            : createWorker(
                {
                  world,
                  output,
                  descriptors: { used: () => 20, limit: 10_000 },
                  ownAddresses: () => [machine.address],
                  verifyPassword: () => Promise.resolve(false),
                  takeLock,
                  witness: { add: (entry) => parts.ledger.told(entry, time.now) },
                  queueGeometry: GEOMETRY,
                },
                supervisor,
              );
        if (role === 'worker') duties.set(process, made);
        return made;
      },
      exit,
    );
  };

  const start = (): void => {
    if (current?.process.alive === true || !machine.powered) return;
    const { process, world } = machine.begin('supervisor');
    const journal: Journal = createJournal({
      clock: world.clock,
      process: { role: 'supervisor' },
      levels: settings.events.levels,
      writers: [outputWriter(output, 'json', 'standard output', () => journal)],
    });
    const children = simChildren({ time, machine, parent: process, main });
    const supervisor = new Supervisor({
      clock: world.clock,
      journal,
      children,
      give: () => undefined,
      bind(address, port) {
        const socket = machine.bind(process, address, port);
        return { handle: handleOf(socket), address, port, close: () => socket.letGo(process) };
      },
      inherited: [],
      briefing: { generation: 1, settings, certificate: undefined, nameServers: [parts.nameServer] },
      configurationPath: '/etc/ims.yaml',
      workers: parts.workers,
      orphans: [],
      user: undefined,
      writeEvents: async () => undefined,
      board: new Board(world.clock),
      whyFailing: async () => 'it is as the simulation has it',
      recentEvents: () => [],
      reload: () => Promise.resolve({ ok: false, problems: [] }),
      notify: () => undefined,
      onStarted: () => undefined,
    });
    current = { process, supervisor, children };
    supervisor.start();
  };

  return {
    start,
    stop() {
      const running = current;
      if (running?.process.alive !== true) return;
      void running.supervisor.stop('ordered').then(() => running.process.end('ended'));
    },
    get supervisor() {
      return current?.process.alive === true ? current.process : undefined;
    },
    get children() {
      return current?.children.running ?? [];
    },
    async askAll(name, input) {
      const workers = (current?.children.running ?? []).filter(
        ({ role, process }) => role === 'worker' && process.alive,
      );
      if (workers.length < parts.workers) return undefined;
      try {
        return await Promise.all(workers.map(({ process }) => duties.get(process)?.call(name, input)));
      } catch {
        return undefined; // it has not started yet
      }
    },
  };
}
