/**
 * The door of doctor. It looks at the host, the configuration and the running service, and says what is not well: the cause, what was
 * seen, and the cure. Called by the command line, and by the operator process, which runs it by itself. It promises an answer within ten seconds whatever it looks at, writes nothing, and
 * never calls something healthy that it could not see.
 */
import type { Clock } from '../../world/ports/clock.ts';
import type { Parts } from './check.ts';
import { checks } from './checks/index.ts';
import type { Condition } from './condition.ts';
import { mergeFindings } from './merge.ts';
import { type DoctorReport, makeReport } from './report.ts';
import { chosen, runChecks } from './run.ts';

export { checks } from './checks/index.ts';
export { conditionStore } from './condition-store.ts';
export { startExaminer, type Examiner } from './examiner.ts';
export { explainCheck } from './explain.ts';
export { changeEvents, changesFrom, type ConditionChange } from './merge.ts';
export { makeParts } from './parts.ts';
export type { DoctorReport } from './report.ts';
export { checksInForce } from './run.ts';

/**
 * Looks at everything, or at one check or area with all that it stands on; undefined where there is none of that name. What seems unhealthy
 * is looked at again before it is called so.
 */
export async function examine(
  parts: Partial<Parts>,
  clock: Pick<Clock, 'now' | 'after'>,
  only?: string,
): Promise<DoctorReport | undefined> {
  const wanted = chosen(checks, only);
  if (wanted.length === 0) return undefined;
  const began = clock.now();
  const findings = await runChecks(wanted, parts, clock, { twice: true });
  return makeReport(findings, Math.round(clock.now() - began));
}

/** Adds to a report what the running service answered to `conditions`. */
export function withConditions(report: DoctorReport, answer: unknown): DoctorReport {
  const known = (answer as { readonly conditions?: readonly Condition[] } | undefined)?.conditions ?? [];
  return makeReport(mergeFindings(report.findings, known), report.tookMs);
}

/** The ids of all checks. */
export const checkIds: readonly string[] = checks.map(({ id }) => id);
