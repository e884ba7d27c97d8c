import type { Journal } from '../../events/journal.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Verdict } from '../doctor/verdict.ts';
import { applyStep, runCommand, StepFailure, type StepWorld, whyNot } from './apply-step.ts';
import { patientEveryMs, verifyEveryMs, verifyTries } from './limits.ts';
import { putBack } from './snapshot/put-back.ts';
import { dropOldSnapshots } from './snapshot/store.ts';
import {
  giveSnapshot,
  lookAt,
  type Snapshot,
  type SnapshotFacts,
  writeSnapshot,
  type Wanted,
} from './snapshot/take.ts';
import { type Step, stepInWords, touchedBy } from './step.ts';

/** What an execution needs besides the plan. */
export interface Execution {
  readonly repair: string;
  readonly check: string;
  readonly steps: readonly Step[];
  readonly world: StepWorld & { readonly clock: Pick<Clock, 'wall' | 'after'> };
  readonly journal: Journal;
  /** Where snapshots are kept. */
  readonly snapshots: string;
  readonly facts: Omit<SnapshotFacts, 'by' | 'why'>;
  /** The cause before; another one afterwards is a step forward. */
  readonly cause: string | undefined;
  /** How long the proof may take. */
  readonly patienceMs?: number | undefined;
  /** Looks with the check again. */
  look(): Promise<Verdict>;
}

/** What became of a repair. */
export type RepairEnd =
  | { readonly kind: 'cured'; readonly snapshot: string; readonly seen: string }
  /** What it was for is gone, and something else is in the way now. */
  | { readonly kind: 'further'; readonly snapshot: string; readonly seen: string }
  | { readonly kind: 'undone'; readonly snapshot: string; readonly seen: string }
  | { readonly kind: 'failed'; readonly snapshot: string | undefined; readonly step: string; readonly why: string }
  | { readonly kind: 'not-undone'; readonly snapshot: string; readonly what: string; readonly why: string };

const KEEPS_CONTENT: ReadonlySet<Step['do']> = new Set(['write-file', 'edit-configuration', 'remove-file']);

/** What a snapshot must hold before these steps. */
export function wantedBefore(steps: readonly Step[]): readonly Wanted[] {
  const wanted = new Map<string, Wanted>();
  for (const step of steps)
    for (const path of touchedBy(step)) {
      const content = KEEPS_CONTENT.has(step.do) || wanted.get(path)?.content === true;
      wanted.set(path, { path, use: '', content });
    }
  return [...wanted.values()];
}

const inWords = (verdict: Verdict): string => {
  if (verdict.kind === 'unhealthy') return verdict.cause;
  if (verdict.kind === 'unknown' || verdict.kind === 'not-applicable') return `${verdict.kind}: ${verdict.because}`;
  return verdict.kind === 'blocked' ? `blocked by ${verdict.by}` : verdict.kind;
};

/** Looks until the check is well, a few times: a listener or a server may need a moment. */
async function verify({ look, world: { clock }, cause, patienceMs = 0 }: Execution): Promise<Verdict> {
  const tries = Math.max(verifyTries, Math.ceil(patienceMs / patientEveryMs));
  const everyMs = patienceMs > 0 ? patientEveryMs : verifyEveryMs;
  for (let tried = 1; ; tried += 1) {
    const verdict = await look();
    const isSame =
      verdict.kind === 'unhealthy' ? patienceMs > 0 || verdict.cause === cause : verdict.kind === 'unknown';
    if (!isSame || tried >= tries) return verdict;
    await new Promise<void>((resolve) => void clock.after(everyMs, resolve));
  }
}

/** Puts everything back that steps changed, the last first; answers with what could not be. */
async function undo(
  done: readonly Step[],
  snapshot: Snapshot,
  world: StepWorld,
): Promise<{ readonly what: string; readonly why: string } | undefined> {
  let failed: { readonly what: string; readonly why: string } | undefined;
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // The rest is put back all the same.
      failed ??= { what, why: whyNot(error) };
    }
  };
  const touched = new Set(done.flatMap(touchedBy));
  for (const file of [...snapshot.manifest.files].reverse()) {
    if (!touched.has(file.path)) continue;
    const content = file.stored === undefined ? undefined : snapshot.contents[file.stored];
    await attempt(file.path, () => putBack(world, file, content));
  }
  // After the files: a command may read them.
  for (const step of [...done].reverse()) {
    if (step.do === 'run')
      await attempt(stepInWords(step), () => runCommand(world, step.command.program, step.command.undo));
  }
  for (const step of [...done].reverse()) {
    if (step.do !== 'ask-service' || step.undo === undefined) continue;
    const { action, input = {} } = step.undo;
    await attempt(stepInWords(step), async () => {
      const why = await world.ask(action, input);
      if (why !== undefined) throw new StepFailure(why);
    });
  }
  if (done.some((step) => step.do === 'ask-service' && step.action === 'reload')) await world.ask('reload', {});
  return failed;
}

/** Carries out a plan: records what it will touch, does it, looks again, and puts everything back where that did not help. */
export async function executeRepair(execution: Execution): Promise<RepairEnd> {
  const { repair, check, steps, world, journal } = execution;
  let snapshot: Snapshot;
  let path: string;
  try {
    const facts = { ...execution.facts, by: 'repair' as const, why: `before ${repair} for ${check}` };
    snapshot = await lookAt(world, wantedBefore(steps), facts);
    path = await writeSnapshot(world, execution.snapshots, snapshot);
    await dropOldSnapshots(world, execution.snapshots);
  } catch (error) {
    // Nothing is changed that was not recorded.
    const step = 'record what will be touched';
    journal.emit('repair.step-failed', { repair, step, why: whyNot(error) });
    return { kind: 'failed', snapshot: undefined, step, why: whyNot(error) };
  }
  journal.emit('repair.began', { repair, check, snapshot: path });
  const done: Step[] = [];
  const back = async (): Promise<RepairEnd | undefined> => {
    const failed = await undo(done, snapshot, world);
    if (failed === undefined) return undefined;
    journal.emit('repair.not-undone', { repair, ...failed, snapshot: path });
    return { kind: 'not-undone', snapshot: path, ...failed };
  };
  for (const step of steps) {
    // Counted before it is done: half a step is undone, too. A command that fails has done nothing.
    if (step.do !== 'run') done.push(step);
    try {
      await applyStep(step, world);
    } catch (error) {
      const why = whyNot(error);
      journal.emit('repair.step-failed', { repair, step: stepInWords(step), why });
      return (await back()) ?? { kind: 'failed', snapshot: path, step: stepInWords(step), why };
    }
    if (step.do === 'run') done.push(step);
    journal.emit('repair.step-done', { repair, step: stepInWords(step) });
  }
  // Where the data directory went to somebody else, what was recorded there goes with it.
  if (steps.some((step) => step.do === 'set-owner')) await giveSnapshot(world, path).catch(() => undefined);
  const verdict = await verify(execution);
  const seen = inWords(verdict);
  if (verdict.kind === 'healthy' || verdict.kind === 'not-applicable') {
    journal.emit('repair.succeeded', { repair, check });
    return { kind: 'cured', snapshot: path, seen };
  }
  if (verdict.kind === 'unhealthy' && execution.cause !== undefined && verdict.cause !== execution.cause)
    return { kind: 'further', snapshot: path, seen };
  journal.emit('repair.undone', { repair, check, seen });
  return (await back()) ?? { kind: 'undone', snapshot: path, seen };
}
