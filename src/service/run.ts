/** `ims run`: from a configuration file to a running supervisor. */
import { availableParallelism } from 'node:os';
import { Fault } from '../events/fault.ts';
import type { Journal } from '../events/journal.ts';
import { loadConfigurationFile, printProblem } from '../operate/config/index.ts';
import { openEventLog } from '../operate/journal/event-log.ts';
import { createJournal, type RunningJournal } from '../operate/journal/journal.ts';
import { outputWriter } from '../operate/journal/output-writer.ts';
import type { Settings } from '../settings/index.ts';
import { adoptSocket, bindSocket } from '../world/node/binding.ts';
import type { ForkedChildren } from '../world/node/children.ts';
import { removeDeadSocket, takeLock } from '../world/node/instance-lock.ts';
import { nodeOutput } from '../world/node/output.ts';
import { diskFor, findUser, giveTo, type HostUser } from '../world/node/privileges.ts';
import { nodeWorld } from '../world/node/world.ts';
import { lastWords } from './last-words.ts';
import { eventDirectory, runDirectory, shardsOnDisk } from './paths.ts';
import { makeBriefing, rereadConfiguration } from './supervisor/briefing.ts';
import { serviceManager } from './supervisor/service-manager.ts';
import { Supervisor, type SupervisorStatus } from './supervisor/supervisor.ts';

/** Exit codes of `ims run`. */
export const runExits = { ended: 0, refused: 1, configuration: 78 } as const;

/** What a caller may add to a run. */
export interface RunOptions {
  readonly configurationPath: string;
  /** Starts the other processes; those forked early that are not used end with the run. */
  readonly children: ForkedChildren;
  /** Called with the settings once everything runs. */
  readonly onStarted?: (settings: Settings, status: SupervisorStatus) => void;
}

/** Runs the service until it is told to stop; resolves with the exit code. */
export async function run(options: RunOptions): Promise<number> {
  try {
    return await runOnce(options);
  } finally {
    options.children.dispose();
  }
}

async function runOnce(options: RunOptions): Promise<number> {
  const world = nodeWorld;
  const stdout = nodeOutput(1);
  const { path, loaded } = await loadConfigurationFile(world.disk, options.configurationPath);
  if (!loaded.ok) {
    for (const problem of loaded.problems) stdout.line(printProblem(problem));
    stdout.line(
      `ims: the configuration ${path} cannot be used; mend the lines above (\`ims config check\` shows them again)`,
    );
    await stdout.flush(1000);
    return runExits.configuration;
  }
  const { settings } = loaded;
  const journal: RunningJournal = createJournal({
    clock: world.clock,
    process: { role: 'supervisor' },
    levels: settings.events.levels,
    writers: [outputWriter(stdout, settings.events.format, 'standard output', () => journal)],
  });
  const user = process.getuid?.() === 0 ? serviceUser(settings) : undefined;
  // What this process writes as root the operator process must be able to read.
  const disk = user === undefined || user === 'unknown' ? world.disk : diskFor(world.disk, user);
  const log = openEventLog({
    world: { ...world, disk },
    directory: eventDirectory(settings, 'supervisor'),
    settings: settings.events,
    journal: () => journal,
  });
  journal.add(log);
  const flush = (): Promise<void> => log.close().then(() => stdout.flush(1000));
  const hear = lastWords(
    () => ({ journal, flush }),
    world.clock,
    () => process.exit(runExits.refused),
  );
  process.on('uncaughtException', (error) => hear('the supervisor: uncaught exception', error));
  process.on('unhandledRejection', (error) => hear('the supervisor: unhandled rejection', error));
  try {
    journal.emit('service.starting', { path });
    if (user === 'unknown') throw new Fault('service.start-refused', { cause: unknownUser(settings) });
    return await supervise({ settings, path, journal, writeEvents: () => log.flush(), options, user });
  } catch (error) {
    const cause =
      error instanceof Fault ? JSON.stringify(error.data) : error instanceof Error ? error.message : String(error);
    journal.emit('service.start-refused', { cause });
    return runExits.refused;
  } finally {
    await log.close();
    await stdout.flush(1000);
  }
}

interface Supervised {
  readonly settings: Settings;
  readonly path: string;
  readonly journal: Journal;
  readonly writeEvents: () => Promise<void>;
  readonly options: RunOptions;
  readonly user: HostUser | undefined;
}

async function supervise({ settings, path, journal, writeEvents, options, user }: Supervised): Promise<number> {
  const world = nodeWorld;
  const run = runDirectory(settings);
  // The last one so that what is made in it later has an owner who may look into it.
  for (const directory of [settings.server.data, run, eventDirectory(settings, '')])
    await world.disk.makeDirectory(directory, 0o700);
  const lockPath = `${run}/lock`;
  const lock = await takeLock(lockPath);
  if (lock === 'held') {
    journal.emit('supervisor.already-running', { path: lockPath });
    return runExits.refused;
  }
  await removeDeadSockets(settings);
  const systemd = serviceManager(process.env, process.pid, world);
  const briefing = await makeBriefing(settings, 1, world, journal);
  if (user !== undefined) for (const directory of [settings.server.data, run]) giveTo(directory, user);
  if (user !== undefined) options.children.dispose(); // they run as this user
  const workers = settings.server.workers ?? Math.max(1, Math.floor(availableParallelism() / 2));
  const supervisor = new Supervisor({
    clock: world.clock,
    journal,
    children: options.children,
    bind: bindSocket,
    inherited: systemd.descriptors.map(({ descriptor, name }) => ({ name, socket: adoptSocket(descriptor) })),
    briefing,
    configurationPath: path,
    workers,
    orphans: (await shardsOnDisk(world.disk, settings)).filter((shard) => shard >= workers),
    user,
    writeEvents,
    reload: (inUse) => rereadConfiguration(path, inUse, world, journal),
    notify: (state) =>
      systemd.notify(state === 'RELOADING=1' ? `${state}\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}` : state),
    onStarted: () => options.onStarted?.(settings, supervisor.status()),
  });
  const ended = untilStopped(supervisor);
  process.on('SIGHUP', () => void supervisor.reload());
  keepWatchdog(systemd);
  supervisor.start();
  await ended;
  lock.release();
  return runExits.ended;
}

/** A killed service leaves the UNIX sockets of its listeners behind. */
async function removeDeadSockets({ listeners }: Settings): Promise<void> {
  for (const { address } of Object.values(listeners)) {
    for (const path of [address].flat()) if (path.startsWith('/')) await removeDeadSocket(path).catch(() => undefined); // then binding says why
  }
}

function serviceUser({ server }: Settings): HostUser | 'unknown' | undefined {
  return server.user === undefined ? undefined : (findUser(server.user, server.group) ?? 'unknown');
}

function unknownUser({ server: { user = '', group } }: Settings): string {
  return `this host has no user ${user}${group === undefined ? '' : ` or group ${group}`} (server.user)`;
}

function untilStopped(supervisor: Supervisor): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => void supervisor.stop(signal).then(resolve));
    }
    supervisor.onStopped(resolve);
  });
}

/** A sign of life at half the interval asked for: this process's loop turns. */
function keepWatchdog({ watchdogMs, notify }: ReturnType<typeof serviceManager>): void {
  if (watchdogMs !== undefined) setInterval(() => notify('WATCHDOG=1'), watchdogMs / 2).unref();
}
