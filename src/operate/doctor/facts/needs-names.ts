import { needsNames } from './usage.ts';
import { unhealthy, unknown, type Cure, type Evidence, type Verdict } from '../verdict.ts';
import type { Parts } from '../check.ts';

/** What is wrong with the name service is a fault only where the configuration needs names; else it is told without an alarm. */
export function wrongNames(
  settings: Parts['settings'],
  cause: string,
  cure: Cure,
  evidence: readonly Evidence[],
): Verdict {
  const need = needsNames(settings);
  return need === undefined
    ? unknown(`${cause} This configuration can do without.`, evidence)
    : unhealthy(`${cause} It is needed: ${need}.`, cure, evidence);
}
