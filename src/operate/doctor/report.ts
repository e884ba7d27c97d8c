import type { KnownFinding } from './merge.ts';
import type { Verdict } from './verdict.ts';

/** Everything that a run found. */
export interface DoctorReport {
  /** failed: a check is broken, or the configuration may not be read, and nothing was found unhealthy. */
  readonly verdict: 'well' | 'unhealthy' | 'failed';
  readonly sentence: string;
  readonly counts: Readonly<Record<Verdict['kind'], number>>;
  readonly findings: readonly KnownFinding[];
  readonly tookMs: number;
}

const CONFIGURATION = 'configuration.loads';

const things = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** Joins findings to an overall verdict. */
export function makeReport(findings: readonly KnownFinding[], tookMs: number): DoctorReport {
  const count = (kind: Verdict['kind']): number => findings.filter(({ verdict }) => verdict.kind === kind).length;
  const counts = {
    healthy: count('healthy'),
    unhealthy: count('unhealthy'),
    unknown: count('unknown'),
    blocked: count('blocked'),
    broken: count('broken'),
    'not-applicable': count('not-applicable'),
  };
  const rest = [
    counts.unknown > 0 ? `${counts.unknown} could not be seen` : '',
    counts.blocked > 0 ? `${things(counts.blocked, 'waits', 'wait')} behind another` : '',
    counts.broken > 0 ? `${things(counts.broken, 'check', 'checks')} failed` : '',
  ].filter((text) => text !== '');
  const also = rest.length === 0 ? '' : `; ${rest.join(', ')}`;
  const well = things(counts.healthy, 'check is well', 'checks are well');
  // Without the configuration hardly anything was looked at: that is no reason to call it well.
  const unread = findings.some(({ id, verdict }) => id === CONFIGURATION && verdict.kind === 'unknown');
  const verdict = counts.unhealthy > 0 ? 'unhealthy' : counts.broken > 0 || unread ? 'failed' : 'well';
  const sentence =
    verdict === 'unhealthy'
      ? `${things(counts.unhealthy, 'thing is', 'things are')} not well; ${well}${also}.`
      : verdict === 'failed'
        ? `The examination is not complete: ${rest.join(', ')}; ${well}.`
        : `Nothing is wrong that can be seen: ${well}${also}.`;
  return { verdict, sentence, counts, findings, tookMs };
}
