/**
 * The door of repairs. A repair is a plan of typed steps for what a check found; one executor records what it will touch,
 * carries the steps out, looks with the check again, and puts everything back where that did not help. Called by the
 * command line. It promises that nothing is changed that was not recorded before, and nothing at all without consent.
 */
import type { Finding } from '../doctor/run.ts';
import type { Repair, RepairParts } from './repair.ts';
import { repairs } from './repairs/index.ts';
import { person, nothing } from './repair.ts';
import type { Plan } from './step.ts';

export { executeRepair, type Execution, type RepairEnd } from './execute.ts';
export type { StepWorld } from './apply-step.ts';
export type { Repair, RepairParts } from './repair.ts';
export { type Plan, type Step, stepInWords } from './step.ts';

/** What would be done about one finding. */
export interface Proposal {
  /** Id of the repair; undefined where only a person can do something. */
  readonly repair: Repair | undefined;
  readonly check: string;
  readonly finding: Finding | undefined;
  readonly plan: Plan;
}

/** The repair of an id. */
export const repairOf = (id: string): Repair | undefined => repairs.find((repair) => repair.id === id);

/** Ids of all repairs. */
export const repairIds: readonly string[] = repairs.map(({ id }) => id);

/** The repairs that a finding may have: the one that its check names first. */
export function repairsFor({ id, verdict }: Finding): readonly Repair[] {
  const named = verdict.kind === 'unhealthy' && verdict.repair !== undefined ? repairOf(verdict.repair) : undefined;
  const rest = repairs.filter((repair) => repair !== named && repair.checks.includes(id));
  return named === undefined ? rest : [named, ...rest];
}

/** Plans what can be done about a finding: steps where there are some, else the text for a person. */
export async function propose(finding: Finding, given: Omit<RepairParts, 'finding'>): Promise<Proposal> {
  const check = finding.id;
  let best: Proposal | undefined;
  for (const repair of repairsFor(finding)) {
    const plan = await repair.plan({ ...given, finding });
    if (plan.kind === 'steps' && repair.onlyByName === undefined) return { repair, check, finding, plan };
    if (plan.kind === 'steps')
      best ??= { repair, check, finding, plan: person(`${repair.onlyByName}\nims repair ${repair.id} --preview`) };
    if (plan.kind === 'person') best ??= { repair, check, finding, plan };
  }
  const cure = finding.verdict.kind === 'unhealthy' ? person(finding.verdict.cure) : nothing('it is well');
  return best ?? { repair: undefined, check, finding, plan: cure };
}

/** Plans a repair that was asked for by its own id. */
export async function proposeById(repair: Repair, given: RepairParts): Promise<Proposal> {
  const check = given.finding?.id ?? repair.provenBy;
  return { repair, check, finding: given.finding, plan: await repair.plan({ ...given, byName: true }) };
}

/** What there is for an event that no check stands for. */
export async function proposeForEvent(
  event: number,
  given: Omit<RepairParts, 'finding'>,
): Promise<readonly Proposal[]> {
  const out: Proposal[] = [];
  for (const repair of repairs) {
    if (repair.events?.includes(event) !== true) continue;
    const plan = await repair.plan({ ...given, finding: undefined });
    if (plan.kind !== 'steps') continue;
    const first = repair.onlyByName;
    const text = `${first}\nOnly where what was there is given up: ims repair ${repair.id} --preview`;
    out.push({ repair, check: repair.provenBy, finding: undefined, plan: first === undefined ? plan : person(text) });
  }
  return out;
}
