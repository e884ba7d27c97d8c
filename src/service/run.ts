/** `ims run`: from a configuration file to a running supervisor. */
import * as fs from 'node:fs';
import { Fault } from '../events/fault.ts';
import {
  findLastGood,
  loadConfigurationFile,
  type LoadedFile,
  type Problem,
  printProblem,
} from '../operate/config/index.ts';
import { openEventLog } from '../operate/journal/event-log.ts';
import { createJournal, type RunningJournal } from '../operate/journal/journal.ts';
import { outputWriter } from '../operate/journal/output-writer.ts';
import type { Settings } from '../settings/index.ts';
import { beginAgain } from '../world/node/begin-again.ts';
import type { ForkedChildren } from '../world/node/children.ts';
import { nodeOutput } from '../world/node/output.ts';
import { diskFor, findUser, type HostUser } from '../world/node/privileges.ts';
import { nodeWorld } from '../world/node/world.ts';
import type { Output } from '../world/ports/output.ts';
import { AVOIDED, findLayers, type Layers, tellLayers, wordsOf } from './interposer.ts';
import { lastWords } from './last-words.ts';
import { Board } from './parts/board.ts';
import { heardBy } from './parts/from-events.ts';
import { eventDirectory } from './paths.ts';
import { RecentEvents } from './recent-events.ts';
import { supervise } from './supervise.ts';
import type { SupervisorStatus } from './supervisor/answers.ts';
import { VERSION } from './version.ts';

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

/** The configuration that a run works by. */
export interface Configuration {
  readonly path: string;
  readonly settings: Settings;
  /** The text that the settings come from. */
  readonly text: string;
  /** What is doubtful in it; it is used all the same. */
  readonly doubts?: readonly Problem[];
  /** Where the file does not load: what is wrong with it, and since when the one in use was good. */
  readonly instead: { readonly problems: readonly Problem[]; readonly savedAtMs: number } | undefined;
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
  const file = await loadConfigurationFile(world.disk, options.configurationPath);
  const configuration = await usable(file);
  if (configuration === undefined) {
    refuse(stdout, file);
    await stdout.flush(1000);
    return runExits.configuration;
  }
  const { settings, path } = configuration;
  let layers = await layersHere(settings);
  if (layers.again !== undefined) {
    options.children.dispose();
    const code = await beginAgain(layers.again);
    if (code !== undefined) return code;
    layers = await layersHere(settings, false);
  }
  const board = new Board(world.clock);
  const recent = new RecentEvents();
  const plain = createJournal({
    clock: world.clock,
    process: { role: 'supervisor' },
    levels: settings.events.levels,
    writers: [outputWriter(stdout, settings.events.format, 'standard output', () => journal), recent],
    heard: recent.heard,
  });
  const journal: RunningJournal = heardBy(plain, board, 'storage');
  const user = process.getuid?.() === 0 ? serviceUser(settings) : undefined;
  // What this process writes as root the operator process must be able to read.
  const disk = user === undefined || user === 'unknown' ? world.disk : diskFor(world.disk, user);
  const log = openEventLog({
    world: { ...world, disk },
    directory: eventDirectory(settings, 'supervisor'),
    settings: settings.events,
    journal: () => journal,
  });
  const flush = (): Promise<void> => log.close().then(() => stdout.flush(1000));
  const hear = lastWords(
    () => ({ journal, flush }),
    world.clock,
    () => process.exit(runExits.refused),
  );
  process.on('uncaughtException', (error) => hear('the supervisor: uncaught exception', error));
  process.on('unhandledRejection', (error) => hear('the supervisor: unhandled rejection', error));
  try {
    journal.emit('service.starting', { version: VERSION, path });
    tellConfiguration(configuration, board, journal);
    tellLayers(layers, journal, board);
    if (user === 'unknown') throw new Fault('service.start-refused', { cause: unknownUser(settings) });
    const ended = await supervise({
      configuration,
      journal,
      board,
      recent,
      writeEvents: () => log.flush(),
      // Nothing may be made below a data directory that may not be the one it should be.
      storageFound: () => {
        for (const event of recent.all()) log.write(event);
        journal.add(log);
      },
      options,
      user,
      layer: wordsOf(layers),
    });
    if (ended === 'ended') return runExits.ended;
    stdout.line(
      `ims: nothing can run: another ims service works with ${settings.server.data} (it holds ${ended.held})`,
    );
    stdout.line(`ims: next: ims status --config ${path} (it shows the one that runs; \`ims stop\` ends it)`);
    return runExits.refused;
  } catch (error) {
    const cause =
      error instanceof Fault && error.event === 'service.start-refused'
        ? (error as Fault<'service.start-refused'>).data.cause
        : error instanceof Error
          ? error.message
          : String(error);
    journal.emit('service.start-refused', { cause });
    stdout.line(`ims: nothing can run: ${cause}`);
    stdout.line(`ims: next: ims doctor --config ${path}`);
    return runExits.refused;
  } finally {
    await log.close();
    await stdout.flush(1000);
  }
}

const SYSTEM_PRELOAD = '/etc/ld.so.preload';

/** Mostly there is no preload at all, and nothing that looks at one has to be loaded. */
async function layersHere({ network }: Settings, mayBegin = true): Promise<Layers> {
  const told = process.env[AVOIDED];
  if ((process.env['LD_PRELOAD'] ?? '') === '' && told === undefined && !fs.existsSync(SYSTEM_PRELOAD))
    return { avoided: [], kept: [], again: undefined };
  const { nodeHost } = await import('../world/node/host.ts');
  const found = await findLayers(nodeHost, network, mayBegin);
  delete process.env[AVOIDED]; // the children need not know
  return found;
}

/** What a run can work by: the file, the file without its certificate, or the last good one; undefined where there is none. */
async function usable(file: LoadedFile): Promise<Configuration | undefined> {
  const { path, loaded, text } = file;
  if (loaded.ok)
    return { path, settings: loaded.settings, text: text ?? '', doubts: loaded.warnings, instead: undefined };
  if (file.withoutTls !== undefined) return { path, settings: file.withoutTls, text: text ?? '', instead: undefined };
  const good = await findLastGood(nodeWorld.disk, file, isOurs);
  if (good === undefined || !good.file.loaded.ok) return undefined;
  const { kept } = good;
  return {
    path,
    settings: good.file.loaded.settings,
    text: kept.text,
    instead: { problems: loaded.problems, savedAtMs: kept.savedAtMs },
  };
}

/** What an unprivileged process could have written must not tell a privileged one as whom to work, or which keys to read. */
function isOurs(path: string): boolean {
  try {
    const stats = fs.lstatSync(path);
    return stats.isFile() && stats.uid === process.getuid?.();
  } catch {
    return false; // not there, or not to be looked at: what is wrong with the configuration itself is told
  }
}

function refuse(stdout: Output, { path, loaded }: LoadedFile): void {
  if (loaded.ok) return;
  for (const problem of loaded.problems) stdout.line(printProblem(problem));
  stdout.line(`ims: nothing can run: the configuration ${path} cannot be used, and no last good one is kept`);
  stdout.line(`ims: next: mend the lines above, then ims config check --config ${path}`);
}

function tellConfiguration(configuration: Configuration, board: Board, journal: RunningJournal): void {
  const { path, instead, doubts = [] } = configuration;
  if (doubts.length > 0)
    journal.emit('service.configuration-doubtful', { path, problems: doubts.map(printProblem).join('; ') });
  if (instead === undefined) return board.set({ part: 'configuration', state: 'running' });
  const problems = instead.problems.map(printProblem).join('; ');
  journal.emit('service.last-good-used', { path, saved: instead.savedAtMs, problems });
  board.set({
    part: 'configuration',
    state: 'degraded',
    event: 3751,
    cause: `${path} cannot be used, the last good one is in use instead: ${problems}`,
    cure: `ims config check --config ${path} (mend what it names, then ims reload)`,
  });
}

function serviceUser({ server }: Settings): HostUser | 'unknown' | undefined {
  return server.user === undefined ? undefined : (findUser(server.user, server.group) ?? 'unknown');
}

function unknownUser({ server: { user = '', group } }: Settings): string {
  return group !== undefined && findUser(user, undefined) !== undefined
    ? `this host has no group ${group} (server.group)`
    : `this host has no user ${user} (server.user)`;
}
