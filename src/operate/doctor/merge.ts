/** What a run finds, together with what the running service knows of itself from its own looks. */
import type { Condition } from './condition.ts';
import type { Finding } from './run.ts';

/** A finding, and since when it is so where that is known. */
export interface KnownFinding extends Finding {
  /** When the service first saw it, by the wall clock. */
  readonly sinceMs?: number;
  /** The run could not see it; the service did. */
  readonly seenBy?: 'service';
}

const NOT_SEEN: ReadonlySet<Finding['verdict']['kind']> = new Set(['unknown', 'broken']);

/** A fresh look is truer than an old one; what it could not see is told as the service saw it last. */
export function mergeFindings(findings: readonly Finding[], conditions: readonly Condition[]): readonly KnownFinding[] {
  const known = new Map(conditions.map((condition) => [condition.check, condition]));
  return findings.map((finding): KnownFinding => {
    const condition = known.get(finding.id);
    if (condition === undefined) return finding;
    const { sinceMs, cause, cure, event, repair, evidence } = condition;
    if (finding.verdict.kind === 'unhealthy') return { ...finding, sinceMs };
    if (!NOT_SEEN.has(finding.verdict.kind)) return finding;
    return {
      ...finding,
      verdict: {
        kind: 'unhealthy',
        cause,
        cure,
        ...(event === undefined ? {} : { event }),
        ...(repair === undefined ? {} : { repair }),
        evidence,
      },
      sinceMs,
      seenBy: 'service',
    };
  });
}

/** Something that changed, from the event log. */
export interface ConditionChange {
  readonly atMs: number;
  readonly what: 'found' | 'over';
  readonly check: string;
  readonly cause: string;
}

/** The numbers of the events that tell of changes. */
export const changeEvents = { found: 3960, over: 2960 } as const;

/** Reads changes from events. */
export function changesFrom(
  events: readonly {
    readonly atMs: number;
    readonly number: number;
    readonly data: Readonly<Record<string, unknown>>;
  }[],
): readonly ConditionChange[] {
  return events.flatMap(({ atMs, number, data }) => {
    const what = number === changeEvents.found ? 'found' : number === changeEvents.over ? 'over' : undefined;
    return what === undefined ? [] : [{ atMs, what, check: String(data['check']), cause: String(data['cause']) }];
  });
}
