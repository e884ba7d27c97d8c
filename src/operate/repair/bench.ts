import { findRow } from '../../events/render.ts';
import type { Journal } from '../../events/journal.ts';
import type { Host } from '../../world/ports/host.ts';
import type { HostChanges } from '../../world/ports/host-changes.ts';
import type { Programs, ProgramStarter } from '../../world/ports/process.ts';
import type { World } from '../../world/world.ts';
import { loadConfigurationFile, type LoadedFile } from '../config/load-file.ts';
import { askService, isUnreachable } from '../control/client.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import { checkIds, examine, makeParts } from '../doctor/index.ts';
import { runDirectoryOf } from '../doctor/parts.ts';
import type { Finding } from '../doctor/run.ts';
import type { Verdict } from '../doctor/verdict.ts';
import { type CommandJournal, openCommandJournal } from './command-journal.ts';
import { dataDirectoryOf, snapshotsDirectory } from './data-places.ts';
import {
  executeRepair,
  type Proposal,
  propose,
  proposeById,
  proposeForEvent,
  type Repair,
  type RepairEnd,
  repairOf,
  type Step,
} from './index.ts';
import { snapshotFacts } from './host-facts.ts';
import { lookAgainMs } from './limits.ts';
import { startService } from './start-service.ts';

/** The part of the command line's world that repairs stand on. */
export interface BenchIo {
  readonly world: Pick<World, 'network' | 'disk' | 'clock' | 'random'>;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly programDirectory?: string;
  host?(): Promise<Host>;
  changes?(): Promise<HostChanges>;
  programs?(): Promise<Programs & ProgramStarter>;
}

/** What is to be repaired. */
export type Target =
  | { readonly kind: 'all' }
  | { readonly kind: 'event'; readonly number: number }
  | { readonly kind: 'checks'; readonly only: string }
  | { readonly kind: 'repair'; readonly repair: Repair };

/** Everything that a run of repairs needs, opened once. */
export interface Bench {
  propose(target: Target): Promise<readonly Proposal[]>;
  execute(proposal: Proposal, steps: readonly Step[]): Promise<RepairEnd>;
  /** Lets the running service look again at what was mended, so that it does not call that sick any longer. */
  lookAgain(checks: readonly string[]): Promise<void>;
  /** Writes the events that are not written yet. */
  close(): Promise<void>;
}

/** What a word means: the number of an event, a check, an area, or a repair. */
export function wanted(what: string | undefined): Target | undefined {
  if (what === undefined) return { kind: 'all' };
  if (/^\d{4}$/.test(what) && findRow(Number(what)) !== undefined) return { kind: 'event', number: Number(what) };
  if (checkIds.some((id) => id === what || id.startsWith(`${what}.`))) return { kind: 'checks', only: what };
  const repair = repairOf(what);
  return repair === undefined ? undefined : { kind: 'repair', repair };
}

/** Opens the bench; a text says why it cannot be. */
export async function openBench(io: BenchIo, path: string, socket: string | undefined): Promise<Bench | string> {
  const [host, changes, programs] = await Promise.all([io.host?.(), io.changes?.(), io.programs?.()]);
  if (host === undefined || changes === undefined || programs === undefined)
    return 'this program cannot look at the host';
  return new OpenBench({ io, path, socket, host, changes, programs });
}

interface BenchParts {
  readonly io: BenchIo;
  readonly path: string;
  readonly socket: string | undefined;
  readonly host: Host;
  readonly changes: HostChanges;
  readonly programs: Programs & ProgramStarter;
}

class OpenBench implements Bench {
  readonly #parts: BenchParts;
  #journal: Promise<CommandJournal> | undefined;

  constructor(parts: BenchParts) {
    this.#parts = parts;
  }

  async propose(target: Target): Promise<readonly Proposal[]> {
    if (target.kind === 'repair') {
      const { repair } = target;
      const { given, findings } = await this.#look(repair.provenBy);
      const finding = findings.find(({ id, verdict }) => repair.checks.includes(id) && verdict.kind === 'unhealthy');
      return [await proposeById(repair, { ...given, finding })];
    }
    const { given, findings } = await this.#look(target.kind === 'checks' ? target.only : undefined);
    const sick = findings
      .filter(({ verdict }) => verdict.kind === 'unhealthy')
      .filter((one) => this.#isMeant(one, target));
    const proposals = await Promise.all(sick.map((finding) => propose(finding, given)));
    return target.kind === 'event' ? [...proposals, ...(await proposeForEvent(target.number, given))] : proposals;
  }

  #isMeant({ verdict }: Finding, target: Target): boolean {
    return target.kind !== 'event' || (verdict.kind === 'unhealthy' && verdict.event === target.number);
  }

  async execute({ repair, check, finding }: Proposal, steps: readonly Step[]): Promise<RepairEnd> {
    const { io, changes, programs, host, path } = this.#parts;
    const file = await this.#load();
    const settings = file.loaded.ok ? file.loaded.settings : undefined;
    const data = dataDirectoryOf(path, file.text, settings);
    const { disk, clock } = io.world;
    const proof = finding?.id ?? repair?.provenBy ?? check;
    return executeRepair({
      repair: repair?.id ?? '',
      check,
      steps,
      world: {
        disk,
        changes,
        programs,
        clock,
        ask: (action, input) => this.#ask(action, input),
        startService: (configuration) => this.#start(configuration),
      },
      journal: await this.#journalIn(file, data),
      snapshots: await snapshotsDirectory(disk, data, path),
      facts: await snapshotFacts(host, settings, io.version),
      cause: finding?.verdict.kind === 'unhealthy' ? finding.verdict.cause : undefined,
      patienceMs: repair?.patienceMs,
      look: () => this.#verdictOf(proof),
    });
  }

  async #journalIn(file: LoadedFile, data: string): Promise<Journal> {
    this.#journal ??= openCommandJournal(this.#parts.io.world, this.#parts.changes, data, file);
    return (await this.#journal).journal;
  }

  async close(): Promise<void> {
    await (await this.#journal)?.close();
  }

  #load(): Promise<LoadedFile> {
    return loadConfigurationFile(this.#parts.io.world.disk, this.#parts.path);
  }

  async #look(only: string | undefined): Promise<{
    readonly given: Omit<Parameters<Repair['plan']>[0], 'finding'>;
    readonly findings: readonly Finding[];
  }> {
    const { io, host, changes, path, socket } = this.#parts;
    const file = await this.#load();
    const parts = await makeParts(file, host, io.world, { socket });
    const report = await examine(parts, io.world.clock, only);
    return { given: { parts, changes, configuration: { path, text: file.text } }, findings: report?.findings ?? [] };
  }

  async #verdictOf(check: string): Promise<Verdict> {
    const { findings } = await this.#look(check);
    const found = findings.find(({ id }) => id === check)?.verdict;
    return found ?? { kind: 'unknown', because: `there is no check ${check}`, evidence: [] };
  }

  async lookAgain(checks: readonly string[]): Promise<void> {
    const { clock } = this.#parts.io.world;
    // It looks all the same when it answers later, or not at all.
    await new Promise<void>((resolve) => {
      const timer = clock.after(lookAgainMs, resolve);
      void this.#ask('conditions.look', { checks }).finally(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  async #start(configuration: string): Promise<string | undefined> {
    const { io, host, changes, programs } = this.#parts;
    const { loaded } = await this.#load();
    if (!loaded.ok) return 'the configuration does not load';
    return startService({
      configuration,
      lock: `${runDirectoryOf(loaded.settings)}/lock`,
      programDirectory: io.programDirectory,
      environment: io.environment,
      host,
      changes,
      programs,
      clock: io.world.clock,
      answers: async () => (await this.#verdictOf('service.answers')).kind === 'healthy',
    });
  }

  async #ask(action: string, input: unknown): Promise<string | undefined> {
    const { io, socket } = this.#parts;
    const { loaded } = await this.#load();
    const place =
      socket !== undefined
        ? { ok: true as const, path: socket }
        : loaded.ok
          ? controlSocketPath(runDirectoryOf(loaded.settings))
          : { ok: false as const, why: 'the configuration does not load' };
    if (!place.ok) return place.why;
    const end = await askService({ network: io.world.network, path: place.path, action, input });
    if (isUnreachable(end))
      return end.kind === 'no-service' && !action.startsWith('queue.')
        ? undefined
        : `the service could not be asked (${end.kind})`;
    return end.ok ? undefined : end.error.message;
  }
}
