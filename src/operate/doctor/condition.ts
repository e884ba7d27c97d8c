import type { Evidence } from './verdict.ts';

/** Something that is not well, from when it was first sure until a check sees it healthy again. */
export interface Condition {
  /** Id of the check that found it. */
  readonly check: string;
  /** Number of that check. */
  readonly number: number;
  /** What the check expects. */
  readonly title: string;
  readonly cause: string;
  readonly cure: string;
  /** The event that the service reports for the same situation. */
  readonly event?: number;
  /** Id of a repair that cures it. */
  readonly repair?: string;
  readonly evidence: readonly Evidence[];
  /** When it was first seen, by the wall clock; a restart does not begin it anew. */
  readonly sinceMs: number;
}
