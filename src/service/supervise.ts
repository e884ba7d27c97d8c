/** Runs the supervisor: at once where the storage is there, else the operator process alone until it is. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Journal } from '../events/journal.ts';
import { renderText, rowOf } from '../events/render.ts';
import { keepLastGood } from '../operate/config/index.ts';
import type { Settings } from '../settings/index.ts';
import { adoptSocket, bindSocket } from '../world/node/binding.ts';
import { removeDeadSocket } from '../world/node/instance-lock.ts';
import { closedTo, giveTo, type HostUser } from '../world/node/privileges.ts';
import { nodeWorld } from '../world/node/world.ts';
import type { Board } from './parts/board.ts';
import { runDirectory, shardsOnDisk } from './paths.ts';
import type { RecentEvents } from './recent-events.ts';
import type { Configuration, RunOptions } from './run.ts';
import { layerOf, makeBriefing, rereadCertificate, rereadConfiguration } from './supervisor/briefing.ts';
import { CertificateWatch } from './supervisor/certificate-watch.ts';
import { openDataFormats } from './supervisor/data-formats.ts';
import { Elsewhere } from './supervisor/elsewhere.ts';
import { limits } from './supervisor/limits.ts';
import { leavePlace, ownershipOf, type Place, takeFallback, takePlace } from './supervisor/place.ts';
import { serviceManager } from './supervisor/service-manager.ts';
import { StorageWatch } from './supervisor/storage-watch.ts';
import { openStorage, type StorageTrouble, unusable, wantsSpace } from './supervisor/storage.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { WrittenLater } from './supervisor/written-later.ts';

/** What a run of the supervisor is made of. */
export interface Supervised {
  readonly configuration: Configuration;
  readonly journal: Journal;
  readonly board: Board;
  readonly recent: RecentEvents;
  readonly writeEvents: () => Promise<void>;
  /** Called once the data directory can be used. */
  readonly storageFound: () => void;
  readonly options: RunOptions;
  readonly user: HostUser | undefined;
  /** What stands between this service and its sockets, in words. */
  readonly layer: string | undefined;
}

const ID_OCTETS = 12;

/** Resolves when it was told to stop, or at once where another instance is there. */
export async function supervise(parts: Supervised): Promise<'ended' | { readonly held: string }> {
  const later = new WrittenLater(nodeWorld.clock);
  try {
    return await serve({ ...parts, written: later.written });
  } finally {
    later.stop();
  }
}

type Run = Supervised & Pick<WrittenLater, 'written'>;

async function serve(parts: Run): Promise<'ended' | { readonly held: string }> {
  const { configuration, journal, board, options, user } = parts;
  const { path } = configuration;
  let { settings } = configuration;
  let inUse: Pick<Configuration, 'path' | 'instead' | 'text'> = configuration;
  const world = nodeWorld;
  const found = await lookForStorage(parts);
  const trouble = 'event' in found ? found : undefined;
  const place = 'event' in found ? await takeOther(settings, path, user) : found.place;
  if (place === 'held') return held(journal, runDirectory(settings));
  let current: Place | undefined = place;
  let storageThere = trouble === undefined;
  const systemd = serviceManager(process.env, process.pid, world);
  if (user !== undefined) options.children.dispose(); // they run as this user
  const workers = settings.server.workers ?? Math.max(1, Math.floor(availableParallelism() / 2));
  // Where only space is wanting, sessions are told so; any other trouble may come from a volume that is not there.
  const full = wantsSpace(trouble);
  const made =
    trouble === undefined || full
      ? await makeBriefing(settings, 1, world, journal, board)
      : { generation: 1, settings, certificate: undefined, nameServers: [] };
  const standIn = trouble === undefined ? {} : { place: place?.directory ?? '' };
  const briefing = { ...made, ...standIn, ...layerOf(parts) };
  let { certificate } = briefing;
  tellKeyReadAsRoot(settings, user, journal);
  const supervisor = new Supervisor({
    clock: world.clock,
    journal,
    children: options.children,
    bind: bindSocket,
    give: (at) => (user === undefined ? undefined : giveTo(at, user)),
    inherited: systemd.descriptors.map(({ descriptor, name }) => ({ name, socket: adoptSocket(descriptor) })),
    briefing,
    configurationPath: path,
    workers,
    orphans: trouble === undefined ? await orphansOf(settings, workers) : [],
    user,
    board,
    whyFailing: async (how) =>
      (await import('./supervisor/why-failing.ts')).whyFailing(
        how,
        settings,
        fileURLToPath(new URL('.', import.meta.url)),
      ),
    recentEvents: () => parts.recent.all(),
    counts: () => parts.recent.counts(),
    writeEvents: parts.writeEvents,
    reload: async (before) => {
      const { reloaded, text } = await rereadConfiguration(path, before, world, journal, board);
      if (!reloaded.ok) return reloaded;
      const applied = (): void => {
        ({ settings, certificate } = reloaded.briefing);
        inUse = { path, instead: undefined, text };
        board.set({ part: 'configuration', state: 'running' });
        if (storageThere) void keep(inUse, settings, board);
      };
      return { ...reloaded, applied };
    },
    notify: (state) =>
      systemd.notify(
        state.startsWith('RELOADING=1') ? `${state}\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}` : state,
      ),
    onStarted: () => {
      void keep(inUse, settings, board);
      options.onStarted?.(settings, supervisor.status());
    },
  });
  const elsewhere = new Elsewhere(supervisor, () => takeOther(settings, path, user));
  const changed = (is: 'away' | 'back'): void => {
    if (runDirectory(settings).startsWith(`${settings.server.data}/`)) elsewhere.use(is === 'away');
  };
  const stopped = untilStopped(supervisor);
  process.on('SIGHUP', () => void supervisor.reload());
  keepWatchdog(systemd);
  if (trouble === undefined) {
    await removeDeadSockets(settings);
    parts.storageFound();
    supervisor.start();
  } else {
    if (full) {
      await removeDeadSockets(settings);
      supervisor.start();
    } else supervisor.startOperator();
    const taken = await untilStorage({ ...parts, current }, trouble, () => settings, stopped);
    if (taken !== 'stopped') {
      if (taken === 'held') {
        await supervisor.stop('another instance has the storage');
        if (current !== undefined) leavePlace(current);
        return held(journal, runDirectory(settings));
      }
      const before = current === taken ? undefined : current;
      current = taken;
      parts.storageFound();
      storageThere = true;
      journal.emit('service.storage-available', { path: settings.server.data });
      board.set({ part: 'storage', state: 'running' });
      await removeDeadSockets(settings);
      const made = await makeBriefing(settings, supervisor.status().generation, world, journal, board);
      const whole = { ...made, ...layerOf(parts) };
      ({ certificate } = whole);
      await supervisor.storageFound(whole, await orphansOf(settings, workers));
      if (before !== undefined) leavePlace(before);
    }
  }
  if (storageThere) {
    const watch = new StorageWatch({ ...world, journal, board, settings, configurationPath: path, changed });
    const certificates = new CertificateWatch({
      ...world,
      tlsContext: world.network.tlsContext,
      settings: () => settings,
      inUse: () => certificate,
      renew: () =>
        supervisor.reload((before) =>
          rereadCertificate(before, world, journal, board, (next) => {
            ({ certificate } = next);
          }),
        ),
    });
    await stopped;
    watch.stop();
    certificates.stop();
  }
  if (current !== undefined) leavePlace(current);
  elsewhere.leave();
  return 'ended';
}

/** A key that only root may read is as it should be; where somebody looks for a fault of TLS, it must be seen. */
function tellKeyReadAsRoot({ tls: { key } }: Settings, user: HostUser | undefined, journal: Journal): void {
  const closed = key === undefined || user === undefined ? undefined : closedTo(user, key);
  if (key !== undefined && closed !== undefined) journal.emit('service.key-read-as-root', { path: key, closed });
}

/** A place for the control socket while the storage is away: the configured one where it lies elsewhere. */
async function takeOther(
  settings: Settings,
  configurationPath: string,
  user: HostUser | undefined,
): Promise<Place | 'held' | undefined> {
  const run = runDirectory(settings);
  if (!run.startsWith(`${settings.server.data}/`)) {
    try {
      await nodeWorld.disk.makeDirectory(run, 0o700);
      if (user !== undefined) giveTo(run, user);
      return await takePlace(run);
    } catch {
      // It is part of the trouble that is told; another one serves meanwhile.
    }
  }
  return takeFallback(configurationPath, user);
}

function held(journal: Journal, directory: string): { readonly held: string } {
  const path = `${directory}/lock`;
  journal.emit('supervisor.already-running', { path });
  return { held: path };
}

async function orphansOf(settings: Settings, workers: number): Promise<readonly number[]> {
  return (await shardsOnDisk(nodeWorld.disk, settings)).filter((shard) => shard >= workers);
}

/** Looks once; says what is wrong as an event and on the board. */
async function lookForStorage(
  { configuration, journal, board, user, written, current }: Run & { readonly current?: Place | undefined },
  before?: StorageTrouble,
): Promise<StorageTrouble | { readonly place: Place | 'held' }> {
  const { settings, path } = configuration;
  const run = runDirectory(settings);
  let unsigned: string | undefined;
  const look = {
    disk: nodeWorld.disk,
    settings,
    configurationPath: path,
    newId: () => nodeWorld.random.bytes(ID_OCTETS).toString('hex'),
    nowMs: nodeWorld.clock.wall(),
    give: (directory: string) => {
      if (user === undefined) return;
      const other = directory === settings.server.data ? ownershipOf(directory, user) : undefined;
      giveTo(directory, user);
      // What root has made belongs to root at first.
      if (other !== undefined && other.found !== 0)
        journal.emit('service.storage-given', { path: directory, owner: other.words, uid: other.wanted });
    },
    ownership: (at: string) => ownershipOf(at, user),
    written,
    unsigned: (why: string) => {
      unsigned = `no sign that there is a spool could be left outside of it: ${why}`;
    },
  };
  const opened =
    (await openStorage(look)) ??
    (current?.directory === run ? current : undefined) ??
    (await takePlace(run).catch((error: unknown) => unusable(look, run, error)));
  let trouble: StorageTrouble;
  if (opened === 'held' || 'lock' in opened) {
    // Whoever holds the lock works with the data directory: only then may a format change.
    const newer = opened === 'held' ? undefined : await openDataFormats(look, journal);
    if (newer === undefined) {
      if (before === undefined)
        board.set({ part: 'storage', state: 'running', ...(unsigned === undefined ? {} : { cause: unsigned }) });
      return { place: opened };
    }
    if (opened !== 'held' && opened !== current) leavePlace(opened);
    trouble = newer;
  } else trouble = opened;
  const cause = renderText({ name: trouble.event, data: trouble.data });
  // A condition that lasts is told once, and again only when its cause changes.
  if (before === undefined || renderText({ name: before.event, data: before.data }) !== cause) tell(journal, trouble);
  const { number } = rowOf(trouble.event);
  board.set({ part: 'storage', state: 'failed', event: number, cause, evidence: trouble.evidence, cure: trouble.cure });
  return trouble;
}

function tell(journal: Journal, trouble: StorageTrouble): void {
  if (trouble.event === 'service.spool-missing') journal.emit(trouble.event, trouble.data);
  else if (trouble.event === 'formats.newer') journal.emit(trouble.event, trouble.data);
  else journal.emit(trouble.event, trouble.data);
}

/** Looks again and again, until the storage is there. */
async function untilStorage(
  parts: Run & { readonly current: Place | undefined },
  first: StorageTrouble,
  settings: () => Settings,
  stopped: Promise<void>,
): Promise<Place | 'held' | 'stopped'> {
  let before = first;
  for (let waitMs: number = limits.storageRetryMs; ; waitMs = Math.min(waitMs * 2, limits.storageRetryMsMax)) {
    const waited = await new Promise<boolean>((resolve) => {
      const timer = nodeWorld.clock.after(waitMs, () => resolve(true));
      void stopped.then(() => {
        timer.cancel();
        resolve(false);
      });
    });
    if (!waited) return 'stopped';
    const configuration = { ...parts.configuration, settings: settings() };
    const found = await lookForStorage({ ...parts, configuration }, before);
    if ('place' in found) return found.place;
    before = found;
  }
}

/** Keeps what is in use for a start when the file does not load. It stays this user's: see who may use it at a start. */
async function keep(
  { path, instead, text }: Pick<Configuration, 'path' | 'instead' | 'text'>,
  settings: Settings,
  board: Board,
): Promise<void> {
  const savedAtMs = instead?.savedAtMs ?? nodeWorld.clock.wall();
  const failed = await keepLastGood(nodeWorld.disk, settings.server.data, { path, savedAtMs, text }).then(
    () => undefined,
    (error: unknown) => `it could not be kept as the last good one: ${error instanceof Error ? error.message : ''}`,
  );
  if (instead !== undefined) return;
  board.set({ part: 'configuration', state: 'running', ...(failed === undefined ? {} : { cause: failed }) });
}

/** A killed service leaves the UNIX sockets of its listeners behind. */
async function removeDeadSockets({ listeners }: Settings): Promise<void> {
  for (const { address } of Object.values(listeners)) {
    for (const path of [address].flat()) if (path.startsWith('/')) await removeDeadSocket(path).catch(() => undefined); // then binding says why
  }
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
