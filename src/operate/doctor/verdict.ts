/** One thing that was looked at. */
export interface Evidence {
  readonly what: string;
  readonly expected: string;
  readonly seen: string;
}

/** What a person can do about a cause. */
export interface Cure {
  /** The exact command or text. */
  readonly cure: string;
  /** The event that the service reports for the same situation. */
  readonly event?: number;
  /** Id of a repair of operate/repair that does it: `ims repair <check id>`. */
  readonly repair?: string;
}

/** What a check found. Every verdict carries what was seen on the way to it. */
export type Verdict = { readonly evidence: readonly Evidence[] } & (
  | { readonly kind: 'healthy' }
  | ({ readonly kind: 'unhealthy'; readonly cause: string } & Cure)
  /** It could not be seen; `because` says what was in the way. */
  | { readonly kind: 'unknown'; readonly because: string }
  | { readonly kind: 'not-applicable'; readonly because: string }
  /** A check before it, named by its id, must be healthy first. */
  | { readonly kind: 'blocked'; readonly by: string }
  /** The check itself failed: a defect of this program. */
  | { readonly kind: 'broken'; readonly fault: string }
);

/** Says what was expected and what was there. */
export const row = (what: string, expected: string, seen: string): Evidence => ({ what, expected, seen });

/** Everything is as it should be. */
export const healthy = (evidence: readonly Evidence[] = []): Verdict => ({ kind: 'healthy', evidence });

/** Something is wrong, and this is the root of it. */
export const unhealthy = (cause: string, cure: Cure, evidence: readonly Evidence[]): Verdict => ({
  kind: 'unhealthy',
  cause,
  ...cure,
  evidence,
});

/** It could not be seen. */
export const unknown = (because: string, evidence: readonly Evidence[] = []): Verdict => ({
  kind: 'unknown',
  because,
  evidence,
});

/** There is nothing to look at here. */
export const notApplicable = (because: string): Verdict => ({ kind: 'not-applicable', because, evidence: [] });
