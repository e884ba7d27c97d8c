/**
 * When a verdict counts. One look may be wrong: a lost packet, a listener that is just being bound. Something is not well once several
 * looks in a row said so, and well again once several did. What could not be seen neither alarms nor reassures.
 */
import type { Condition } from './condition.ts';
import type { Finding } from './run.ts';

/** What is known of one check from its looks so far. */
export interface Watch {
  /** Looks in a row that found it unhealthy, and healthy. */
  readonly bad: number;
  readonly good: number;
  /** When the first of the unhealthy ones was, by the wall clock. */
  readonly firstMs: number;
  /** What is told of it, from when it was sure. */
  readonly condition?: Condition;
  /** The check that it waited for at the last look. */
  readonly blockedBy?: string;
}

/** How many looks in a row make something sure. */
export interface Needed {
  readonly found: number;
  readonly over: number;
}

/** Nothing is known yet. */
export const unseen: Watch = { bad: 0, good: 0, firstMs: 0 };

/** A look before which nothing is sure in either direction: it should be made again soon. */
export function isUnsure({ bad, good, condition }: Watch): boolean {
  return condition === undefined ? bad > 0 : good > 0;
}

/** Adds a finding. The condition appears, is renewed, or goes away. */
export function weigh(watch: Watch, finding: Finding, needed: Needed, wallMs: number): Watch {
  const { verdict } = finding;
  switch (verdict.kind) {
    case 'unhealthy': {
      const bad = Math.min(watch.bad + 1, needed.found);
      const firstMs = watch.bad === 0 ? wallMs : watch.firstMs;
      if (watch.condition === undefined && bad < needed.found) return { bad, good: 0, firstMs };
      const sinceMs = watch.condition?.sinceMs ?? firstMs;
      return { bad, good: 0, firstMs, condition: conditionOf(finding, verdict, sinceMs) };
    }
    case 'healthy':
    case 'not-applicable': {
      const { condition } = watch;
      if (condition === undefined) return unseen;
      const good = watch.good + 1;
      return good >= needed.over ? unseen : { bad: 0, good, firstMs: watch.firstMs, condition };
    }
    case 'blocked':
      return { ...watch, blockedBy: verdict.by };
    case 'unknown':
    case 'broken': {
      const { blockedBy: _, ...rest } = watch;
      return rest;
    }
  }
}

function conditionOf(
  { id, number, title }: Finding,
  verdict: Finding['verdict'] & { kind: 'unhealthy' },
  sinceMs: number,
): Condition {
  const { cause, cure, event, repair, evidence } = verdict;
  return {
    check: id,
    number,
    title,
    cause,
    cure,
    ...(event === undefined ? {} : { event }),
    ...(repair === undefined ? {} : { repair }),
    evidence,
    sinceMs,
  };
}
