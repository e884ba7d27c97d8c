import { errnoOf } from '../../../events/fault.ts';
import type { Settings } from '../../../settings/index.ts';
import type { Host } from '../../../world/ports/host.ts';
import type { HostChanges } from '../../../world/ports/host-changes.ts';
import { loadConfigurationFile, type LoadedFile } from '../../config/load-file.ts';
import { loadConfiguration } from '../../config/load.ts';
import { printProblem } from '../../config/problem.ts';
import type { BenchIo } from '../bench.ts';
import { type CommandJournal, openCommandJournal } from '../command-journal.ts';
import { dataDirectoryOf, snapshotsDirectory } from '../data-places.ts';
import { snapshotFacts } from '../host-facts.ts';
import { compare, type Difference } from './put-back.ts';
import { planRestore, restore, type RestoreEnd, type RestorePlan } from './restore.ts';
import { settingsFiles } from './settings-files.ts';
import { type ListedSnapshot, listSnapshots, openSnapshot, printExport } from './store.ts';
import { lookAt, type SnapshotWorld, writeSnapshot } from './take.ts';
import { dirname } from 'node:path';

const EXPORT_MODE = 0o600;

/** What recording brought. */
export type Recorded =
  | { readonly ok: true; readonly path: string; readonly files: number; readonly secrets: readonly string[] }
  | { readonly ok: false; readonly why: string; readonly notPermitted: boolean };

/** A plan to put back, with what it comes from. */
export interface PlannedRestore {
  readonly ok: true;
  readonly plan: RestorePlan;
  readonly path: string;
  /** It was taken on another host. */
  readonly foreign: boolean;
}

/** Snapshots of the settings of one configuration. */
export interface SettingsRecords {
  readonly directory: string;
  record(why: string, withSecrets: boolean, to: string | undefined): Promise<Recorded>;
  list(): Promise<readonly ListedSnapshot[]>;
  compare(
    name: string | undefined,
  ): Promise<
    | { readonly ok: true; readonly path: string; readonly differences: readonly Difference[] }
    | { readonly ok: false; readonly why: string }
  >;
  planRestore(name: string): Promise<PlannedRestore | { readonly ok: false; readonly why: string }>;
  restore(planned: PlannedRestore): Promise<RestoreEnd>;
  close(): Promise<void>;
}

/** Opens them; undefined where this program cannot look at the host. The configuration need not be there, nor load. */
export async function openSettings(io: BenchIo, path: string): Promise<SettingsRecords | undefined> {
  const [host, changes] = await Promise.all([io.host?.(), io.changes?.()]);
  if (host === undefined || changes === undefined) return undefined;
  const file = await loadConfigurationFile(io.world.disk, path);
  const settings = file.loaded.ok ? file.loaded.settings : undefined;
  const data = dataDirectoryOf(path, file.text, settings);
  const directory = await snapshotsDirectory(io.world.disk, data, path);
  return new Records({ io, host, changes, path, file, settings, data, directory });
}

interface RecordsParts {
  readonly io: BenchIo;
  readonly host: Host;
  readonly changes: HostChanges;
  readonly path: string;
  readonly file: LoadedFile;
  readonly settings: Settings | undefined;
  readonly data: string;
  readonly directory: string;
}

class Records implements SettingsRecords {
  readonly #parts: RecordsParts;
  readonly #world: SnapshotWorld;
  #journal: CommandJournal | undefined;
  readonly directory: string;

  constructor(parts: RecordsParts) {
    this.#parts = parts;
    this.directory = parts.directory;
    const { disk, clock } = parts.io.world;
    this.#world = { disk, clock, changes: parts.changes };
  }

  async record(why: string, withSecrets: boolean, to: string | undefined): Promise<Recorded> {
    const { path, settings, host, io } = this.#parts;
    const wanted = settingsFiles(path, settings, withSecrets);
    try {
      const facts = await snapshotFacts(host, settings, io.version);
      const snapshot = await lookAt(this.#world, wanted, { ...facts, by: 'record', why });
      let at: string;
      if (to === undefined) at = await writeSnapshot(this.#world, this.directory, snapshot);
      else {
        await io.world.disk.replaceFile(to, printExport(snapshot), EXPORT_MODE);
        at = to;
      }
      const files = snapshot.manifest.files.filter(({ kind }) => kind !== 'absent');
      const journal = await this.#open();
      journal.journal.emit('repair.snapshot-taken', {
        path: at,
        files: files.length,
        why: why === '' ? 'no note' : why,
      });
      await this.close();
      return {
        ok: true,
        path: at,
        files: files.length,
        secrets: files.flatMap(({ use, path: one }) => (use === 'secret' ? [one] : [])),
      };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === '') throw error;
      const text = error instanceof Error ? error.message : errno;
      return {
        ok: false,
        why: `the settings could not be recorded: ${text}`,
        notPermitted: errno === 'EACCES' || errno === 'EPERM',
      };
    }
  }

  list(): Promise<readonly ListedSnapshot[]> {
    return listSnapshots(this.#parts.io.world.disk, this.directory);
  }

  async compare(name: string | undefined): ReturnType<SettingsRecords['compare']> {
    const newest = name ?? (await this.list()).find(({ by }) => by === 'record')?.id;
    if (newest === undefined)
      return { ok: false, why: `no record is in ${this.directory}; ims settings record takes one` };
    const found = await openSnapshot(this.#parts.io.world.disk, this.directory, newest);
    if (!found.ok) return found;
    return { ok: true, path: found.path, differences: await compare(this.#world, found.snapshot) };
  }

  async planRestore(name: string): ReturnType<SettingsRecords['planRestore']> {
    const { io, host, path } = this.#parts;
    const found = await openSnapshot(io.world.disk, this.directory, name);
    if (!found.ok) {
      if (found.newer !== undefined)
        (await this.#open()).journal.emit('formats.newer', { part: 'snapshot', path: name, ...found.newer });
      await this.close();
      return found;
    }
    const { snapshot } = found;
    const own = await host.text('/proc/sys/kernel/hostname');
    const foreign = own.ok && own.value.trim() !== snapshot.manifest.host['name'];
    const { manifest, contents } = snapshot;
    const stored = manifest.files.find(({ use }) => use === 'configuration')?.stored;
    const text = stored === undefined ? undefined : contents[stored]?.toString('utf8');
    const loaded = text === undefined ? undefined : loadConfiguration(text, path, { directory: dirname(path) });
    const problem = loaded === undefined || loaded.ok ? undefined : loaded.problems[0];
    if (problem !== undefined) return { ok: false, why: `its configuration does not load: ${printProblem(problem)}` };
    // What repairs recorded here is put back as it was; everything else only where a configuration names it.
    const isOwn = manifest.by !== 'record' && found.path.startsWith(`${this.directory}/`);
    const settings = loaded?.ok === true ? loaded.settings : undefined;
    const named = isOwn ? undefined : new Set(settingsFiles(path, settings, true).map((one) => one.path));
    const plan = planRestore(snapshot, path, foreign || host.self.uid !== 0 ? 'leave' : 'keep', named);
    if (plan.files.length + plan.missing.length === 0)
      return { ok: false, why: 'nothing in it is to be put back here' };
    return { ok: true, plan, path: found.path, foreign };
  }

  async restore({ plan, path }: PlannedRestore): Promise<RestoreEnd> {
    const { host, settings, io, path: configuration } = this.#parts;
    const { journal } = await this.#open();
    return restore(plan, path, {
      world: this.#world,
      directory: this.directory,
      facts: await snapshotFacts(host, settings, io.version),
      journal,
      prove: async () => {
        const { loaded } = await loadConfigurationFile(io.world.disk, configuration);
        if (loaded.ok) return undefined;
        // A secret that is still to be brought is no reason to refuse.
        const wrong = loaded.problems.filter(
          ({ severity, value }) => severity === 'error' && !plan.missing.some((one) => one === value),
        );
        return wrong[0] === undefined ? undefined : printProblem(wrong[0]);
      },
    });
  }

  async close(): Promise<void> {
    await this.#journal?.close();
    this.#journal = undefined;
  }

  async #open(): Promise<CommandJournal> {
    const { io, changes, data, file } = this.#parts;
    this.#journal ??= await openCommandJournal(io.world, changes, data, file);
    return this.#journal;
  }
}
