/** Starts the examiner in the operator process, with the parts that it has there. */
import type { Parts } from '../../operate/doctor/check.ts';
import type { Condition } from '../../operate/doctor/condition.ts';
import type { Examiner } from '../../operate/doctor/examiner.ts';
import type { DoctorReport } from '../../operate/doctor/report.ts';
import type { ServiceStatus } from '../../operate/actions/index.ts';
import type { Journal } from '../../events/journal.ts';
import type { Settings } from '../../settings/index.ts';
import type { Host } from '../../world/ports/host.ts';
import type { World } from '../../world/world.ts';
import { conditionsFile, runDirectory } from '../paths.ts';

/** What the operator process gives to the examiner. */
export interface ExaminationParts {
  readonly world: World;
  readonly host: () => Promise<Host>;
  /** Where conditions are kept: the data directory, or another while that cannot be used. */
  readonly directory: string;
  readonly journal: Journal;
  readonly settings: () => Settings;
  readonly status: () => Promise<ServiceStatus>;
  /** Runs an action of an operator; undefined where it was refused. */
  readonly request: (action: string, input: unknown) => Promise<unknown>;
}

/** The examiner as the operator process sees it: what it needs is loaded only once the service has started. */
export interface Examination {
  conditions(): readonly Condition[];
  lookSoon(): void;
  suspect(id: string): void;
  lookAgain(ids: readonly string[]): Promise<void>;
  /** Looks at everything, or at one check or area; undefined where there is none of that name. */
  examine(only: string | undefined): Promise<DoctorReport | undefined>;
  stop(): void;
}

/** Long enough that loading the checks competes with no start. */
const LOAD_AFTER_MS = 1500;

/** Begins to load and then to examine; conditions are empty until then. */
export function beginExamination(parts: ExaminationParts): Examination {
  let examiner: Examiner | undefined;
  let stopped = false;
  let loading: Promise<void> | undefined;
  const load = (): Promise<void> => {
    loading ??= loadExaminer(parts).then(
      (made) => {
        if (stopped) made.stop();
        else examiner = made;
      },
      (error: unknown) => parts.journal.emit('service.part-failed', { part: 'examiner', error: String(error) }),
    );
    return loading;
  };
  /** Who asks for the same while it is under way gets the same. */
  const asked = new Map<string | undefined, Promise<DoctorReport | undefined>>();
  const timer = parts.world.clock.after(LOAD_AFTER_MS, () => void load());
  return {
    conditions: () => examiner?.conditions() ?? [],
    lookSoon: () => examiner?.lookSoon(),
    suspect: (id) => void load().then(() => examiner?.suspect(id)),
    async lookAgain(ids) {
      timer.cancel();
      await load();
      await examiner?.lookAgain(ids);
    },
    examine(only) {
      const underWay = asked.get(only);
      if (underWay !== undefined) return underWay;
      const report = examineNow(parts, only, () => examiner?.conditions() ?? []).finally(() => asked.delete(only));
      asked.set(only, report);
      return report;
    },
    stop() {
      stopped = true;
      timer.cancel();
      examiner?.stop();
    },
  };
}

async function examineNow(
  parts: ExaminationParts,
  only: string | undefined,
  conditions: () => readonly Condition[],
): Promise<DoctorReport | undefined> {
  const { examine, withConditions } = await import('../../operate/doctor/index.ts');
  const report = await examine(await makePartsNow(parts), parts.world.clock, only);
  return report && withConditions(report, { conditions: conditions() });
}

async function loadExaminer(parts: ExaminationParts): Promise<Examiner> {
  const { world, directory, journal, settings, status } = parts;
  const { checks, conditionStore, startExaminer, checksInForce } = await import('../../operate/doctor/index.ts');
  await parts.host();
  return startExaminer({
    checks: checksInForce(checks),
    store: conditionStore(world.disk, conditionsFile(directory)),
    clock: world.clock,
    journal,
    settings: () => settings().doctor,
    // A supervisor that does not answer has enough to do.
    busy: () =>
      status().then(
        ({ processes }) => processes.some(({ state }) => state === 'starting'),
        () => true,
      ),
    makeParts: () => makePartsNow(parts),
  });
}

/** What checks look at, as it is now. */
async function makePartsNow({ world, host, settings, status, request }: ExaminationParts): Promise<Partial<Parts>> {
  const [{ makeParts }, { loadConfigurationFile }] = await Promise.all([
    import('../../operate/doctor/index.ts'),
    import('../../operate/config/load-file.ts'),
  ]);
  const now = await status();
  const file = await loadConfigurationFile(world.disk, now.configurationFile);
  const path = runDirectory(settings());
  const service = { ask: async () => ({ kind: 'running' as const, path, status: now }), request };
  return makeParts(file, await host(), world, { running: { settings: settings(), service } });
}
