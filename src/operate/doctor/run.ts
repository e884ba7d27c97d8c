import { assert } from '../../base/assert.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Check, Parts } from './check.ts';
import { checkMs, checkMsMax, runMs, secondLookMs } from './limits.ts';
import { withRepair } from './repairable.ts';
import { type Verdict, unknown } from './verdict.ts';

/** What one check found, and in what time. */
export interface Finding {
  readonly id: string;
  readonly number: number;
  readonly title: string;
  readonly verdict: Verdict;
  readonly tookMs: number;
}

/** The check that settings come from. */
const CONFIGURATION = 'configuration.loads';

/** Fails where ids or numbers are used twice, a check waits for one that is not there, or two wait for each other. */
export function assertSound(checks: readonly Check[]): void {
  const earlier = new Set<string>();
  const numbers = new Set<number>();
  for (const { id, number, after } of checks) {
    assert(!earlier.has(id) && !numbers.has(number), `check ${id} ${number} is there once`);
    // A table in the order of the graph has no circles.
    for (const before of after) assert(earlier.has(before), `${id} stands behind ${before}`);
    earlier.add(id);
    numbers.add(number);
  }
}

/** The checks that a choice means: those with that id or in that area, and all that must be healthy before them. */
export function chosen(checks: readonly Check[], only: string | undefined): readonly Check[] {
  if (only === undefined) return checks;
  return withThoseBefore(
    checks,
    checks.filter(({ id }) => id === only || id.startsWith(`${only}.`)),
  );
}

/** Some checks, and all that must be healthy before them, in the order of the graph. */
export function withThoseBefore(checks: readonly Check[], some: readonly Check[]): readonly Check[] {
  const ids = new Set<string>();
  const add = (id: string): void => {
    if (ids.has(id)) return;
    ids.add(id);
    for (const before of checks.find((check) => check.id === id)?.after ?? []) add(before);
  };
  for (const { id } of some) add(id);
  return checks.filter(({ id }) => ids.has(id));
}

/**
 * The checks for a service that runs: its settings are those in force, so a file that does not load any more is a finding of its own and
 * stands in nobody's way. What the service says of itself it tells by its own events.
 */
export function checksInForce(checks: readonly Check[]): readonly Check[] {
  return checks
    .filter(({ id }) => !id.startsWith('service.'))
    .map((check) => ({ ...check, after: check.after.filter((id) => id !== CONFIGURATION) }));
}

const STANDS_IN_THE_WAY: ReadonlySet<Verdict['kind']> = new Set(['unhealthy', 'blocked', 'broken', 'unknown']);

/**
 * Runs checks in the order of their graph, as many at once as it allows. Never rejects. With `twice` a verdict counts as unhealthy only
 * where a second look says so too: packets get lost, and hosts have a bad second.
 */
export async function runChecks(
  checks: readonly Check[],
  parts: Partial<Parts>,
  clock: Pick<Clock, 'now' | 'after'>,
  { twice = false }: { readonly twice?: boolean } = {},
): Promise<readonly Finding[]> {
  const began = clock.now();
  const started = new Map<string, Promise<Finding>>();
  const withMemory = { ...parts, memory: {} };
  for (const check of checks) {
    const before = check.after.flatMap((id) => started.get(id) ?? []);
    started.set(check.id, runOne(check, Promise.all(before), withMemory, clock, { untilMs: began + runMs, twice }));
  }
  return Promise.all(started.values());
}

async function runOne(
  check: Check,
  before: Promise<readonly Finding[]>,
  parts: Partial<Parts>,
  clock: Pick<Clock, 'now' | 'after'>,
  { untilMs, twice }: { readonly untilMs: number; readonly twice: boolean },
): Promise<Finding> {
  const inTheWay = (await before).find(({ verdict }) => STANDS_IN_THE_WAY.has(verdict.kind));
  const began = clock.now();
  let verdict = inTheWay === undefined ? await lookInTime(check, parts, clock, untilMs - began) : blockedBy(inTheWay);
  const spent = clock.now() - began;
  // One that there is no time to make again is believed.
  if (
    twice &&
    check.everyMs === undefined &&
    verdict.kind === 'unhealthy' &&
    clock.now() + spent + secondLookMs < untilMs
  ) {
    await new Promise<void>((resolve) => void clock.after(secondLookMs / 2, resolve));
    verdict = await lookInTime(check, renewed(parts), clock, untilMs - clock.now());
  }
  const { id, number, title } = check;
  return { id, number, title, verdict: withRepair(id, verdict), tookMs: Math.round(clock.now() - began) };
}

/** The parts without what they remember: what was missed once must not be missed again for that. */
function renewed(parts: Partial<Parts>): Partial<Parts> {
  const { resolver, service } = parts;
  return {
    ...parts,
    memory: {},
    ...(resolver?.afresh === undefined ? {} : { resolver: resolver.afresh() }),
    ...(service?.afresh === undefined ? {} : { service: service.afresh() }),
  };
}

/** Names the root, not the nearest. */
function blockedBy({ id, verdict }: Finding): Verdict {
  return { kind: 'blocked', by: verdict.kind === 'blocked' ? verdict.by : id, evidence: [] };
}

function lookInTime(
  check: Check,
  parts: Partial<Parts>,
  clock: Pick<Clock, 'after'>,
  leftMs: number,
): Promise<Verdict> {
  const missing = check.needs.find((name) => parts[name] === undefined);
  if (missing === 'settings') return Promise.resolve({ kind: 'blocked', by: CONFIGURATION, evidence: [] });
  if (missing !== undefined)
    return Promise.resolve({ kind: 'broken', fault: `it was not given ${missing}`, evidence: [] });
  const ms = Math.max(0, Math.min(check.deadlineMs ?? checkMs, checkMsMax, leftMs));
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(unknown(`it did not end within ${(ms / 1000).toFixed(1)} s`)));
    check.look(parts).then(
      (verdict) => {
        timer.cancel();
        resolve(verdict);
      },
      (error: unknown) => {
        // The frontier of checks: one that throws says nothing about the host.
        timer.cancel();
        resolve({ kind: 'broken', fault: error instanceof Error ? error.message : String(error), evidence: [] });
      },
    );
  });
}
